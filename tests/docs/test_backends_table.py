"""docs/backends.md has a row for each backend that ships, and the tests that it names are there."""

import re
from functools import cache
from pathlib import Path

import pytest

from actor18m.models.backends import WEIGHTLESS
from actor18m.models.lock import read_lock

ROOT = Path(__file__).parents[2]


def _rows() -> dict[str, list[str]]:
    """By backend, its other cells."""
    lines = (ROOT / "docs" / "backends.md").read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]
    assert all(len(row) == 6 for row in cells), "a backend, what it is beside, and four kinds of tests"
    return {row[0].strip("`"): row[1:] for row in cells}


@cache
def _tests() -> frozenset[str]:
    files = (ROOT / "tests").rglob("test_*.py")
    return frozenset(
        name for file in files for name in re.findall(r"^def test_(\w+)\(", file.read_text(), re.MULTILINE)
    )


def test_each_backend_has_its_row() -> None:
    models = [name for name, model in read_lock().models.items() if not model.is_adapter]
    assert sorted(_rows()) == sorted([*models, *WEIGHTLESS])


@pytest.mark.parametrize("name", sorted(_rows()))
def test_what_a_row_names_is_there(name: str) -> None:
    beside, *kinds = _rows()[name]
    for kind in kinds:
        named = re.findall(r"`(\w+)`", kind)
        assert named or kind, "a test, or why there is none"
        assert not set(named) - _tests(), "no such test"
    assert re.findall(r"`(\w+)`", kinds[0]), "a test of what it says"
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    for pin in re.findall(r"\S+==[\w.]+", beside):
        assert pin in pins, "not the version that is tested with"
