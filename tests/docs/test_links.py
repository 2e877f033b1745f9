"""Every link in the documentation leads somewhere, and every file that it names is there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
_CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)
_NAMED = re.compile(r"`((?:[\w-]+/)*[\w-]+\.(?:py|yaml|sh|md))`")
_FOLDERS = ("", "actor18m/", "docs/", "pipelines/", "stages/", "tests/", "actor18m/catalog/sources/")
_WRITTEN = {"pipeline.yaml", "own.py", "ours.yaml"}
"""Names of files that a reader has, or a dataset."""


def prose(page: Path) -> str:
    return _CODE.sub("", page.read_text())


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in _HEADING.findall(prose(page))}


def links() -> Iterator[tuple[Path, str]]:
    for page in PAGES:
        for target in _LINK.findall(prose(page)):
            if "://" not in target:
                yield page, target


@pytest.mark.parametrize(("page", "target"), [*links()], ids=lambda each: each.name if isinstance(each, Path) else each)
def test_a_link_leads_somewhere(page: Path, target: str) -> None:
    name, _, anchor = target.partition("#")
    there = page.parent / name if name else page
    assert there.exists(), f"{page.name} links to {name}, which is not there"
    assert there.resolve().is_relative_to(ROOT)
    if anchor:
        assert anchor in anchors(there), f"{page.name} links to #{anchor}; {there.name} has {sorted(anchors(there))}"


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=lambda page: page.name)
def test_a_file_that_is_named_is_there(page: Path) -> None:
    named = set(_NAMED.findall(prose(page))) - _WRITTEN
    gone = [name for name in sorted(named) if not any((ROOT / folder / name).exists() for folder in _FOLDERS)]
    assert gone == [], f"{page.name} names them"


def test_there_is_something_to_look_at() -> None:
    assert len(list(links())) > 20
    assert len(PAGES) > 8


def test_an_anchor_that_is_not_there_would_be_found() -> None:
    assert "when-something-dies" in anchors(ROOT / "docs" / "engine.md")
    assert "when-nothing-dies" not in anchors(ROOT / "docs" / "engine.md")
