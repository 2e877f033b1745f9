"""Pipelines in YAML become one validated object."""
