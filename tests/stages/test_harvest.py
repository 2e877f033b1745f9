"""Views that a sample's own frames show, faces that are turned, and what is said of views that cannot be had."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from actor18m.media.encoded import decoded
from actor18m.media.similarity import similarity
from actor18m.media.views import face_view
from actor18m.models.backends import load
from actor18m.models.roles import Face, FaceEmbedder, Mesh
from actor18m.stage import UNAVAILABLE, Failure, Image, Row
from stages.crops import Crops
from stages.harvest import Harvest, HarvestParameters
from tests.stages.shot_by_truth import wanted_images

SEEN_BY = {"left": "left", "right": "right", "top_down": "down", "bottom_up": "up", "front": "front"}


@pytest.fixture(scope="module")
def stage(pulled: Callable[..., None]) -> Harvest:
    return harvest(pulled)


@pytest.fixture(scope="module")
def embedder(pulled: Callable[..., None]) -> FaceEmbedder:
    pulled("dlib-face")
    loaded: FaceEmbedder = load("dlib-face")
    return loaded


def harvest(pulled: Callable[..., None], **parameters: Any) -> Harvest:
    roles = {"faces": "centerface", "mesh": "mediapipe-face", "second": "selfie-segmenter"}
    pulled(*roles.values())
    return Harvest(HarvestParameters(**parameters), **{role: load(model) for role, model in roles.items()})


@pytest.fixture(scope="module")
def turning() -> list[Image]:
    """Requests for crops have all that one for a real frame has."""
    return wanted_images("turn_standing_1", (("body", 12), ("body", 24), ("face", 0)))[0]


@pytest.fixture(scope="module")
def face() -> Image:
    """Of somebody who looks nearly into the camera."""
    return wanted_images("sixty_fps_1", (("face", 15),))[0][0]


def made(stage: Harvest, images: list[Image]) -> dict[str, Row | Failure]:
    outcomes = {outcome.key: outcome for outcome in stage.measure(images)}
    for outcome in outcomes.values():
        stage.check(outcome)
    assert Harvest.writes.table(list(outcomes.values()), dict.fromkeys(outcomes, "")).num_rows == len(images)
    return outcomes


def turned(stage: Harvest, face: Image, view: str) -> Row | Failure:
    """The view of a face that no frame shows."""
    (crop,) = Crops().measure([face])
    assert isinstance(crop, Row)
    request = {**face.request, "sample": None, "lacks": "nobody turns", "view": view}
    (outcome,) = made(stage, [Image(f"{face.key}9", face.clip, request, source=crop.images)]).values()
    return outcome


def seen(stage: Harvest, row: Row) -> tuple[Face, Mesh]:
    """In what was made."""
    picture = decoded(row.images["webp"])
    face = stage.backends["faces"].detect([picture])[0][0]
    mesh = stage.backends["mesh"].mesh([picture], [face.box])[0]
    assert mesh is not None
    return face, mesh


def test_a_real_frame_is_cut_like_a_reference(stage: Harvest, turning: list[Image]) -> None:
    found = made(stage, turning)
    crops = {row.key: row for row in Crops(second=stage.backends["second"]).measure(turning)}
    for key, row in found.items():
        crop = crops[key]
        assert isinstance(row, Row)
        assert isinstance(crop, Row)
        assert row.images == crop.images
        nothing = dict.fromkeys(("prompt", "seed", "turned_deg", "unseen_share"))
        assert row.values == {**crop.values, "source": "view-aug", "how": "harvest", **nothing}
        assert row.values["method"] == "real"
        assert row.values["is_generated"] is False


def test_what_no_frame_shows_is_unavailable_and_says_why(stage: Harvest, turning: list[Image]) -> None:
    body = turning[0]
    missing = replace(body, key=f"{body.key}9", request={**body.request, "sample": None, "lacks": "nobody turns"})
    found = made(stage, [missing, *turning])
    assert found[missing.key] == Failure(missing.key, UNAVAILABLE, "nobody turns")
    assert sum(isinstance(outcome, Row) for outcome in found.values()) == len(turning)


@pytest.mark.parametrize("view", ["left", "top_down", "bottom_up"])
def test_a_face_is_turned_and_seen_there(stage: Harvest, embedder: FaceEmbedder, face: Image, view: str) -> None:
    row = turned(stage, face, view)
    assert isinstance(row, Row)
    told = row.values
    assert (told["how"], told["method"], told["is_generated"]) == ("mesh", "composited", False)
    now, mesh = seen(stage, row)
    assert face_view(mesh.yaw_deg, mesh.pitch_deg) == SEEN_BY[view]
    # the person stays the one of the source
    (crop,) = Crops().measure([face])
    assert isinstance(crop, Row)
    before, _ = seen(stage, crop)
    pictures = [decoded(each.images["webp"]) for each in (crop, row)]
    one, other = embedder.embed(pictures, [before, now])
    assert similarity(embedder.metric, one, other) > 0.5
    # and their mask goes along
    mask = decoded(row.images["mask.png"])[..., 0] > 127
    assert abs(mask.mean() - (decoded(crop.images["mask.png"])[..., 0] > 127).mean()) < 0.05
    assert isinstance(told["agreement"], float)
    assert 0.9 < told["agreement"] < 1


def test_a_turn_that_would_be_too_far_is_not_made(stage: Harvest, pulled: Callable[..., None], face: Image) -> None:
    away = wanted_images("talk_yaw_1", (("face", 18),))[0][0]
    assert away.request["viewpoint"] == "right"
    outcome = turned(harvest(pulled, max_source_deg=90), away, "left")
    assert isinstance(outcome, Failure)
    assert outcome.kind == UNAVAILABLE
    assert outcome.message.startswith("nobody turns; a turn of ")
    far = turned(stage, away, "front")
    assert isinstance(far, Failure)
    assert re.search(r"is \d+\.\d degrees from facing the camera, above \d+$", far.message), far.message
    strict = turned(harvest(pulled, max_unseen_share=0.01), face, "left")
    assert isinstance(strict, Failure)
    assert re.search(r"\d+\.\d% of the turned face, above \S+%, are not seen well in the source", strict.message)


def test_a_picture_without_a_face_cannot_be_turned(stage: Harvest, face: Image) -> None:
    (empty,) = Crops().measure([replace(face, request={**face.request, "x0": 0, "y0": 0, "x1": 60, "y1": 60})])
    assert isinstance(empty, Row)
    request = {**face.request, "sample": None, "lacks": "nobody turns", "view": "left"}
    (outcome,) = made(stage, [replace(face, request=request, source=empty.images)]).values()
    assert isinstance(outcome, Failure)
    assert outcome.message == "nobody turns; no face's surface is found in the source image"
