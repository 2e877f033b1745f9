"""A sample becomes subset B: drawn, composited, looked at, decided, published."""

import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from actor18m import build
from actor18m.samples.shipped import SHIPPED

PIPELINE = """
extends: embedded
name: composited
publish: {images: all}
policy:
  attribute_images:
    same_person: {value: person_similarity, at_least: 0.6}
"""


def made(folder: Path, **settings: Any) -> list[dict[str, Any]]:
    """Rows of subset B, of what was not kept, too."""
    built = build(
        folder / "b.yaml", inputs=[folder / "clips"], store=folder / "store", dataset=folder / "dataset",
        only="subset-B", yes=True, settings=settings,
    )  # fmt: skip
    assert built.published is not None
    rows = pq.read_table(folder / "dataset" / "latest" / "metadata" / "references").to_pylist()
    return [row for row in rows if row["subset"] == "B"]


@pytest.mark.slow
@pytest.mark.usefixtures("embedded_models")
def test_a_sample_becomes_images_each_with_its_story(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    shutil.copy(SHIPPED / "talk_yaw_1.mp4", tmp_path / "clips")
    (tmp_path / "b.yaml").write_text(PIPELINE)
    rows = made(tmp_path)
    assert len(rows) >= 2
    for row in rows:
        assert row["stage"] != "attribute_images", "the first attempt is good enough for the maker's own rule"
        assert (row["source"], row["method"], row["is_generated"], row["how"]) == (
            "attr-aug", "composited", False, "compositor",
        )  # fmt: skip
        assert row["environment"]
        assert row["lighting_text"]
        assert row["source_key"] == f"{row['clip']}-{row['source_image']}"
        assert row["seen_people"] == 1
        assert [each["person_similarity"] for each in row["attempts"]] == [row["person_similarity"]]
    assert len({row["environment"] for row in rows}) == len(rows)
    # where no attempt is like enough, each one's seed and score are told, and the image is not kept
    strict = made(tmp_path, **{"attribute_images.same_person": 0.9999})
    assert {(row["state"], row["stage"], row["rule"]) for row in strict} == {
        ("rejected", "attribute_images", "same_person")
    }
    for row in strict:
        first, second = row["attempts"]
        assert (first["candidate"], second["candidate"]) == (1, 2)
        assert first["seed"] != second["seed"]
        assert 0 < first["person_similarity"] < 0.9999
