"""Datasets that are published without a store, to a folder or among objects, and what is in them."""

from pathlib import Path
from typing import Any

from actor18m.dataset import Version
from actor18m.publish import Published, publish
from actor18m.storage.objects import Objects
from actor18m.verify.dataset import verify_dataset
from tests.publish.material import FACTS, PIPELINE

CONTENT = ("videos/", "metadata/", "README.md", "pipeline.yaml")
"""What is the same wherever it lies."""


def objects(url: str) -> dict[str, bytes]:
    """All below it, by name."""
    place = Objects(url)
    return {path: place.read(path) for path in place.names("")}


def published(url: str | Path, blocks: Any, **more: Any) -> Published:
    return publish(url, blocks, PIPELINE, FACTS, **more)


def content_of(url: str | Path) -> dict[str, bytes]:
    """Every file that a version's manifest names and that says nothing of places, read through its checks."""
    version = Version.open(url)
    return {name: version.read(name) for name in version.manifest.files if name.startswith(CONTENT)}


def findings(url: str) -> list[str]:
    """But that it has heard no words: these were published without a store."""
    return [str(each) for each in verify_dataset(url) if not each.path.endswith("/.words.json")]
