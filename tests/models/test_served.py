"""A model's server that a stage starts for itself: a real process, with processes of its own, behind real HTTP."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import ClientError
from pydantic import BaseModel, ValidationError

from actor18m.errors import ActorError
from actor18m.models.asked_roles import Answer, NoAnswer, Question
from actor18m.models.openai_chat import OpenAIChat, OpenAIChatParameters, Unreached

ROOT = Path(__file__).parents[2]


class Form(BaseModel):
    caption: str


def parameters(how: str = "", ready_s: float = 60) -> OpenAIChatParameters:
    command = (sys.executable, "-m", "tests.engine.serve_chat", "{port}", "{model}", how)
    return OpenAIChatParameters(serve=command, model="me/tiny", ready_s=ready_s)


async def asked(backend: OpenAIChat) -> Answer[Form] | NoAnswer:
    return await backend.ask(backend.write(Question("Say it.", ["What?"], Form)))


def soon(is_so: Callable[[], bool], within_s: float = 30) -> bool:
    end = time.monotonic() + within_s
    while not is_so() and time.monotonic() < end:
        time.sleep(0.05)
    return is_so()


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def test_it_is_started_asked_and_ended_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.chdir(ROOT)
    backend = OpenAIChat.load(parameters(f"starts:{tmp_path / 'pid'}"))
    try:
        answer = asyncio.run(asked(backend))
    finally:
        backend.close()
    assert isinstance(answer, Answer)
    assert answer.said.caption == "Seen on GPU 3", "it has the GPUs of its stage"
    assert soon(lambda: not lives(int((tmp_path / "pid").read_text())))
    monkeypatch.delenv("http_proxy")
    with pytest.raises(ConnectionError):
        asyncio.run(asked(OpenAIChat(OpenAIChatParameters(url=backend._url), None)))


@pytest.mark.parametrize(
    ("how", "ready_s", "told"),
    [
        ("fails", 60, r"ended with 1\. Its last words:\nloading me/tiny .*\nCUDA out of memory"),
        ("never", 3, r"did not answer at http://127.* within 3 s \(`ready_s`\)\. Its last words:\nloading me/tiny"),
    ],
)
def test_one_that_does_not_come_up_is_told_with_its_last_words(
    how: str, ready_s: float, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(ActorError, match=told) as raised:
        OpenAIChat.load(parameters(how, ready_s))
    assert "sk-abc" not in str(raised.value)


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(ActorError, match=r"(?s)ended with 127\..*no/such/vllm: No such file"):
        OpenAIChat.load(OpenAIChatParameters(serve=("no/such/vllm", "{port}")))


@pytest.mark.slow
def test_one_that_dies_is_started_again_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of its lives answers one request."""
    monkeypatch.chdir(ROOT)
    backend = OpenAIChat.load(parameters("dies:2"))

    async def often() -> tuple[int, str]:
        answered = 0
        while True:
            try:
                answered += isinstance(await asked(backend), Answer)
            except ActorError as error:
                return answered, str(error)
            except (Unreached, ClientError):
                continue

    try:
        answered, why = asyncio.run(often())
    finally:
        backend.close()
    assert answered == 3
    assert "ended with 7. It was started 3 times. Its last words:" in why
    assert why.endswith("a fault in a kernel")


LOADING = """
import sys, time
from tests.models.test_served import parameters
from actor18m.models.openai_chat import OpenAIChat
backend = OpenAIChat.load(parameters("starts:" + sys.argv[1]))
print("up", flush=True)
time.sleep(600)
"""


@pytest.mark.slow
def test_it_does_not_outlive_a_stage_that_is_killed(tmp_path: Path) -> None:
    stage = subprocess.Popen(
        [sys.executable, "-c", LOADING, tmp_path / "pid"], cwd=ROOT, stdout=subprocess.PIPE, env=os.environ
    )
    assert stage.stdout is not None
    assert stage.stdout.readline() == b"up\n"
    pid = int((tmp_path / "pid").read_text())
    assert lives(pid)
    stage.send_signal(signal.SIGKILL)
    stage.wait()
    assert soon(lambda: not lives(pid))


def test_who_serves_the_model_changes_no_answer() -> None:
    assert parameters().that_count() == OpenAIChatParameters(url="http://judge:8000/v1", model="me/tiny").that_count()


@pytest.mark.parametrize(
    ("serve", "why"),
    [(("vllm", "serve"), r"must have \{port\} in it"), ((), "must begin with a program")],
)
def test_a_command_that_makes_no_sense_is_refused(serve: tuple[str, ...], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        OpenAIChatParameters(serve=serve)
