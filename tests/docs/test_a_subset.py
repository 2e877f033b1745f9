"""docs/a-subset.md, followed as it is printed."""

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from actor18m.config.pipeline import load_pipeline
from actor18m.policy.rules import judge
from actor18m.samples.shipped import SHIPPED
from tests.docs.page import Reader, reader

__all__ = ["reader"]


def test_its_pipeline_is_one(reader: Reader) -> None:
    """As far as can be told without a model."""
    reader.write_files("a-subset.md")
    toy = load_pipeline(Path("toy.yaml"))
    assert toy.stage_names[-5:] == ["tints", "tint", "annotate", "judge", "copies"]
    assert list(toy.subsets) == ["A", "B", "C", "T"]
    several = {"seen_people": [1, 2, 3], "panel_people": [None, None, [1, 1, 1]]}
    counted = pa.table({"key": ["face", "crowd", "sheet"], **several})
    verdicts = judge(counted, {"one_person": toy.rules("annotate")["one_person"]})
    assert verdicts["passed"].to_pylist() == [True, False, True], "of sheets, people are counted panel by panel"


@pytest.mark.slow
@pytest.mark.usefixtures("embedded_models")
def test_a_subset_is_asked_for_made_looked_at_and_published(reader: Reader) -> None:
    (reader.folder / "clips").mkdir()
    shutil.copy(SHIPPED / "talk_yaw_1.mp4", reader.folder / "clips")
    reader.follow("a-subset.md")
    rows = pq.read_table("dataset/latest/metadata/references").to_pylist()
    assert {row["subset"] for row in rows} == {"T"}
    assert {row["tint"] for row in rows} == {"warm", "cold"}
    assert {row["seen_people"] for row in rows} == {1}, "annotate looked at them"
    assert reader.printed.count("face-tint-0") >= 2 * len(rows), "WebDataset and DuckDB read them"
