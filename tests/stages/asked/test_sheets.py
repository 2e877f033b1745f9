"""Sheets that a Gemini model makes over HTTP, of a clip that ships."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from aiohttp import web

from actor18m.execute.trouble import is_soon_over, retry_after_s
from actor18m.media.encoded import decoded, encoded
from actor18m.models.backends import Backend, load
from actor18m.models.endpoint import EndpointError
from actor18m.models.gemini_image import GeminiImage, GeminiImageParameters
from actor18m.stage import Failure, Image, Row
from stages.asked.sheets import AskedSheets, AskedSheetsParameters
from stages.edited.sheets import PROMPT
from stages.layout import Layout
from tests.engine.gemini_server import KEY, TOKENS, GeminiServer, answer, blocked, exhausted, inline
from tests.stages.test_sheets import asked, golden

pytest.importorskip("google.genai", reason="google-genai is not installed (extra `cluster`)")


def _sheet() -> bytes:
    """Red to the left, blue to the right."""
    pixels = np.zeros((64, 96, 3), np.uint8)
    pixels[:, :48, 0] = pixels[:, 48:, 2] = 250
    return encoded(".png", pixels, [])


@pytest.fixture(scope="module")
def wanted() -> Image:
    clip, _ = golden("turn_standing_1")
    (request,) = asked(clip)
    return Image(f"{clip.key}-{request['name']}", clip, request)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", KEY)


def stage(server: GeminiServer) -> AskedSheets:
    backend = load("gemini-image", GeminiImageParameters(url=server.address, model="some-image-model"))
    assert isinstance(backend, GeminiImage)
    return AskedSheets(AskedSheetsParameters(max_px=128), editor=backend)


def told(server: GeminiServer, image: Image) -> Row | Failure:
    (outcome,) = stage(server).measure([image])
    AskedSheets.writes.table([outcome], {outcome.key: ""})
    return outcome


def test_a_sheet_is_asked_for_with_the_three_real_pictures(wanted: Image) -> None:
    with GeminiServer(_sheet()) as server:
        row = told(server, wanted)
        again = told(server, wanted)
    assert isinstance(row, Row)
    first, second = server.log
    assert first.path.endswith("/models/some-image-model:generateContent")
    assert first.key == KEY
    assert first.texts == [PROMPT]
    assert [max(decoded(each).shape) for each in first.pictures] == [128, 128, 128]
    assert len(set(first.pictures)) == 3
    generation = first.body["generationConfig"]
    assert generation["responseModalities"] == ["IMAGE"]
    assert generation["imageConfig"] == {"aspectRatio": "3:2"}
    assert generation["seed"] == row.values["seed"] % 2**31  # type: ignore[operator]
    assert second.body == first.body
    assert isinstance(again, Row)
    picture = decoded(row.images["webp"]).astype(int)
    assert picture.shape == (64, 96, 3)
    assert picture[:, :40, 0].min() > 200 > picture[:, :40, 2].max()
    facts = {name: row.values[name] for name in ("how", "method", "is_generated", "panels", "mask_sha256")}
    assert facts == {"how": "some-image-model", "method": "generated", "is_generated": True, "panels": 3,
                     "mask_sha256": None}  # fmt: skip
    assert row.costs == {"tokens": TOKENS}
    assert AskedSheets.writes == Layout.writes


async def _draft(number: int) -> web.Response:
    other = encoded(".png", np.full((8, 8, 3), 90, np.uint8), [])
    return answer([{"inlineData": inline(other), "thought": True}, {"inlineData": inline(_sheet())}])


def test_a_draft_is_not_taken_for_the_sheet(wanted: Image) -> None:
    with GeminiServer(_sheet(), _draft) as server:
        row = told(server, wanted)
    assert isinstance(row, Row)
    assert row.values["width"] == 96


def _always(make: Callable[[], web.Response]) -> Callable[[int], Awaitable[web.Response]]:
    async def fault(number: int) -> web.Response:
        return make()

    return fault


@pytest.mark.parametrize(
    ("made", "kind", "why"),
    [
        (lambda: blocked("PROHIBITED_CONTENT"), "blocked", "PROHIBITED_CONTENT"),
        (lambda: answer([], "IMAGE_SAFETY"), "refused", "IMAGE_SAFETY"),
        (lambda: answer([{"text": "I cannot."}], "SAFETY"), "refused", "I cannot."),
        (lambda: answer([{"text": "A sheet of a person."}]), "no_image", "A sheet of a person."),
        (lambda: answer([], "MAX_TOKENS"), "cut_short", "MAX_TOKENS"),
        (lambda: answer([{"inlineData": inline(b"no picture")}]), "no_image", "can be read"),
    ],
)
def test_what_is_no_sheet_is_a_failure_with_its_reason_and_its_cost(
    made: Callable[[], web.Response], kind: str, why: str, wanted: Image
) -> None:
    with GeminiServer(_sheet(), _always(made)) as server:
        outcome = told(server, wanted)
    assert isinstance(outcome, Failure)
    assert (outcome.kind, why in outcome.message, outcome.costs) == (kind, True, {"tokens": TOKENS})
    assert len(server.log) == 1


def test_who_has_asked_too_often_is_told_when_to_ask_again(wanted: Image) -> None:
    """The worker tries again, and waits as long: the client hides no attempt from it."""
    with GeminiServer(_sheet(), _always(lambda: exhausted("7.5s"))) as server, pytest.raises(EndpointError) as raised:
        told(server, wanted)
    assert len(server.log) == 1
    assert is_soon_over(raised.value)
    assert retry_after_s(raised.value) == 7.5
    assert KEY not in str(raised.value)
    assert "429 RESOURCE_EXHAUSTED" in str(raised.value)


def test_a_clip_that_cannot_be_read_costs_no_request(wanted: Image) -> None:
    lost = replace(wanted, clip=replace(wanted.clip, uri=__file__))
    with GeminiServer(_sheet()) as server:
        assert isinstance(told(server, lost), Failure)
    assert not server.log


def test_where_and_with_which_key_it_asks_changes_no_sheet(monkeypatch: pytest.MonkeyPatch) -> None:
    def counts(**parameters: str) -> dict[str, object]:
        return Backend.model_validate({"backend": "gemini-image", **parameters}).parameters.that_count()

    assert counts(url="http://127.0.0.1:9", key_from="MY_KEY") == counts()
    assert counts(model="another") != counts()
    with pytest.raises(ValueError, match="does not look like the name of a secret"):
        GeminiImageParameters(key_from="WHERE")
    found: Sequence[str] = [state for state, _, _ in GeminiImage.endpoint(GeminiImageParameters()).look()]
    assert found == ["ok"]
    monkeypatch.delenv("GEMINI_API_KEY")
    assert [state for state, _, _ in GeminiImage.endpoint(GeminiImageParameters()).look()] == ["fail"]
