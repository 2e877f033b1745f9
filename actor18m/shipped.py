"""Data files that ship with the project beside its code."""

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path


def manifest(name: str) -> Traversable:
    """A wheel carries manifests/ inside the package; a checkout has it beside the package."""
    inside = resources.files("actor18m") / "manifests" / name
    return inside if inside.is_file() else Path(__file__).parents[1] / "manifests" / name
