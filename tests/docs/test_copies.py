"""docs/copies.md names all columns, and the bounds as they are; its queries find what they say."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stages.copies import Copies
from tests.docs.page import blocks

PAGE = (Path(__file__).parents[2] / "docs" / "copies.md").read_text()


@pytest.mark.parametrize("name", Copies.writes.columns.names)
def test_each_column_is_explained(name: str) -> None:
    assert f"`{name}`" in PAGE


def test_bounds_are_told_as_they_are() -> None:
    of = Copies.parameters.model_dump()
    assert f"`same_view_deg`, {of['same_view_deg']:g}°" in PAGE
    assert of["solved_from"] == 0.5
    assert "a near copy of half of its" in PAGE


KIND = {
    "clip": pa.string(), "key": pa.string(), "state": pa.string(), "view": pa.string(), "method": pa.string(),
    "licence": pa.string(), "seen_viewpoint": pa.string(), "seen_yaw_deg": pa.float32(),
    **{field.name: field.type for field in Copies.writes.columns},
}  # fmt: skip


def image(clip: str, name: str, **told: Any) -> dict[str, Any]:
    real = {"state": "kept", "method": "real", "copy_solves": False, "copied_spans": []}
    return dict.fromkeys(KIND) | {"clip": clip, "key": f"{clip}-{name}"} | real | told


IMAGES = [
    image("one", "face-self-01", copy_solves=True, copied_spans=[{"start_s": 0, "end_s": 4}]),
    image("one", "body-self-01", person_copy_share=0.2, copied_spans=[{"start_s": 0, "end_s": 0.5}]),
    image("one", "body-view-02", person_copy_share=0.1, copied_spans=[{"start_s": 2, "end_s": 2.5}]),
    image("one", "body-view-03", state="unavailable", view="right", method=None, copy_solves=None, copied_spans=None),
    image("one", "face-view-05", state="unavailable", view="top_down", method=None, copied_spans=None),
    image("two", "body-self-01", seen_viewpoint="side", seen_yaw_deg=-80.0, licence="CC-BY-4.0"),
    image("two", "body-self-02", seen_viewpoint="side", seen_yaw_deg=80.0),
    image("two", "face-self-01", seen_viewpoint="down", seen_yaw_deg=0.0),
    image("two", "body-attribute-01", seen_viewpoint="side", seen_yaw_deg=-80.0, method="composited"),
    image("other", "look-tint-01", method="tinted", copy_solves=None),
    image("other", "body-self-01", seen_viewpoint="side", seen_yaw_deg=-80.0),
]


def test_its_queries_find_what_they_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [("one", "ann"), ("two", "ann"), ("other", "bob")]
    tables = {
        "references": pa.Table.from_pylist(IMAGES, schema=pa.schema([*KIND.items()])),
        "clips": pa.Table.from_pylist([{"clip": clip, "identity_id": person} for clip, person in people]),
    }
    for name, table in tables.items():
        folder = tmp_path / "dataset" / "latest" / "metadata" / name
        folder.mkdir(parents=True)
        pq.write_table(table, folder / "part.parquet")
    monkeypatch.chdir(tmp_path)
    asked = [block.text for block in blocks("copies.md") if block.language == "python"]
    shown: list[list[tuple[Any, ...]]] = []
    for code in asked:
        exec(code, {"print": lambda found: shown.append(found.fetchall())})
    unsolved, outside, lent = shown
    assert [row[1] for row in unsolved if row[0] == "one"] == ["one-body-view-02", "one-body-self-01"]
    assert "other-look-tint-01" in [row[1] for row in unsolved], "nothing is known of it"
    assert [row[1] for row in outside if row[0] == "one"] == ["one-body-self-01"]
    assert lent == [
        ("one", "body", "right", "two-body-self-01", "CC-BY-4.0"),
        ("one", "face", "top_down", "two-face-self-01", None),
    ]
