"""Draining what is missing: in this process, or on Ray's actors."""
