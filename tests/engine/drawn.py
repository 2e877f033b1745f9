"""Films of which words are drawn, as drawing.py has it, and what was kept of their images."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.engine.drawing import FRAMED, PIPELINE
from tests.engine.site import Site

WORDS = {name: f"a film about {name}" for name in ("apples", "pears", "plums")}


def images(site: Site, subset: str = "A") -> dict[str, Any]:
    answer: dict[str, Any] = site.ask("status")["images"][subset]
    return answer


def references(site: Site, subset: str = "A") -> dict[str, dict[str, Any]]:
    return {row["key"]: row for row in site.table("references") if row["subset"] == subset}


def key_of(site: Site, name: str) -> str:
    return next(str(row["clip"]) for row in site.table("inputs") if Path(row["uri"]).stem == name)


def drawn_by(site: Site) -> Site:
    site = replace(site, pipeline=PIPELINE)
    site.put(WORDS)
    site.build()
    assert site.called() == {"read": 3, "ask": 3, "draw": 12, "describe": 12}
    return site


def framed_by(site: Site) -> Site:
    """With a second subset, of images that are made from those of the first."""
    site = replace(site, pipeline=FRAMED)
    site.put(WORDS)
    site.build()
    assert site.called() == {"read": 3, "ask": 3, "draw": 12, "frames": 3, "frame": 2, "describe": 14, "judge": 2}
    return site
