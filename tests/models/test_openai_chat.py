"""A model behind an endpoint: what is sent, what is made of what comes back, and that the key stays where it is."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, Literal

import cv2
import numpy as np
import pytest
from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from actor18m.arrays import Frame
from actor18m.errors import ActorError
from actor18m.execute.trouble import is_transient, retry_after_s
from actor18m.media.encoded import decoded, encoded
from actor18m.media.picture_header import plain_webp_size
from actor18m.models.asked_roles import Answer, NoAnswer, Question
from actor18m.models.backends import describe, load
from actor18m.models.openai_chat import OpenAIChatParameters
from tests.engine.chat_server import KEY, Asked, ChatServer, completion


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid")

    verdict: Literal["consistent", "inconsistent"]
    reason: str


FINE = {"verdict": "consistent", "reason": "So it is."}


def photo(width: int, height: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    seen = np.random.default_rng(7).integers(0, 255, (6, 8, 3), np.uint8)
    return cv2.resize(seen, (width, height)).astype(np.uint8)


def asked(server: ChatServer, *shown: Any, **parameters: Any) -> Answer[Form] | NoAnswer:
    chat = load("openai-chat", OpenAIChatParameters(url=server.url, model="m", **parameters))
    letter = chat.write(Question("Compare them.", shown or ("hello",), Form, "verdict"))
    answer: Answer[Form] | NoAnswer = asyncio.run(chat.ask(letter))
    return answer


def saying(said: object) -> Callable[[Asked], object]:
    return lambda request: said


def test_a_question_and_its_answer() -> None:
    with ChatServer(saying(FINE), certainty=0.75) as server:
        answer = asked(server, dollars_per_million_tokens_in=1.0, dollars_per_million_tokens_out=10.0)
    assert isinstance(answer, Answer)
    assert answer.said == Form(**FINE)  # type: ignore[arg-type]
    assert answer.certainty == pytest.approx(0.75)
    assert answer.tokens == 2100
    assert answer.dollars == pytest.approx(0.003)
    body = server.log[0].body
    assert body["response_format"]["json_schema"]["schema"] == Form.model_json_schema()
    assert body["response_format"]["json_schema"]["strict"] is True
    assert (body["temperature"], body["logprobs"], body["top_logprobs"]) == (0.0, True, 10)
    assert "tools" not in body


@pytest.mark.parametrize("verdict", ["consistent", "inconsistent"])
@pytest.mark.parametrize("reason", ["x" * length for length in range(12)] + ['"verdict": "inconsistent"', "日本 \\"])
def test_certainty_is_of_the_word_however_tokens_fall(verdict: str, reason: str) -> None:
    with ChatServer(saying({"verdict": verdict, "reason": reason}), certainty=0.6) as server:
        answer = asked(server)
    assert isinstance(answer, Answer)
    assert answer.certainty == pytest.approx(0.6)


def test_who_tells_no_probabilities_is_not_known_to_be_sure() -> None:
    async def without(request: web.Request, asked: Asked) -> web.Response:
        told = completion(FINE)
        told["choices"][0]["logprobs"] = None
        return web.json_response(told)

    with ChatServer(saying(FINE), fault=without) as server:
        answer = asked(server, top_logprobs=0, temperature=None)
    assert isinstance(answer, Answer)
    assert answer.certainty is None
    assert not {"logprobs", "top_logprobs", "temperature"} & set(server.log[0].body)


def test_pictures_that_are_small_enough_go_as_they_are() -> None:
    small = encoded(".webp", photo(800, 1024), [cv2.IMWRITE_WEBP_QUALITY, 90])
    large = encoded(".webp", photo(1500, 900), [cv2.IMWRITE_WEBP_QUALITY, 101])
    with ChatServer(saying(FINE)) as server:
        asked(server, "A:", small, "B:", large, photo(640, 360))
        asked(server, small, as_jpeg=True, image_px=512)
    first, second = server.log
    assert first.texts == ["Compare them.", "A:", "B:"]
    assert first.pictures[0] == small
    assert [decoded(each).shape[:2] for each in first.pictures[1:]] == [(614, 1024), (360, 640)]
    assert "data:image/jpeg" in json.dumps(second.body)
    assert decoded(second.pictures[0]).shape == (512, 400, 3)


def test_a_picture_that_is_shown_with_several_is_made_smaller_once(monkeypatch: pytest.MonkeyPatch) -> None:
    source, *others = (encoded(".webp", photo(400 + at, 300), []) for at in range(20))
    chat = load("openai-chat", OpenAIChatParameters(image_px=200))
    made: list[bytes] = []

    def counted(content: bytes) -> Frame:
        made.append(content)
        return decoded(content)

    monkeypatch.setattr("actor18m.models.openai_chat.decoded", counted)
    letters = [chat.write(Question("Compare.", (source, other), Form)).body for other in others[:6]]
    assert made.count(source) == 1
    assert len(made) == 7
    for other in others:
        chat.write(Question("Compare.", (other,), Form))
    assert chat.write(Question("Compare.", (source, others[0]), Form)).body == letters[0]
    assert made.count(source) == 2, "and is not kept for ever"


@pytest.mark.parametrize("elsewhere", [False, True])
def test_the_way_to_an_endpoint_is_the_environment_s(monkeypatch: pytest.MonkeyPatch, elsewhere: bool) -> None:
    with ChatServer(saying(FINE)) as server:
        proxy = server.url.removesuffix("/v1")
        monkeypatch.setenv("http_proxy", proxy if elsewhere else "http://127.0.0.1:9")
        monkeypatch.setenv("no_proxy", "" if elsewhere else "127.0.0.1")
        url = "http://judge.invalid/v1" if elsewhere else server.url
        chat = load("openai-chat", OpenAIChatParameters(url=url, model="m"))
        answer = asyncio.run(chat.ask(chat.write(Question("Compare them.", ("hello",), Form))))
    assert isinstance(answer, Answer)
    assert len(server.log) == 1


@pytest.mark.parametrize("quality", [10, 90, 101])
def test_the_size_of_a_webp_is_in_its_header(quality: int) -> None:
    content = encoded(".webp", photo(333, 77), [cv2.IMWRITE_WEBP_QUALITY, quality])
    assert plain_webp_size(content) == (333, 77)
    assert plain_webp_size(content[:20]) is None
    assert plain_webp_size(encoded(".png", photo(333, 77), [])) is None


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("consistent", "not_json"),
        ('{"verdict": "consistent", "reas', "not_json"),
        ('{"verdict": "consistent"}', "another_form"),
        ({"verdict": "perhaps", "reason": ""}, "another_form"),
        ({**FINE, "more": 1}, "another_form"),
        ('{"verdict": "consistent", "reason": "\\ud800"}', "not_json"),
        ([FINE], "another_form"),
        ("[" * 100_000, "not_json"),
    ],
)
def test_what_is_no_answer_is_none_and_costs(said: object, kind: str) -> None:
    with ChatServer(saying(said)) as server:
        answer = asked(server)
    assert isinstance(answer, NoAnswer)
    assert (answer.kind, answer.tokens) == (kind, 2100)


def test_an_answer_that_was_cut_short_is_none_though_it_parses() -> None:
    async def cut(request: web.Request, asked: Asked) -> web.Response:
        return web.json_response(completion(FINE, finish="length"))

    with ChatServer(saying(FINE), fault=cut) as server:
        answer = asked(server)
    assert isinstance(answer, NoAnswer)
    assert answer.kind == "cut_short"


def test_a_refusal_is_none() -> None:
    async def refuse(request: web.Request, asked: Asked) -> web.Response:
        told = completion("")
        told["choices"][0]["message"] |= {"content": None, "refusal": "I would rather not."}
        return web.json_response(told)

    with ChatServer(saying(FINE), fault=refuse) as server:
        answer = asked(server)
    assert isinstance(answer, NoAnswer)
    assert answer.kind == "refused"


async def _busy(request: web.Request, asked: Asked) -> web.Response:
    return web.Response(status=429, headers={"Retry-After": "7"}, text="too many")


async def _broken(request: web.Request, asked: Asked) -> web.Response:
    return web.Response(status=500, text="out of order")


async def _cut(request: web.Request, asked: Asked) -> web.Response:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def _half(request: web.Request, asked: Asked) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"choices": [')
    assert request.transport is not None
    request.transport.close()
    return response


@pytest.mark.parametrize("fault", [_busy, _broken, _cut, _half])
def test_what_will_pass_is_raised_as_such(fault: Any) -> None:
    with ChatServer(saying(FINE), fault=fault) as server, pytest.raises(Exception) as raised:  # noqa: PT011
        asked(server)
    assert is_transient(raised.value)
    assert retry_after_s(raised.value) == (7 if fault is _busy else None)


async def _not_mine(request: web.Request, asked: Asked) -> web.Response:
    return web.Response(status=401, text=f"wrong key {asked.authorization}")


async def _page(request: web.Request, asked: Asked) -> web.Response:
    return web.Response(text="<html>Please log in</html>")


async def _elsewhere(request: web.Request, asked: Asked) -> web.Response:
    return web.Response(status=307, headers={"Location": "/v1/elsewhere"})


async def _endless(request: web.Request, asked: Asked) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b" " * 65536)


@pytest.mark.parametrize(
    ("fault", "told"), [(_not_mine, "401"), (_page, "no chat completion"), (_elsewhere, "307"), (_endless, "MiB")]
)
def test_what_will_not_pass_is_raised_and_the_key_is_hidden(
    fault: Any, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUDGE_API_KEY", KEY)
    with ChatServer(saying(FINE), fault=fault) as server, pytest.raises(Exception, match=told) as raised:
        asked(server, key_from="JUDGE_API_KEY")
    assert not is_transient(raised.value)
    assert KEY not in str(raised.value)
    assert KEY not in repr(raised.value.__dict__)
    assert server.log[0].authorization == f"Bearer {KEY}"
    assert len(server.log) == 1


def test_no_key_is_sent_that_nobody_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with ChatServer(saying(FINE)) as server:
        asked(server)
    assert server.log[0].authorization is None


def test_a_key_that_is_not_there_or_would_not_be_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JUDGE_API_KEY", raising=False)
    with pytest.raises(ActorError, match="JUDGE_API_KEY is not set"):
        load("openai-chat", OpenAIChatParameters(key_from="JUDGE_API_KEY"))
    monkeypatch.setenv("JUDGE_API_KEY", "one\r\ntwo: three")
    with pytest.raises(ActorError) as raised:
        load("openai-chat", OpenAIChatParameters(key_from="JUDGE_API_KEY"))
    assert "three" not in str(raised.value)
    with pytest.raises(ValidationError, match="would not be hidden"):
        OpenAIChatParameters(key_from="JUDGE")


@pytest.mark.parametrize(
    "wrong", [{"url": "localhost:8000"}, {"url": "https://me:secret@host/v1"}, {"more": {"stream": True}}]
)
def test_what_cannot_be_meant_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        OpenAIChatParameters(**wrong)


def test_endpoint_key_and_price_are_no_part_of_results() -> None:
    def told(**parameters: Any) -> str:
        return describe("openai-chat", OpenAIChatParameters(**{"model": "m", **parameters}))[1]

    same: dict[str, Any] = {
        "url": "https://elsewhere/v1", "key_from": "A_KEY", "connect_s": 1.0,
        "dollars_per_million_tokens_in": 3.0, "dollars_per_million_tokens_out": 3.0,
        "serve": ("vllm", "{port}"), "ready_s": 9.0,
    }  # fmt: skip
    assert {told(**{name: value}) for name, value in same.items()} == {told()}
    other: dict[str, Any] = {
        "model": "n", "revision": "2", "image_px": 512, "as_jpeg": True, "jpeg_quality": 50, "max_tokens": 9,
        "temperature": 1.0, "top_logprobs": 0, "more": {"seed": 1},
    }  # fmt: skip
    assert len({told(), *(told(**{name: value}) for name, value in other.items())}) == len(other) + 1
    assert {*same, *other} == set(OpenAIChatParameters.model_fields)
