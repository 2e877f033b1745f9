"""A build whose sheets a Gemini model makes, that is busy at first: from the video to the table."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from aiohttp import web

from actor18m import build
from actor18m.media.encoded import encoded
from actor18m.samples.shipped import SHIPPED
from tests.engine.gemini_server import KEY, TOKENS, GeminiServer, exhausted

pytest.importorskip("google.genai", reason="google-genai is not installed (extra `cluster`)")

PIPELINE = """\
extends: embedded
name: gemini
stages:
  - stage: stages.asked.sheets:AskedSheets
    instead_of: stages.layout:Layout
    roles: {{editor: {{backend: gemini-image, url: "{url}", model: some-image-model}}}}
    run: {{concurrency: 2, dollars_per: {{request: 0.04}}}}
"""


async def _busy_at_first(number: int) -> web.Response | None:
    return exhausted("0.3s") if number == 1 else None


@pytest.mark.slow
@pytest.mark.usefixtures("embedded_models")
def test_a_sheet_is_asked_for_until_it_is_made_and_is_paid_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    shutil.copy(SHIPPED / "turn_standing_1.mp4", tmp_path)
    sheet = encoded(".png", np.full((64, 96, 3), 200, np.uint8), [])
    with GeminiServer(sheet, _busy_at_first) as server:
        (tmp_path / "gemini.yaml").write_text(PIPELINE.format(url=server.address))
        built = build(
            tmp_path / "gemini.yaml", inputs=[str(tmp_path / "turn_standing_1.mp4")], store=tmp_path / "store",
            dataset=tmp_path / "dataset",
        )  # fmt: skip
    assert len(server.log) == 2
    spent = built.tally.costs["sheet_images"]
    assert (spent["requests"], spent["tokens"]) == (2, TOKENS)
    assert spent["dollars"] == pytest.approx(0.08)
    rows = pq.read_table(tmp_path / "dataset/latest/metadata/references").to_pylist()
    (row,) = [row for row in rows if row["maker"] == "sheet_images"]
    assert (row["how"], row["is_generated"], row["panels"]) == ("some-image-model", True, 3)
    assert row["state"] == "rejected", "annotate sees nobody in a grey sheet"
    assert KEY not in str(rows)
