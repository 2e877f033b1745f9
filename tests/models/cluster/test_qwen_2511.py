"""Qwen-Image-Edit-2511 in the commercial pipeline: it is told what the card of its LoRA lists, word for word."""

import re
from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import cv2
import numpy as np
import pytest

from actor18m.config.pipeline import Pipeline, load_pipeline
from actor18m.config.shipped import find_pipeline
from actor18m.media.encoded import encoded
from actor18m.media.views import VIEWS, View
from actor18m.models.backends import load
from actor18m.models.qwen_image_edit import QwenImageEdit, QwenImageEditParameters
from actor18m.stage import Clip, Image, Row
from stages.edited.views import EditedViews, EditedViewsParameters
from stages.views import Views, ViewsParameters
from tests.models.cluster.qwen import save_editor, save_lora, small_areas
from tests.stages.test_edited import People

__all__ = ["small_areas"]

NAME, ANGLES, LIGHTNING = "qwen-image-edit-2511", "qwen-angles-2511", "qwen-lightning-2511"
FILES = {
    ANGLES: "qwen-image-edit-2511-multiple-angles-lora.safetensors",
    LIGHTNING: "Qwen-Image-Edit-2511-Lightning-4steps-V1.0-bf16.safetensors",
}
PLACES = [
    f"<sks> {azimuth} view {elevation} shot {distance}"
    for azimuth, elevation, distance in product(
        ("front", "front-right quarter", "right side", "back-right quarter", "back", "back-left quarter", "left side",
         "front-left quarter"),
        ("low-angle", "eye-level", "elevated", "high-angle"),
        ("close-up", "medium shot", "wide shot"),
    )
]  # fmt: skip
"""All 96 prompts of the card."""


@pytest.fixture(scope="module")
def commercial() -> Pipeline:
    return load_pipeline(find_pipeline("commercial"))


@pytest.fixture(scope="module")
def views(commercial: Pipeline) -> Views:
    parameters = commercial.step("views").parameters
    assert isinstance(parameters, ViewsParameters)
    return Views(parameters)


def steps(views: Views, yaw_deg: float) -> dict[View, list[str]]:
    return {view: views._steps(yaw_deg, view) for view in VIEWS}


def test_each_view_is_one_of_the_places_that_the_card_lists(views: Views) -> None:
    assert len(PLACES) == 96
    told = steps(views, 0)
    assert all(len(each) == 1 and each[0] in PLACES for each in told.values())
    assert len({each for (each,) in told.values()}) == len(VIEWS)
    assert told["back"] == ["<sks> back view eye-level shot medium shot"]
    assert "front" in told["front"][0]
    assert "high-angle" in told["top_down"][0]
    assert "low-angle" in told["bottom_up"][0]
    assert {*re.findall("(left|right) side", " ".join([*told["left"], *told["right"]]))} == {"left", "right"}


def test_a_place_is_told_from_wherever_the_source_is_seen(views: Views) -> None:
    """Steps of the other LoRA, which turn by some degrees, are none of this one's."""
    assert steps(views, 0) == steps(views, 75) == steps(views, -170)


def test_the_editor_is_the_one_that_the_lora_is_for(commercial: Pipeline) -> None:
    editor = commercial.step("view_images").roles["editor"]
    told = editor.parameters.model_dump()
    assert (editor.name, told["lora"], told["lightning"]) == (NAME, ANGLES, LIGHTNING)
    assert 0.8 <= told["lora_scale"] <= 1, "as the card advises"


@pytest.fixture
def editor(needs: Callable[[str], Any], small: Callable[..., None], small_areas: None) -> QwenImageEdit:
    """Small, with the one thing by which 2511's transformer differs, and both LoRA."""
    for library in ("torch", "transformers", "torchvision", "diffusers", "peft"):
        needs(library)
    small(NAME, partial(save_editor, zero_cond_t=True))
    for name, file in FILES.items():
        small(name, partial(save_lora, name=file))
    parameters = QwenImageEditParameters(lora=ANGLES, lora_scale=0.9, lightning=LIGHTNING, dtype="float32")
    found = load(NAME, parameters)
    assert isinstance(found, QwenImageEdit)
    return found


class Heard:
    """A pipeline, and what it was told."""

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline
        self.calls: list[dict[str, Any]] = []
        self.said: list[str] = []
        encode = pipeline.encode_prompt

        def encoding(**told: Any) -> Any:
            self.said.append(told["prompt"])
            return encode(**told)

        pipeline.encode_prompt = encoding

    def __call__(self, **told: Any) -> Any:
        self.calls.append(told)
        return self._pipeline(**told)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pipeline, name)


def test_the_words_reach_the_pipeline_as_they_are(editor: QwenImageEdit, views: Views) -> None:
    heard = Heard(editor._pipeline)
    editor._pipeline = heard
    picture = encoded(".webp", np.full((96, 48, 3), 90, np.uint8), [cv2.IMWRITE_WEBP_QUALITY, 101])
    wanted = steps(views, 0)
    images = [
        Image(f"{'0' * 20}-body-view-{at:02d}", Clip("0" * 20, "none.mp4"), {"view": view, "steps": wanted[view]},
              source={"webp": picture})
        for at, view in enumerate(VIEWS, 1)
    ]  # fmt: skip
    people = People()
    rows = list(
        EditedViews(EditedViewsParameters(side_px=64), editor=editor, people=people, bodies=people).measure(images)
    )
    assert heard.said == [wanted[view][0] for view in VIEWS]
    assert {each["num_inference_steps"] for each in heard.calls} == {4}, "as Lightning's file says"
    assert {each["true_cfg_scale"] for each in heard.calls} == {1.0}
    for row, view in zip(rows, VIEWS, strict=True):
        assert isinstance(row, Row)
        assert row.values["prompt"] == wanted[view][0]
        assert row.values["how"] == "Qwen/Qwen-Image-Edit-2511 + qwen-angles-2511 + qwen-lightning-2511"
    editor.close()
