"""A person of a sample in another place and light: cut out along the truth, made from request and seed alone."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from actor18m.arrays import Frame
from actor18m.keys import seed
from actor18m.media.encoded import decoded
from actor18m.models.backends import load
from actor18m.stage import UNAVAILABLE, Failure, Image, Row
from stages.attributes import AttributesParameters, drawn
from stages.composites import Composites, CompositesParameters
from stages.crops import Crops
from stages.pool import pool
from tests.stages.shot_by_truth import wanted_images

POOL = pool()


@pytest.fixture(scope="module")
def stage(pulled: Callable[..., None]) -> Composites:
    pulled("efficientnet", "selfie-segmenter")
    return Composites(encoder=load("efficientnet"), second=load("selfie-segmenter"))


@pytest.fixture(scope="module")
def face() -> Image:
    return wanted("talk_yaw_1", ("face", 4), "hedge garden", "sunny day")


@pytest.fixture(scope="module")
def body() -> Image:
    return wanted("turn_standing_1", ("body", 0), "loft with a brick wall", "studio softbox")


def wanted(name: str, which: tuple[str, int], environment: str, lighting: str) -> Image:
    """A request for a crop that was cut as the truth says."""
    (crop,), _ = wanted_images(name, [which])
    (cut,) = Crops().measure([crop])
    assert isinstance(cut, Row)
    of = AttributesParameters(faces=1, bodies=1, draws=("environment", "lighting"), only_painted=True)
    lightings = tuple(each for each in POOL.lightings if each.name == lighting)
    environments = tuple(each for each in POOL.environments if each.name == environment)
    source = {**crop.request, "is_clearest": True}
    entries = replace(POOL, environments=environments, lightings=lightings)
    (request,) = drawn(crop.clip.key, [source], of, entries)
    return Image(f"{crop.clip.key}-{request['name']}", crop.clip, request, source=cut.images)


def made(stage: Composites, image: Image) -> tuple[Row, Frame, Frame]:
    """The row, the picture and the mask."""
    (row,) = stage.measure([image])
    assert isinstance(row, Row), row
    stage.check(row)
    assert Composites.writes.table([row], {row.key: ""}).num_rows == 1
    mask = cv2.imdecode(np.frombuffer(row.images["mask.png"], np.uint8), cv2.IMREAD_GRAYSCALE)
    assert mask is not None
    return row, decoded(row.images["webp"]), mask.astype(np.uint8)


def test_it_says_what_it_is(stage: Composites, face: Image) -> None:
    row, picture, mask = made(stage, face)
    told: Mapping[str, Any] = row.values
    assert [told[each] for each in ("source", "method", "is_generated", "how", "prompt")] == [
        "attr-aug", "composited", False, "compositor", None,
    ]  # fmt: skip
    assert told["seed"] == seed(face.key, "attribute", 1)
    assert picture.shape[:2] == mask.shape == (told["height"], told["width"])


def test_the_person_stays_and_the_place_goes(stage: Composites, face: Image, body: Image) -> None:
    for image in (face, body):
        row, picture, mask = made(stage, image)
        told: Mapping[str, Any] = row.values
        assert told["image_similarity"] < told["person_similarity"] > 0.85
        source = decoded(image.source["webp"])
        side = (picture.shape[1] - source.shape[1]) // 2
        here = picture[:, side : side + source.shape[1]].astype(float)
        off = np.abs(here - source).mean(axis=-1)
        inside = mask[:, side : side + source.shape[1]] > 127
        assert off[inside].mean() < 30 < off[~inside].mean()


def test_a_body_gets_room_for_its_place_unless_it_is_cut_away(stage: Composites, body: Image) -> None:
    source = decoded(body.source["webp"])
    _, picture, mask = made(stage, body)
    assert picture.shape[0] == source.shape[0]
    assert picture.shape[1] / picture.shape[0] == pytest.approx(0.8, abs=0.01) or source.shape[1] >= picture.shape[1]
    assert not mask[:, 0].any()
    cut = cv2.imdecode(np.frombuffer(body.source["mask.png"], np.uint8), cv2.IMREAD_GRAYSCALE)
    assert cut is not None
    cut[:, :6] = 255
    at_the_edge = replace(body, source={**body.source, "mask.png": cv2.imencode(".png", cut)[1].tobytes()})
    _, _, edge_mask = made(stage, at_the_edge)
    assert edge_mask[:, 0].any(), "nothing is put where the person goes on"


def test_the_same_request_and_seed_make_the_same_bytes(stage: Composites, face: Image) -> None:
    first, again = made(stage, face)[0], made(stage, face)[0]
    assert again == first
    cv2.setNumThreads(1)
    try:
        assert made(stage, face)[0].images == first.images, "however many threads there are"
    finally:
        cv2.setNumThreads(-1)


def test_another_candidate_has_another_seed_and_place(stage: Composites, face: Image) -> None:
    first, second = (made(stage, replace(face, candidate=number)) for number in (1, 2))
    assert [row.values["seed"] for row, *_ in (first, second)] == [seed(face.key, "attribute", n) for n in (1, 2)]
    assert first[0].values["sha256"] != second[0].values["sha256"]
    beside = first[2] < 128
    assert np.abs(first[1].astype(float) - second[1])[beside].mean() > 3


def test_light_is_seen_in_the_picture(stage: Composites) -> None:
    def colours(lighting: str) -> np.ndarray[Any, Any]:
        _, picture, mask = made(stage, wanted("talk_yaw_1", ("face", 4), "raw concrete room", lighting))
        return np.array([picture[mask > 127].mean(axis=0), picture[mask <= 127].mean(axis=0)])

    soft, neon, rim = (colours(each) for each in ("studio softbox", "neon light", "cinematic rim light"))
    assert neon[1].mean() < 0.9 * soft[1].mean(), "the place is darker"
    assert (neon[0, 2] / neon[0, 1]) > 1.1 * (soft[0, 2] / soft[0, 1]), "and the person bluer than green"
    assert rim[0].mean() < soft[0].mean()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"expression": "anger"}, "expression"),
        ({"motion": "dancing"}, "motion"),
        ({"painting": None, "environment": "crowded market"}, "no painter gives crowded market"),
    ],
)
def test_what_it_cannot_make_is_unavailable(stage: Composites, face: Image, change: dict[str, Any], why: str) -> None:
    (outcome,) = stage.measure([replace(face, request={**face.request, **change})])
    assert isinstance(outcome, Failure)
    assert outcome.kind == UNAVAILABLE
    assert why in outcome.message


def test_somebody_who_is_too_small_is_unavailable(stage: Composites, face: Image) -> None:
    strict = Composites(CompositesParameters(least_mask_share=0.9), **stage.backends)
    (outcome,) = strict.measure([face])
    assert isinstance(outcome, Failure)
    assert "the person's mask takes" in outcome.message


def test_without_a_light_the_person_is_lit_as_before(stage: Composites, face: Image) -> None:
    _, picture, mask = made(stage, replace(face, request={**face.request, "light": None, "lighting": None}))
    source = decoded(face.source["webp"])
    sure = cv2.erode(mask, np.ones((15, 15), np.uint8)) > 127
    assert np.abs(picture.astype(float) - source)[sure].mean() < 4
