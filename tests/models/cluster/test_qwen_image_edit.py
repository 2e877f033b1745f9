"""Qwen-Image-Edit: what the library makes of the same pictures, whoever is edited beside them, and what LoRA change."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actor18m.arrays import Frame
from actor18m.errors import ActorError
from actor18m.media.encoded import decoded, encoded
from actor18m.media.video import frames_at
from actor18m.models.backends import Backend, backend_class, describe, load
from actor18m.models.qwen_image_edit import QwenImageEdit, QwenImageEditParameters, stored_in
from actor18m.models.roles import Edit
from actor18m.samples.shipped import SHIPPED
from actor18m.stage import Clip, Image, Row
from stages.edited.views import EditedViews, EditedViewsParameters
from tests.models.cluster.qwen import save_editor, save_lora, small_areas
from tests.stages.test_edited import People

__all__ = ["small_areas"]

NAME = "qwen-image-edit"
ALL = {
    NAME: "Qwen/Qwen-Image-Edit-2509",
    "qwen-image-edit-2511": "Qwen/Qwen-Image-Edit-2511",
    "firered-image-edit": "FireRedTeam/FireRed-Image-Edit-1.1",
}
"""By the lock's name, what is told of who made a picture."""
LORA, LIGHTNING = (
    "镜头转换.safetensors",
    ("Qwen-Image-Edit-2509/Qwen-Image-Edit-2509-Lightning-8steps-V1.0-bf16.safetensors"),
)


@pytest.fixture(scope="module")
def saved(needs: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    for library in ("torch", "transformers", "torchvision", "diffusers", "peft"):
        needs(library)
    place = tmp_path_factory.mktemp("editor")
    save_editor(place)
    return place


@pytest.fixture
def editor(
    request: pytest.FixtureRequest, saved: Path, small: Callable[..., None], small_areas: None
) -> Callable[..., QwenImageEdit]:
    """Loads the small one, in two steps if nothing else is said."""
    name = getattr(request, "param", NAME)
    small(name, lambda place: shutil.copytree(saved, place, dirs_exist_ok=True))

    def loaded(**parameters: Any) -> QwenImageEdit:
        found = load(name, QwenImageEditParameters(**{"steps": 2, "dtype": "float32", **parameters}))
        assert isinstance(found, QwenImageEdit)
        return found

    return loaded


@pytest.fixture(scope="module")
def edits() -> list[Edit]:
    """Of pictures that differ to the left and the right, and in their colours."""
    chance = np.random.default_rng(18)
    pictures: list[Frame] = []
    for height, width in ((80, 60), (64, 64), (60, 90)):
        picture = chance.integers(0, 60, (height, width, 3), np.uint8)
        picture[:, : width // 2, 0] = 250
        pictures.append(picture)
    return [
        Edit([pictures[0]], "Turn the camera to the left.", 7, 64, 48),
        Edit(pictures, "One sheet of the person in pictures 1 to 3.", 2**63 - 1, 48, 96),
        Edit([pictures[1]], "Move.", 0, 70, 50),
    ]


@pytest.mark.parametrize(("editor", "called"), ALL.items(), indirect=["editor"])
def test_what_is_made_is_what_the_library_makes(
    editor: Callable[..., QwenImageEdit], called: str, edits: list[Edit]
) -> None:
    import PIL.Image
    import torch

    backend = editor(true_cfg_scale=3.0, negative_prompt="blurry")
    made = backend.edit(edits)
    assert [frame.shape for frame in made] == [(64, 48, 3), (48, 96, 3), (72, 48, 3)]
    assert {frame.dtype.name for frame in made} == {"uint8"}
    for edit, frame in zip(edits, made, strict=True):
        told = backend._pipeline(
            image=[PIL.Image.fromarray(picture, "RGB") for picture in edit.pictures], prompt=edit.prompt,
            height=frame.shape[0], width=frame.shape[1], num_inference_steps=2, true_cfg_scale=3.0,
            negative_prompt="blurry", generator=torch.Generator().manual_seed(edit.seed), output_type="np",
        ).images[0]  # fmt: skip
        assert np.abs(told * 255 - frame).max() <= 0.51, "rounded, in the order red, green, blue"
    assert backend.called == called
    backend.close()


@pytest.mark.parametrize(("editor", "called"), ALL.items(), indirect=["editor"])
def test_views_of_somebody_in_a_clip(editor: Callable[..., QwenImageEdit], called: str) -> None:
    """A request of two steps, and one of one: what the stage keeps is what the editor made of what it made before."""
    (frame,) = frames_at(str(SHIPPED / "talk_yaw_1.mp4"), [0.5])
    picture, backend, people = np.ascontiguousarray(frame[:, 300:660]), editor(true_cfg_scale=1), People()
    source = {"webp": encoded(".webp", picture, [])}
    asked = {"left": ["A quarter to the left."], "back": ["A quarter to the left.", "Once more."]}
    images = [
        Image(f"{'0' * 20}-body-{view}", Clip("0" * 20, "none.mp4"), {"view": view, "steps": steps}, source=source)
        for view, steps in asked.items()
    ]
    stage = EditedViews(EditedViewsParameters(side_px=64), editor=backend, people=people, bodies=people)
    rows = [row for row in stage.measure(images) if isinstance(row, Row)]
    assert [(row.values["how"], row.values["prompt"]) for row in rows] == [
        (called, "\n".join(steps)) for steps in asked.values()
    ]
    pictures = [decoded(row.images["webp"]) for row in rows]
    assert {each.shape for each in pictures} == {(80, 48, 3)}, "upright, as the source is, and about as large as asked"
    assert all(each.std() > 5 for each in pictures), "something is to be seen"
    assert not np.array_equal(pictures[0], pictures[1])
    backend.close()


@pytest.mark.parametrize("editor", ALL, indirect=True)
def test_nothing_that_is_edited_beside_it_changes_a_picture(
    editor: Callable[..., QwenImageEdit], edits: list[Edit]
) -> None:
    backend = editor()
    together = backend.edit(edits)
    for edit, frame in zip(reversed(edits), reversed(together), strict=True):
        (alone,) = backend.edit([edit])
        assert np.array_equal(alone, frame)
    (first, *_), swapped = edits, np.ascontiguousarray(edits[0].pictures[0][:, :, ::-1])
    for other in (
        replace(first, seed=8),
        replace(first, prompt="Turn the camera to the right."),
        replace(first, pictures=[swapped]),
        replace(first, pictures=[np.ascontiguousarray(first.pictures[0][:, ::-1])]),
    ):
        assert not np.array_equal(backend.edit([other])[0], together[0])
    assert backend.edit([]) == []


def test_a_lora_is_fused_as_the_library_fuses_it(
    editor: Callable[..., QwenImageEdit], small: Callable[..., None], edits: list[Edit]
) -> None:
    small("qwen-angles", lambda place: save_lora(place, LORA))
    plain, half, whole = (editor(**told) for told in ({}, {"lora": "qwen-angles", "lora_scale": 0.5},
                                                      {"lora": "qwen-angles", "lora_scale": 1.0}))  # fmt: skip
    before, some, all_of_it = (
        each._pipeline.transformer.transformer_blocks[0].attn.to_q.weight.detach() for each in (plain, half, whole)
    )
    assert 2 * (some - before) == pytest.approx(all_of_it - before, abs=1e-4)
    assert float(abs(all_of_it - before).max()) > 1
    assert not np.array_equal(plain.edit(edits[:1])[0], whole.edit(edits[:1])[0])
    assert whole.called == "Qwen/Qwen-Image-Edit-2509 + qwen-angles"


@pytest.mark.parametrize("key", ["unet.{}", "text_encoder.{}", "{}"])
def test_a_lora_of_which_nothing_is_loaded_is_refused(
    key: str, editor: Callable[..., QwenImageEdit], small: Callable[..., None]
) -> None:
    """The library warns, and goes on without it."""
    small("qwen-angles", lambda place: save_lora(place, LORA, (f"{key}.lora_A.weight", f"{key}.lora_B.weight")))
    with pytest.raises(ActorError, match=r"none of the weights in .* is for this model"):
        editor(lora="qwen-angles")


def test_lightning_brings_its_schedule_and_its_steps(
    editor: Callable[..., QwenImageEdit], small: Callable[..., None], edits: list[Edit]
) -> None:
    """With keys and a scale as its authors write them."""
    small(
        "qwen-lightning", lambda place: save_lora(place, LIGHTNING, ("{}.lora_down.weight", "{}.lora_up.weight"), 2.0)
    )
    backend, plain = editor(steps=None, lightning="qwen-lightning"), editor()
    queries = [each._pipeline.transformer.transformer_blocks[0].attn.to_q.weight.detach() for each in (backend, plain)]
    assert float(abs(queries[0] - queries[1]).max()) > 1
    (frame,) = backend.edit(edits[:1])
    assert frame.shape == (64, 48, 3)
    sigmas = np.linspace(1, 1 / 8, 8)
    assert backend._pipeline.scheduler.sigmas[:-1] == pytest.approx(3 * sigmas / (1 + 2 * sigmas), abs=1e-5)
    assert backend._pipeline.scheduler.sigmas[-1] == 0


def test_weights_in_eight_bits_make_almost_the_same_picture(
    editor: Callable[..., QwenImageEdit], edits: list[Edit]
) -> None:
    import torch

    plain, small_weights = editor(), editor(fp8=True)
    kept = {each.dtype for each in small_weights._pipeline.transformer.transformer_blocks.parameters()}
    assert torch.float8_e4m3fn in kept
    (before,), (after,) = (backend.edit(edits[:1]) for backend in (plain, small_weights))
    assert not np.array_equal(before, after)
    assert np.abs(before.astype(float) - after).mean() < 16


def test_what_a_lora_is_pinned_to_is_in_the_fingerprint(
    editor: Callable[..., QwenImageEdit], small: Callable[..., None], tmp_path: Path
) -> None:
    def told(**parameters: Any) -> str:
        backend = Backend.model_validate({"backend": NAME, **parameters})
        return describe(backend.name, backend.parameters)[1]

    small("qwen-angles", lambda place: save_lora(place, LORA))
    plain, with_lora = told(), told(lora="qwen-angles")
    assert len({plain, with_lora, told(lora="qwen-angles", lora_scale=1.0), told(fp8=True)}) == 4
    assert told(device="cuda:1") == plain
    pinned = tmp_path / "models" / "qwen-angles" / "pinned.json"
    sha256 = pinned.read_text().split('"sha256": "')[1][:64]
    pinned.write_text(pinned.read_text().replace(sha256, "0" * 64) + "\n")
    assert told(lora="qwen-angles") != with_lora
    assert told() == plain


def test_weights_are_loaded_as_they_are_stored(needs: Callable[[str], Any]) -> None:
    torch = needs("torch")
    on_a_gpu, on_a_cpu = (stored_in(QwenImageEditParameters(), torch.device(each)) for each in ("cuda", "cpu"))
    assert (on_a_gpu, on_a_cpu) == (torch.bfloat16, torch.float32)
    assert stored_in(QwenImageEditParameters(dtype="float16"), torch.device("cuda")) == torch.float16


def test_one_step_is_refused_of_which_the_library_makes_a_black_picture() -> None:
    with pytest.raises(ValueError, match="greater than or equal to 2"):
        QwenImageEditParameters(steps=1)


def test_a_lora_is_named_as_the_lock_names_it_and_is_no_backend() -> None:
    with pytest.raises(ValueError, match=r"must be one of qwen-angles, .*, or null"):
        QwenImageEditParameters(lora="qwen-angels")
    with pytest.raises(ActorError, match=r"qwen-angles is no backend: a parameter of one, of .*, names it"):
        backend_class("qwen-angles")
