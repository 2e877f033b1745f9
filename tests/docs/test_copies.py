"""docs/copies.md names all columns, and the bounds as they are."""

from pathlib import Path

import pytest

from stages.copies import Copies

PAGE = (Path(__file__).parents[2] / "docs" / "copies.md").read_text()


@pytest.mark.parametrize("name", Copies.writes.columns.names)
def test_each_column_is_explained(name: str) -> None:
    assert f"`{name}`" in PAGE


def test_bounds_are_told_as_they_are() -> None:
    of = Copies.parameters.model_dump()
    assert f"`same_view_deg`, {of['same_view_deg']:g}°" in PAGE
    assert of["solved_from"] == 0.5
    assert "a near copy of half of its" in PAGE
