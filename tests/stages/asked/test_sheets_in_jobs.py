"""Sheets that are asked for in jobs: nothing is sent twice, by the server's own log, whenever the build is killed."""

import asyncio
import json
import shutil
import signal
from collections.abc import Callable, Mapping
from functools import cache
from hashlib import sha256
from itertools import chain, islice, repeat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiohttp import web

from actor18m import build
from actor18m.building.built import Built, StageStopped
from actor18m.execute import trouble
from actor18m.media.encoded import encoded
from actor18m.samples.shipped import SHIPPED
from actor18m.verify.store import verify_store
from tests.engine.gemini_server import KEY, TOKENS, GeminiServer, exhausted, inline, made
from tests.engine.killing import Project
from tests.stages.asked.sheets_of_clips import OF_CLIP, PIPELINE

pytest.importorskip("google.genai", reason="google-genai is not installed (extra `cluster`)")

CLIPS = 3
SHEETS = CLIPS * OF_CLIP


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", KEY)


@cache
def sheet_of(key: str) -> bytes:
    """A colour of its own for each request."""
    red, green, blue = sha256(key.encode()).digest()[:3]
    return encoded(".png", np.full((64, 96, 3), (red, green, blue), np.uint8), [])


def own(key: str, request: Mapping[str, Any]) -> dict[str, Any]:
    return {"response": made([{"inlineData": inline(sheet_of(key))}])}


def server(**more: Any) -> GeminiServer:
    return GeminiServer(b"", line=own, **more)


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for path in islice(sorted(SHIPPED.glob("*.mp4")), CLIPS):
        shutil.copy(path, folder)
    return folder


def written(to: Path, url: str, jobs_of: int = 100, run: str = "{deadline_s: 60}") -> Path:
    to.write_text(PIPELINE.format(url=url, jobs_of=jobs_of, run=run))
    return to


def built(root: Path, inputs: Path, endpoint: GeminiServer, **more: Any) -> Built:
    """In this process."""
    retry = more.pop("retry", ())
    pipeline = written(root / "pipeline.yaml", endpoint.address, **more)
    return build(pipeline, inputs=[str(inputs)], store=root / "store", dataset=root / "dataset", retry=retry)


def notes(store: Path) -> list[str]:
    return [path.name for path in store.glob("asked/*/*")]


def test_many_requests_go_in_one_job_and_each_gets_its_own_answer(tmp_path: Path, inputs: Path) -> None:
    """Answers come in another order than requests."""
    with server() as endpoint:
        endpoint.may_end.set()
        result = built(tmp_path, inputs, endpoint)
        again = built(tmp_path, inputs, endpoint).published
    assert again is not None
    assert not again.is_new
    assert [len(job.requests) for job in endpoint.jobs] == [SHEETS]
    assert not endpoint.log, "nothing was asked by itself"
    assert result.tally.costs["sheet_images"] == {"requests": SHEETS, "tokens": SHEETS * TOKENS}
    assert notes(tmp_path / "store") == []


@pytest.mark.slow
def test_a_job_has_the_requests_that_would_be_sent_by_themselves(tmp_path: Path, inputs: Path) -> None:
    sheet = sheet_of("any")
    with GeminiServer(sheet) as one_by_one:
        built(tmp_path, inputs, one_by_one, jobs_of="null")
    other = tmp_path / "other"
    other.mkdir()
    with GeminiServer(sheet) as endpoint:
        endpoint.may_end.set()
        built(other, inputs, endpoint, jobs_of=4)
    assert sorted(len(job.requests) for job in endpoint.jobs) == [2, 4]
    sent = [request for job in endpoint.jobs for request in job.requests.values()]
    # the client spells one field in the other of the two ways that Google reads
    bodies = [json.loads(json.dumps(asked.body).replace('"mime_type"', '"mimeType"')) for asked in one_by_one.log]
    by_seed = {body["generationConfig"]["seed"]: body for body in bodies}
    assert {request["generationConfig"]["seed"]: request for request in sent} == by_seed
    assert len(by_seed) == SHEETS


MOMENTS: Mapping[str, Callable[[GeminiServer, int], bool]] = {
    "while it is sent": lambda endpoint, looks: len(endpoint.jobs) == 1,
    "while it works": lambda endpoint, looks: endpoint.looks > looks + 1,
    "when it has answered": lambda endpoint, looks: endpoint.fetched == 1,
}


async def _never(number: int) -> web.Response | None:
    """Of the first one that is sent, nobody hears."""
    if number == 1:
        await asyncio.sleep(60)
    return None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("moment", "kills"),
    [
        *((moment, 1) for moment in MOMENTS),
        ("while it works", 2),  # then each is measured alone, in another process
    ],
)
def test_a_job_outlives_the_build_that_sent_it(moment: str, kills: int, tmp_path: Path, inputs: Path) -> None:
    with server() as undisturbed:
        undisturbed.may_end.set()
        pipeline = written(tmp_path / "undisturbed.yaml", undisturbed.address)
        whole = Project(tmp_path / "undisturbed", inputs, pipeline)
        whole.finish()
    is_lost = moment == "while it is sent"
    with server(on_job=_never if is_lost else None) as endpoint:
        if moment == "when it has answered":
            endpoint.may_end.set()
        pipeline = written(tmp_path / "killed.yaml", endpoint.address)
        killed = Project(tmp_path / "killed", inputs, pipeline)
        for _ in range(kills):
            looks, one = endpoint.looks, killed.start()
            one.until(lambda: MOMENTS[moment](endpoint, looks))  # noqa: B023
            one.kill()
            assert len(notes(killed.store)) == SHEETS + (not is_lost)
        endpoint.may_end.set()
        killed.finish()
        assert len(endpoint.jobs) == 1
        assert endpoint.fetched <= 2, "also where each is measured alone"
        assert endpoint.times_sent == dict.fromkeys(endpoint.times_sent, 1)
    assert len(endpoint.times_sent) == SHEETS
    assert notes(killed.store) == []
    assert _shards(killed) == _shards(whole)


def _shards(project: Project) -> Mapping[str, bytes]:
    return {name: content for name, content in project.published().items() if name.endswith(".tar")}


def test_each_request_fails_for_itself_and_is_asked_again_when_it_may_pass(tmp_path: Path, inputs: Path) -> None:
    """Of six, one is refused, one has no answer the first time, and one an error that passes."""
    first: dict[str, str] = {}
    kinds = chain(["refused", "silent", "busy"], repeat("well"))

    def line(key: str, request: Mapping[str, Any]) -> dict[str, Any] | None:
        kind = first.setdefault(key, next(kinds))
        if kind == "refused":
            return {"response": made([{"text": "I cannot."}], "SAFETY")}
        if len(endpoint.jobs) == 1 and kind == "silent":
            return None
        if len(endpoint.jobs) == 1 and kind == "busy":
            return {"error": {"code": 14, "message": "overloaded"}}
        return own(key, request)

    with GeminiServer(b"", line=line) as endpoint:
        endpoint.may_end.set()
        result = built(tmp_path, inputs, endpoint)
        assert [len(job.requests) for job in endpoint.jobs] == [SHEETS, 2]
        assert result.images["C"] == {"kept": SHEETS - 1, "failed": 1}
        refused = next(key for key, kind in first.items() if kind == "refused")
        built(tmp_path, inputs, endpoint, retry=("failed",))
    assert list(endpoint.jobs[2].requests) == [refused], "who wants it asked again does not get the old answer"
    assert notes(tmp_path / "store") == []


@pytest.mark.slow
def test_a_job_that_is_not_taken_is_sent_again_and_one_that_is_there_is_not(tmp_path: Path, inputs: Path) -> None:
    async def busy_at_first(number: int) -> web.Response | None:
        return {1: exhausted("0.2s"), 2: web.Response(status=502)}.get(number)

    with server(on_job=busy_at_first) as endpoint:
        endpoint.may_end.set()
        built(tmp_path, inputs, endpoint)
    # the pretended server has both jobs: the first was refused, the second one is there though the answer was lost
    assert [len(job.requests) for job in endpoint.jobs] == [SHEETS, SHEETS]
    assert endpoint.fetched == 1


@pytest.mark.slow
@pytest.mark.parametrize("ends", ["BATCH_STATE_EXPIRED", "BATCH_STATE_CANCELLED"])
def test_a_job_that_ends_without_answers_is_left_to_the_next_build(ends: str, tmp_path: Path, inputs: Path) -> None:
    with server(ends=ends) as endpoint:
        endpoint.may_end.set()
        assert built(tmp_path, inputs, endpoint).images["C"] == {"pending": SHEETS}
        assert len(endpoint.jobs) == 1
        endpoint.ends = "BATCH_STATE_SUCCEEDED"
        assert built(tmp_path, inputs, endpoint).images["C"] == {"kept": SHEETS}
    assert len(endpoint.jobs) == 2


@pytest.mark.slow
def test_who_waits_for_less_than_a_job_takes_has_its_answers_from_the_next_build(
    tmp_path: Path, inputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trouble, "PATIENCE_S", (0.1,))
    with server() as endpoint:
        result = built(tmp_path, inputs, endpoint, run="{deadline_s: 1.5}")
        assert result.images["C"] == {"pending": SHEETS}
        assert not list(verify_store(str(tmp_path / "store"))), "notes are known files"
        endpoint.may_end.set()
        assert built(tmp_path, inputs, endpoint).images["C"] == {"kept": SHEETS}
    assert len(endpoint.jobs) == 1


@pytest.mark.slow
def test_a_job_that_failed_is_not_sent_again_and_again(tmp_path: Path, inputs: Path) -> None:
    with server(ends="BATCH_STATE_FAILED") as endpoint:
        endpoint.may_end.set()
        with pytest.raises(StageStopped, match=r"batches/0 of m ended as JOB_STATE_FAILED"):
            built(tmp_path, inputs, endpoint)
    assert notes(tmp_path / "store") == []


@pytest.mark.slow
def test_who_stops_a_build_that_waits_for_a_job_need_not_wait(tmp_path: Path, inputs: Path) -> None:
    with server() as endpoint:
        stopped = Project(tmp_path / "stopped", inputs, written(tmp_path / "pipeline.yaml", endpoint.address))
        waiting = stopped.start()
        waiting.until(lambda: endpoint.looks > 1)
        waiting.signal(signal.SIGINT)
        waiting.end(130)
        endpoint.may_end.set()
        stopped.finish()
    assert len(endpoint.jobs) == 1


@pytest.mark.slow
def test_no_more_is_sent_than_a_budget_pays_for(tmp_path: Path, inputs: Path) -> None:
    with server() as endpoint:
        endpoint.may_end.set()
        budget = "{deadline_s: 60, budget: {requests: 4}}"
        assert built(tmp_path, inputs, endpoint, run=budget).images["C"] == {"kept": 4, "pending": SHEETS - 4}
        assert built(tmp_path, inputs, endpoint, run=budget).images["C"] == {"kept": SHEETS}
    assert [len(job.requests) for job in endpoint.jobs] == [4, SHEETS - 4]
