"""A build whose judge and captions are asked for over HTTP can be killed at any time, in this process and on Ray: what
was answered and committed is not asked again, by the server's own log, and the dataset has the same bytes.
"""

import shutil
import time
from collections import Counter
from collections.abc import Callable, Sequence
from hashlib import sha256
from itertools import islice
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from actor18m.samples.shipped import SHIPPED
from tests.engine.chat_server import Asked, ChatServer
from tests.engine.films import film
from tests.engine.killing import Project
from tests.stages.asked.painting import judging, words
from tests.stages.asked.test_captions import described

CAPTIONED = """\
name: captioned
profile: test
stages:
  - stage: stages.intake:Intake
  - stage: stages.asked.captions:AskedCaptions
    roles: {{chat: {{backend: openai-chat, url: "{url}", model: m, image_px: 160}}}}
    run: {{concurrency: 2}}
publish:
  columns: [captions.caption]
"""
SHARES = (0.25, 0.6)
"""Of all answers, when the build is killed."""


def mark(asked: Asked) -> str:
    """Of the image that is judged, or the clip: the answer says it, and so the row does."""
    return sha256(asked.seen).hexdigest()[:16]


def judged(asked: Asked) -> object:
    return words(reason=f"Seen: {mark(asked)}")


def captioned(asked: Asked) -> object:
    return described(caption=f"Seen: {mark(asked)}")


def put_films(inputs: Path) -> None:
    for number in range(12):
        (inputs / f"film{number:03d}.mp4").write_bytes(film(f"apples pears plums take{number}"))


def put_clips(inputs: Path) -> None:
    for path in islice(sorted(SHIPPED.glob("*.mp4")), 12):
        shutil.copy(path, inputs)


def committed(project: Project, stage: str, column: str) -> set[str]:
    """Marks of what is in the ledger."""
    rows: list[str | None] = []
    for file in (project.store / "ledger" / stage).glob("*/*.parquet"):
        rows += pq.read_table(file, columns=[column])[column].to_pylist()
    return {text.removeprefix("Seen: ") for text in rows if text is not None}


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--executor", "ray", "--workers", "2")], ids=["serial", "ray"])
@pytest.mark.parametrize(
    ("stage", "column", "says", "put"),
    [("judge", "reason", judged, put_films), ("captions", "caption", captioned, put_clips)],
    ids=["judge", "captions"],
)
def test_what_was_answered_and_committed_is_not_asked_again(
    tmp_path: Path,
    stage: str,
    column: str,
    says: Callable[[Asked], object],
    put: Callable[[Path], None],
    options: Sequence[str],
) -> None:
    inputs = tmp_path / "in"
    inputs.mkdir()
    put(inputs)
    with ChatServer(says, pause_s=0.5) as server:
        pipeline = tmp_path / "pipeline.yaml"
        judge = judging(server.url, run="{concurrency: 4}", parameters="{known_pairs: 0.3}")
        judge = judge.replace("tests.stages.asked.painting:CountedJudge", "stages.asked.judge:AskedJudge")
        pipeline.write_text(judge if stage == "judge" else CAPTIONED.format(url=server.url))
        whole = Project(tmp_path / "undisturbed", inputs, pipeline, patience_s=900)
        whole.finish()
        times = Counter(map(mark, server.log))
        assert committed(whole, stage, column) == times.keys()
        killed, there = whole.again(tmp_path / "killed"), set[str]()
        for share in SHARES:
            begun, enough = len(server.log), share * len(times)
            build = killed.start(*options)
            build.until(lambda enough=enough: len(committed(killed, stage, column)) >= enough)  # type: ignore[misc]
            build.kill()
            time.sleep(1)
            assert not {mark(asked) for asked in server.log[begun:]} & there
            there = committed(killed, stage, column)
            assert len(there) < len(times), "it was killed in the middle"
        begun = len(server.log)
        killed.finish(*options)
        again = Counter(map(mark, server.log[begun:]))
    assert not again.keys() & there
    assert again == {key: count for key, count in times.items() if key not in there}, "and all else once"
    assert killed.published() == whole.published()
