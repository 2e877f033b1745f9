"""docs/a-stage.md and docs/a-table.md, followed as they are printed."""

import pyarrow.parquet as pq

from tests.docs.page import Reader, reader

__all__ = ["reader"]


def test_a_stage_is_written_tried_built_and_published(reader: Reader) -> None:
    reader.follow("a-stage.md")
    assert "very_dark_1.mp4" in reader.printed, "the table that DuckDB prints"
    assert "'time_s': 0.0" in reader.printed, "what the notebook is told"
    reader.follow("a-table.md")
    assert pq.read_table("seconds.parquet").column_names == ["clip", "time_s", "mean"]
