"""A judge that is asked over HTTP: what it is shown and told, what its answers become, and what they cost once."""

import asyncio
import json
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pyarrow.parquet as pq
import pytest
from aiohttp import web

from actor18m.execute import trouble
from actor18m.media.views import VIEWS
from stages.asked.judge import TASK, UNCLEAR, JudgedBody, JudgedFace
from stages.verdict import ATTRIBUTES, VERDICT
from tests.engine.chat_server import KEY, Asked, ChatServer, completion
from tests.engine.conftest import site
from tests.engine.site import Site
from tests.stages.asked.painting import INJECTED, judging, picture, words

__all__ = ["site"]


@pytest.fixture(name="server")
def agreeing() -> Iterator[ChatServer]:
    with ChatServer(lambda asked: words()) as started:
        yield started


def put(site: Site, server: ChatServer, films: int, **otherwise: str) -> Site:
    """Films of four words: four pictures each."""
    site.put({f"film{number:03d}": f"apples pears plums take{number}" for number in range(films)})
    return replace(site, pipeline=judging(server.url, **otherwise))


def judged(site: Site) -> list[dict[str, Any]]:
    return [row for row in site.table("references") if row["maker"] == "other"]


def costs(site: Site) -> dict[str, float]:
    told = json.loads(max((site.root / "store" / "runs").glob("??????.json")).read_text())
    found: dict[str, float] = told["tally"]["costs"]["judge"]
    return found


def rows_of(site: Site, stage: str) -> list[dict[str, Any]]:
    """All that the ledger has."""
    files = (site.root / "store" / "ledger" / stage).rglob("*.parquet")
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_forms_ask_for_what_a_verdict_has() -> None:
    for form in (JudgedFace, JudgedBody):
        assert [*form.model_fields] == [*ATTRIBUTES, "observed_view", "verdict", "reason"]
        assert {*form.model_fields, "confidence", "judged_by"} == {*VERDICT}
        assert {UNCLEAR} == {*get_args(form.model_fields["observed_view"].annotation)} - {*VIEWS}


def test_images_are_judged_beside_their_source(site: Site, server: ChatServer) -> None:
    site = put(site, server, 2, chat="dollars_per_million_tokens_in: 1")
    site.build()
    rows = judged(site)
    assert len(rows) == 8
    assert {row["verdict"] for row in rows} == {"consistent"}
    assert {round(row["confidence"], 4) for row in rows} == {0.9}
    assert {(row["observed_view"], row["judged_by"]) for row in rows} == {("left", "m")}
    by_image = {picture(row["key"], 96): row["key"] for row in rows}
    for asked in server.log:
        source, made = asked.pictures
        shown = {"00": "apples", "01": "pears", "02": "plums"}.get(by_image.pop(made)[-2:])
        assert shown is None or source == picture(shown, 96)
    assert not by_image, "each was asked about once"
    assert costs(site) == {"requests": 8, "tokens": 8 * 2100, "dollars": pytest.approx(8 * 0.002)}


def test_nothing_of_rows_and_pictures_is_in_the_question(site: Site, server: ChatServer) -> None:
    """Not what was wanted, not what stands in a picture, not what the films are called."""
    site = put(site, server, 2)
    site.build()
    assert {tuple(asked.texts) for asked in server.log} == {(TASK, "Picture A:", "Picture B:")}
    assert INJECTED.lower() not in TASK.lower()
    of_views = {row["shows_wanted_view"] for row in judged(site)}
    assert of_views == {True, False}, "what was wanted is compared with what is seen afterwards"
    assert not [asked for asked in server.log if {"tools", "tool_choice", "functions"} & set(asked.body)]


def nonsense(word: str) -> Callable[[Asked], object]:
    told: dict[str, object] = {
        "no JSON": "All is consistent.",
        "an unknown word": words(hair="similar"),
        "consistent, and a garment that is not": words(garment="inconsistent"),
        "inconsistent, and nothing that is": words(verdict="inconsistent"),
        "consistent, and nothing that could be seen": {**words(), **dict.fromkeys(ATTRIBUTES, "not_visible")},
        "a view that faces do not have": words(observed_view="behind"),
        "a verdict that is missing": {name: word for name, word in words().items() if name != "verdict"},
    }
    return lambda asked: told[word]


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("no JSON", "not_json"),
        ("an unknown word", "another_form"),
        ("consistent, and a garment that is not", "contradiction"),
        ("inconsistent, and nothing that is", "contradiction"),
        ("consistent, and nothing that could be seen", "contradiction"),
        ("a view that faces do not have", "another_form"),
        ("a verdict that is missing", "another_form"),
    ],
)
def test_nonsense_is_no_verdict_and_is_not_asked_again(site: Site, word: str, kind: str) -> None:
    with ChatServer(nonsense(word)) as server:
        site = put(site, server, 1)
        site.build(code=0)
        images = site.ask("status")["images"]["A"]["states"]
        assert images == {"kept": 4, "failed": 4}, "what was painted, and what was made from it"
        assert costs(site)["tokens"] == 4 * 2100
        site.build()
        assert len(server.log) == 4
    assert {row["error_kind"] for row in rows_of(site, "judge")} == {kind}


def test_an_unsure_verdict_keeps_nothing(site: Site) -> None:
    with ChatServer(lambda asked: words(), certainty=0.4) as server:
        site = put(site, server, 1)
        site.build()
    assert site.ask("status")["images"]["A"]["states"] == {"kept": 4, "rejected": 4}


def test_another_prompt_judges_again_and_makes_nothing(site: Site, server: ChatServer) -> None:
    site = put(site, server, 1)
    site.build()
    site.called()
    site = replace(site, pipeline=judging(server.url, parameters="{task: Compare them., known_pairs: 0}"))
    site.build()
    assert site.called() == {"judge": 4}
    assert server.log[-1].texts[0] == "Compare them."
    with ChatServer(lambda asked: words()) as elsewhere:
        site = replace(site, pipeline=judging(elsewhere.url, parameters="{task: Compare them., known_pairs: 0}"))
        site.build()
    assert not elsewhere.log
    assert site.called() == {}, "another endpoint of the same model"


def test_the_key_is_sent_and_stays_nowhere(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGE_API_KEY", KEY)

    async def tells_it(request: web.Request, asked: Asked) -> web.Response | None:
        if server.times_asked[asked.seen] > 1 or len(server.log) > 4:
            return None
        return web.Response(status=[400, 500, 429, 403][len(server.log) - 1], text=f"not with {asked.authorization}")

    with ChatServer(lambda asked: words(), fault=tells_it) as server:
        site = put(site, server, 3, chat="key_from: JUDGE_API_KEY")
        result = site.run("build", str(site.root / "steady.yaml"), "--input", str(site.videos), "--max-failed", "1")
    assert {asked.authorization for asked in server.log} == {f"Bearer {KEY}"}
    assert KEY not in result.output
    said = everything(site.root / "store") + everything(site.dataset)
    assert KEY.encode() not in said
    assert server.url.encode() not in everything(site.dataset)
    assert b"JUDGE_API_KEY" not in everything(site.dataset)


def test_who_is_busy_is_left_alone_for_so_long(site: Site) -> None:
    refused: list[float] = []

    async def busy(request: web.Request, asked: Asked) -> web.Response | None:
        if len(server.log) != 5 or refused:
            return None
        refused.append(time.monotonic())
        return web.Response(status=429, headers={"Retry-After": "2"})

    with ChatServer(lambda asked: words(), pause_s=0.05, fault=busy) as server:
        site = put(site, server, 6, run="{concurrency: 4}")
        site.build()
    after = [asked.at_s - refused[0] for asked in server.log if asked.at_s > refused[0]]
    assert [at for at in after if 0.2 < at < 1.9] == [], "nobody asked meanwhile"
    assert len(server.log) == 24 + 1
    assert {row["verdict"] for row in judged(site)} == {"consistent"}


@pytest.mark.parametrize("how", ["500", "cut", "endless"])
def test_what_goes_wrong_once_is_asked_again(site: Site, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trouble, "PATIENCE_S", (0.05, 0.1))

    async def once(request: web.Request, asked: Asked) -> web.StreamResponse | None:
        if server.times_asked[asked.seen] > 1:
            return None
        if how == "500":
            return web.Response(status=500)
        response = web.StreamResponse()
        if how == "endless":
            await response.prepare(request)
            for _ in range(200):
                await response.write(b" ")
                await asyncio.sleep(0.1)
        assert request.transport is not None
        request.transport.close()
        return response

    with ChatServer(lambda asked: words(), fault=once) as server:
        site = put(site, server, 1, run="{concurrency: 8, deadline_s: 2}")
        site.build()
        assert set(server.times_asked.values()) == {2}
    assert {row["verdict"] for row in judged(site)} == {"consistent"}
    assert costs(site)["requests"] == 8


def test_a_budget_of_100_requests_stops_at_100(site: Site, server: ChatServer) -> None:
    site = put(site, server, 30, run="{concurrency: 16, budget: {requests: 100}}")
    result = site.run("build", str(site.root / "steady.yaml"), "--input", str(site.videos))
    assert result.exit_code == 0
    assert len(server.log) == 100
    assert "judge: stopped at its budget: 100 of 100 requests" in result.stdout
    assert site.ask("status")["images"]["A"]["states"] == {"kept": 220, "pending": 20}


def test_a_budget_of_tokens(site: Site, server: ChatServer) -> None:
    site = put(site, server, 10, run="{concurrency: 4, budget: {tokens: 50000}}")
    site.build()
    assert len(server.log) == 50_000 // 2100


@pytest.mark.slow
def test_a_dead_endpoint_stops_its_stage_within_a_minute(site: Site, server: ChatServer) -> None:
    site = put(site, server, 30, run="{concurrency: 16}")
    site.build()
    site.called()
    more = {f"later{number:03d}": f"apples pears plums later{number}" for number in range(30)}
    site.put(more)
    site = replace(site, pipeline=judging("http://127.0.0.1:9/v1", run="{concurrency: 16}"))
    begun = time.monotonic()
    result = site.run("build", str(site.root / "steady.yaml"), "--input", str(site.videos))
    assert time.monotonic() - begun < 60
    assert result.exit_code == 1
    assert result.stderr.count("stage judge was stopped") == 1
    told = " ".join(result.stderr.split())
    assert "http://127.0.0.1:9/v1 cannot be reached (Connection refused)" in told
    assert "see that its server is up, and that `url` of the backend openai-chat is right" in told
    assert "run the same command again" in told
    assert result.stderr.count("given up for now") == 1, "the others are in the log"
    assert "Traceback" not in result.stderr
    assert site.called()["other"] == 120, "all others went on to their end"
    assert site.ask("status")["images"]["A"]["states"] == {"kept": 360, "pending": 120}, "and what was judged stays"


@pytest.mark.slow
def test_a_build_that_is_killed_asks_nothing_again_that_was_committed(site: Site) -> None:
    async def slowly(request: web.Request, asked: Asked) -> None:
        await asyncio.sleep(0.4)

    with ChatServer(lambda asked: words(), fault=slowly) as server:
        site = put(site, server, 40, run="{concurrency: 8}")
        process = site.start("build", "--input", "videos", "--store", "store", "--dataset", "dataset")
        while server.answered < 100:
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        time.sleep(1)
        committed = {row["key"] for row in rows_of(site, "judge")}
        before = server.times_asked
        again = site.apart("build", "--store", "store", "--dataset", "dataset")
        assert again.returncode == 0, again.stderr
        made = {row["key"]: picture(row["key"], 96) for row in judged(site)}
    assert len(made) == 160
    assert committed
    twice = {key for key, content in made.items() if server.times_asked[content] > 1}
    assert not twice & committed, "no request was sent again whose answer was committed"
    assert len(twice) <= 8 + 8 / 0.4 * 2 + 8
    assert before.total() >= 100


def test_completions_are_what_servers_say() -> None:
    told = completion(words())
    assert "".join(bytes(t["bytes"]).decode() for t in told["choices"][0]["logprobs"]["content"]) == json.dumps(words())
