"""Builds identity-consistent, multi-view reference datasets from raw human videos."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from actor18m.building.build import build as build
    from actor18m.inspecting import inspect as inspect

__version__ = "0.2.0"

_FROM = {"build": "actor18m.building.build", "inspect": "actor18m.inspecting"}


def __getattr__(name: str) -> Any:
    """What a notebook asks for, imported when it does: most who import the package want a part of it."""
    if name not in _FROM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_FROM[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_FROM])
