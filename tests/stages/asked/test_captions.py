"""A captioner that is asked over HTTP, about clips that ship."""

from collections.abc import Callable
from typing import Any

import pytest

from actor18m.media.encoded import decoded
from actor18m.models.backends import load
from actor18m.models.openai_chat import OpenAIChatParameters
from actor18m.samples.shipped import SHIPPED
from actor18m.stage import Clip, Failure, Row
from stages.asked.captions import TASK, AskedCaptions, AskedCaptionsParameters
from stages.caption import CAPTION, ELEMENTS, NOT_VISIBLE
from tests.engine.chat_server import Asked, ChatServer

CLIP = Clip("0" * 20, str(SHIPPED / "talk_yaw_1.mp4"), upstream={"intake": {"duration_s": 4.0}})


def described(moments: int = 6, view: str = "front", **otherwise: object) -> dict[str, object]:
    told = {name: f"some {name}" for name in ELEMENTS}
    seen = {"view": view, "face_view": "left", "expression": "calm", "action": "talks"}
    return {**told, "people": 1, "moments": [seen] * moments, "caption": "A person talks.", **otherwise}


def asked(says: Callable[[Asked], object], clip: Clip = CLIP, **parameters: Any) -> tuple[Row | Failure, list[Asked]]:
    with ChatServer(says) as server:
        chat = load("openai-chat", OpenAIChatParameters(url=server.url, model="m", image_px=320))
        (outcome,) = AskedCaptions(AskedCaptionsParameters(**parameters), chat=chat).measure([clip])
    return outcome, server.log


def test_frames_are_shown_with_their_times_and_described() -> None:
    says = described(hairstyle="Not visible.", caption="A person\n\u202etalks.\x1b[2J")
    outcome, log = asked(lambda request: says)
    assert isinstance(outcome, Row)
    CAPTION.table([outcome], {outcome.key: ""})
    assert outcome.values["hairstyle"] == NOT_VISIBLE
    assert outcome.values["caption"] == "A person talks.[2J"
    assert outcome.values["written_by"] == "m"
    moments = outcome.values["moments"]
    assert isinstance(moments, list)
    assert [each["time_s"] for each in moments] == pytest.approx([1 / 3, 1, 5 / 3, 7 / 3, 3, 11 / 3], abs=1e-3)
    assert log[0].texts[:3] == [TASK, "Frame 1, at 0.33 s:", "Frame 2, at 1.00 s:"]
    assert {max(decoded(each).shape) for each in log[0].pictures} == {320}
    assert len(log[0].pictures) == 6
    assert outcome.costs == {"tokens": 2100, "dollars": 0}


@pytest.mark.parametrize(
    "says",
    [
        described(moments=5),
        described(clothing=" "),
        described(people=-1),
        described(caption=""),
        {name: text for name, text in described().items() if name != "caption"},
        described(view="above"),
    ],
)
def test_what_is_not_as_asked_for_is_no_caption(says: dict[str, object]) -> None:
    outcome, _ = asked(lambda request: says)
    assert isinstance(outcome, Failure)
    assert outcome.kind == "another_form"
    assert outcome.costs["tokens"] == 2100


def test_a_clip_that_cannot_be_read_costs_no_request() -> None:
    outcome, log = asked(lambda request: described(), Clip("0" * 20, __file__, upstream=CLIP.upstream))
    assert isinstance(outcome, Failure)
    assert not log
