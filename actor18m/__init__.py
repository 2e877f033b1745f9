"""Builds identity-consistent, multi-view reference datasets from raw human videos."""

__version__ = "0.2.0"
