"""Makers that have a model edit: what it is told and shown, step by step, and what becomes of what it makes."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from actor18m.arrays import Bools, Box, Frame
from actor18m.media.encoded import decoded, encoded
from actor18m.models.roles import Edit, Person
from actor18m.stage import UNAVAILABLE, Clip, Failure, Image, Row, Stage
from stages.composites import Composites
from stages.edited.attributes import EditedAttributes, EditedAttributesParameters
from stages.edited.sheets import EditedSheets, EditedSheetsParameters
from stages.edited.views import EditedViews, EditedViewsParameters
from stages.harvest import Harvest
from stages.layout import Layout
from tests.stages.test_sheets import asked as asked_sheets
from tests.stages.test_sheets import golden


class Editor:
    """Makes what it is shown a little brighter, and keeps what it was asked, call by call."""

    called = "an editor"

    def __init__(self) -> None:
        self.calls: list[list[Edit]] = []

    def edit(self, asked: Sequence[Edit]) -> list[Frame]:
        self.calls.append([*asked])
        found = []
        for each in asked:
            brighter = np.minimum(each.pictures[0].astype(np.int16) + 40, 255).astype(np.uint8)
            found.append(cv2.resize(brighter, (each.width, each.height)).astype(np.uint8, copy=False))
        return found


class People:
    """Somebody in the middle of each picture that is not black."""

    def people(self, frames: Sequence[Frame]) -> list[list[Person]]:
        return [[Person((0, 0, frame.shape[1], frame.shape[0]), 0.9)] if frame.max() > 60 else [] for frame in frames]

    def masks(self, frames: Iterable[tuple[Frame, Box | None]]) -> Iterator[Bools | None]:
        for frame, box in frames:
            if box is None:
                yield None
            else:
                mask = np.zeros(frame.shape[:2], np.bool_)
                mask[:, frame.shape[1] // 4 : frame.shape[1] // 2] = True
                yield mask


class Encoder:
    metric = "cosine"

    def encode(self, frames: Sequence[Frame]) -> list[Any]:
        return [np.array([frame.mean() / 255, 1], np.float32) for frame in frames]


def picture(brightness: int, height: int = 96, width: int = 48) -> bytes:
    return encoded(".webp", np.full((height, width, 3), brightness, np.uint8), [cv2.IMWRITE_WEBP_QUALITY, 101])


def image(name: str, request: dict[str, Any], brightness: int = 100) -> Image:
    mask = np.zeros((96, 48), np.uint8)
    mask[:, 12:24] = 255
    source = {"webp": picture(brightness), "mask.png": encoded(".png", mask, [])}
    return Image(f"{'0' * 20}-{name}", Clip("0" * 20, "none.mp4"), request, source=source)


def made(stage: Stage[Image], images: Sequence[Image]) -> dict[str, Row | Failure]:
    outcomes = list(stage.measure(images))
    for outcome in outcomes:
        stage.check(outcome)
    stage.writes.table(outcomes, {outcome.key: "" for outcome in outcomes})
    assert sorted(outcome.key for outcome in outcomes) == sorted(each.key for each in images)
    return {outcome.key.partition("-")[2]: outcome for outcome in outcomes}


def views(side_px: int = 64) -> tuple[EditedViews, Editor]:
    editor, people = Editor(), People()
    parameters = EditedViewsParameters(side_px=side_px, webp_quality=101)
    return EditedViews(parameters, editor=editor, people=people, bodies=people), editor


def wants(view: str, *steps: str) -> dict[str, Any]:
    return {"view": view, "steps": [*steps], "lacks": None, "sample": None}


def test_each_step_is_made_from_the_one_before() -> None:
    stage, editor = views()
    found = made(
        stage,
        [
            image("body-view-04", wants("back", "quarter", "quarter")),
            image("body-view-02", wants("left", "half")),
            image("body-view-05", wants("top_down")),
        ],
    )
    assert [[edit.prompt for edit in call] for call in editor.calls] == [["quarter", "half"], ["quarter"]]
    assert [edit.pictures[0].max() for call in editor.calls for edit in call] == [100, 100, 140]
    (first, other), (second,) = editor.calls
    assert len({first.seed, second.seed, other.seed}) == 3
    back = found["body-view-04"]
    assert isinstance(back, Row)
    assert decoded(back.images["webp"]).max() == 180
    told = {name: back.values[name] for name in ("source", "method", "is_generated", "how", "prompt", "seed")}
    assert told == {"source": "view-aug", "method": "generated", "is_generated": True, "how": "an editor",
                    "prompt": "quarter\nquarter", "seed": first.seed}  # fmt: skip
    assert (back.values["width"], back.values["height"]) == (45, 91), "the source's shape, and 64 x 64 pixels"
    assert back.values["mask_share"] == pytest.approx(0.25, abs=0.01)
    lacking = found["body-view-05"]
    assert isinstance(lacking, Failure)
    assert (lacking.kind, "`turns` or `prompts`" in lacking.message) == (UNAVAILABLE, True)


def test_what_is_made_depends_on_nothing_beside_it_and_on_the_attempt() -> None:
    both = [image("body-view-02", wants("left", "half")), image("body-view-03", wants("right", "half"), 90)]
    stage, editor = views()
    together = made(stage, both)
    alone = made(stage, both[1:])
    assert alone["body-view-03"] == together["body-view-03"]
    made(stage, [replace(both[1], candidate=2)])
    assert editor.calls[-1][0].seed != editor.calls[-2][0].seed


def test_where_nobody_is_seen_there_is_no_mask() -> None:
    stage, _ = views()
    row = made(stage, [image("body-view-02", wants("left", "half"), 0)])["body-view-02"]
    assert isinstance(row, Row)
    assert row.images.keys() == {"webp"}
    assert (row.values["mask_share"], row.values["mask_sha256"]) == (None, None)


def drew(**told: str) -> dict[str, Any]:
    words = ("environment", "lighting", "expression", "motion")
    nothing = {name: None for word in words for name in (word, f"{word}_text")}
    return {**nothing, **{f"{word}_text": text for word, text in told.items()}, **dict.fromkeys(told, "x")}


def attributes() -> tuple[EditedAttributes, Editor]:
    editor, people = Editor(), People()
    parameters = EditedAttributesParameters(side_px=64, kept="All else stays.")
    return EditedAttributes(parameters, editor=editor, people=people, bodies=people, encoder=Encoder()), editor


def test_what_was_drawn_is_told_in_sentences_or_as_a_writer_wrote_it() -> None:
    stage, editor = attributes()
    found = made(
        stage,
        [
            image("body-attribute-01", drew(expression="happy", motion="running with a long stride")),
            image("body-attribute-02", drew(environment="a {} library") | {"instruction": "Put them into a library."}),
            image("body-attribute-03", drew()),
            image("body-attribute-04", drew(environment="a {} library"), 0),
        ],
    )
    assert [edit.prompt for edit in editor.calls[0]] == [
        "The person looks happy. The person is running with a long stride. All else stays.",
        "Put them into a library.",
        "The photograph now shows the person in another place: a {} library. All else stays.",
    ]
    row, empty, dark = (found[f"body-attribute-0{number}"] for number in (1, 3, 4))
    assert isinstance(row, Row)
    assert isinstance(dark, Row)
    assert isinstance(empty, Failure)
    assert empty.kind == UNAVAILABLE
    assert 0 < row.values["person_similarity"] <= 1  # type: ignore[operator]
    assert dark.values["person_similarity"] is None, "nobody is seen in it"
    assert row.values["source"] == "attr-aug"


def test_a_sheet_is_made_of_the_three_real_pictures() -> None:
    clip, truth = golden("turn_standing_1")
    (request,) = asked_sheets(clip)
    editor, people = Editor(), People()
    parameters = EditedSheetsParameters(height_px=60, width_px=120, max_px=100)
    stage = EditedSheets(parameters, editor=editor, people=people, bodies=people)
    row = made(stage, [Image(f"{clip.key}-{request['name']}", clip, request)])[request["name"]]
    ((edit,),) = editor.calls
    assert [max(each.shape) for each in edit.pictures] == [100, 100, 100]
    boxes = [(anchor["x1"] - anchor["x0"]) / (anchor["y1"] - anchor["y0"]) for anchor in request["anchors"]]
    assert [each.shape[1] / each.shape[0] for each in edit.pictures] == pytest.approx(boxes, abs=0.02)
    assert len({each.tobytes() for each in edit.pictures}) == 3
    assert isinstance(row, Row)
    assert decoded(row.images["webp"]).shape == (60, 120, 3)
    mask = decoded(row.images["mask.png"])[..., 0] > 127
    assert [int(third.any(axis=0).sum()) for third in np.split(mask, 3, axis=1)] == [10, 10, 10]
    assert (row.values["panels"], row.values["source"], row.values["cut_off"]) == (3, "three-view", 0)
    lost = Image(f"{clip.key}-{request['name']}", replace(clip, uri=__file__), request)
    assert isinstance(made(stage, [lost])[request["name"]], Failure)
    assert truth.actors


@pytest.mark.parametrize(
    ("edited", "embedded"), [(EditedViews, Harvest), (EditedAttributes, Composites), (EditedSheets, Layout)]
)
def test_they_write_what_the_embedded_makers_write(edited: type[Stage[Image]], embedded: type[Stage[Image]]) -> None:
    assert edited.writes == embedded.writes
