"""Instructions that a model writes for what was drawn, and that each is a part of its own request."""

import json
from typing import Any

import pytest

from actor18m.models.backends import load
from actor18m.models.openai_chat import OpenAIChatParameters
from actor18m.stage import Clip, Failure, Row
from stages.asked.instructions import TASK, InstructionWriter
from stages.attributes import AttributesParameters, drawn
from stages.pool import pool
from tests.engine.chat_server import Asked, ChatServer

REFERENCES: list[dict[str, Any]] = [
    {"name": f"{region}-self-{n:02d}", "region": region, "viewpoint": "front", "yaw_deg": 0.0, "is_clearest": n == 1}
    for region in ("face", "body")
    for n in (1, 2)
]


def clip(references: list[dict[str, Any]] = REFERENCES) -> Clip:
    wanted = drawn("0" * 20, references, AttributesParameters(), pool())
    return Clip("0" * 20, "somewhere.mp4", upstream={"attributes": {"wanted": wanted}})


def instructed(server: ChatServer, about: Clip) -> Row | Failure:
    writer = InstructionWriter(chat=load("openai-chat", OpenAIChatParameters(url=server.url, model="m")))
    (outcome,) = writer.measure([about])
    writer.writes.table([outcome], {outcome.key: ""})
    writer.check(outcome)
    return outcome


def writes(asked: Asked) -> object:
    changes = json.loads(asked.texts[1])
    return {"instructions": [f"Put them where it is {each['environment']}.\nNow." for each in changes]}


def test_each_request_has_its_own() -> None:
    about = clip()
    with ChatServer(writes) as server:
        outcome = instructed(server, about)
    assert isinstance(outcome, Row)
    wanted = outcome.values["wanted"]
    assert isinstance(wanted, list)
    drew = about.upstream["attributes"]["wanted"]
    assert len(wanted) == len(drew) == 4
    for request, before in zip(wanted, drew, strict=True):
        assert request["name"] == before["name"].replace("attribute", "edit")
        assert request["source_image"] == before["source_image"]
        assert request["instruction"] == f"Put them where it is {before['environment_text']}. Now."
        assert not {"painting", "light"} & request.keys()
    assert len(server.log) == 1, "once for a clip"
    task, changes = server.log[0].texts
    assert task == TASK
    assert [each["region"] for each in json.loads(changes)] == ["face", "face", "body", "body"]


@pytest.mark.parametrize("says", [{"instructions": ["one"]}, {"instructions": [""] * 4}, {"instructions": ["x"] * 5}])
def test_too_few_or_many_are_none(says: object) -> None:
    with ChatServer(lambda asked: says) as server:
        outcome = instructed(server, clip())
    assert isinstance(outcome, Failure)
    assert outcome.kind == "another_form"


def test_where_nothing_is_wanted_nobody_is_asked() -> None:
    with ChatServer(writes) as server:
        outcome = instructed(server, clip([]))
    assert isinstance(outcome, Row)
    assert outcome.values["wanted"] == []
    assert not server.log
