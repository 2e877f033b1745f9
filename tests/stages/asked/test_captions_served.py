"""A build whose stage has its model served for itself: the server comes and goes with the stage, and what it answered
is not asked of another one."""

import shutil
import sys
import uuid
from contextlib import suppress
from itertools import islice
from pathlib import Path

import pytest

from actor18m import build
from actor18m.building.built import Built
from actor18m.samples.shipped import SHIPPED
from tests.engine.chat_server import ChatServer

ROOT = Path(__file__).parents[3]
PIPELINE = """\
name: served
profile: test
stages:
  - stage: stages.intake:Intake
  - stage: stages.asked.captions:AskedCaptions
    roles: {{chat: {{backend: openai-chat, model: {model}, image_px: 160, {where}}}}}
publish: {{columns: [captions.caption]}}
"""


def built(root: Path, model: str, where: str) -> Built:
    (root / "served.yaml").write_text(PIPELINE.format(where=where, model=model))
    return build(root / "served.yaml", inputs=[root / "in"], store=root / "store", dataset=root / "dataset")


def running(model: str) -> list[str]:
    """Processes that serve it."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found += [str(file)] if model.encode() in file.read_bytes() else []
    return found


@pytest.mark.slow
def test_a_stage_brings_its_server_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5")
    (tmp_path / "in").mkdir()
    for path in islice(sorted(SHIPPED.glob("*.mp4")), 2):
        shutil.copy(path, tmp_path / "in")
    serve = f"serve: [{sys.executable}, -m, tests.engine.serve_chat, '{{port}}', '{{model}}']"
    model = f"me/{uuid.uuid4().hex}"
    first = built(tmp_path, model, serve)
    assert first.tally.measured["captions"] == 2
    assert not running(model)
    with ChatServer(lambda asked: "") as other:
        again = built(tmp_path, model, f"url: '{other.url}'")
    assert other.log == []
    assert again.tally.measured["captions"] == 0
