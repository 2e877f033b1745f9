"""A build whose images are made by an editing model, from the video to the table: small and random, so this shows that
the parts fit, and nothing of how good the images are."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from actor18m import build
from actor18m.building.built import Built
from actor18m.models.weights import folder
from actor18m.samples.shipped import SHIPPED
from tests.models.cluster.qwen import save_editor, save_lora, small_areas

__all__ = ["small_areas"]

PIPELINE = """\
extends: embedded
name: edited
stages:
  - stage: stages.views:Views
    parameters:
      real_frames: false
      turns: [{deg: 90, prompt: "a quarter to the left"}, {deg: -90, prompt: "a quarter to the right"}]
      prompts: {top_down: "from above"}
  - stage: stages.attributes:Attributes
    parameters: {faces: 1, bodies: 1, only_painted: false, draws: [environment, expression]}
  - stage: stages.edited.views:EditedViews
    instead_of: stages.harvest:Harvest
    parameters: {side_px: 64}
    roles: {editor: &editor {backend: qwen-image-edit, steps: 2, true_cfg_scale: 1, lora: qwen-angles},
            people: efficientdet, bodies: mediapipe-pose}
  - stage: stages.edited.attributes:EditedAttributes
    instead_of: stages.composites:Composites
    parameters: {side_px: 64}
    roles: {editor: *editor, people: efficientdet, bodies: mediapipe-pose, encoder: efficientnet}
    candidates: 2
  - stage: stages.edited.sheets:EditedSheets
    instead_of: stages.layout:Layout
    parameters: {height_px: 64, width_px: 96, max_px: 128}
    roles: {editor: *editor, people: efficientdet, bodies: mediapipe-pose}
policy:
  attribute_images: null      # a person in what is random is like nobody
"""


@pytest.fixture
def weights_here(embedded_models: None) -> Path:
    """Of the embedded models: asked for before the small ones take the folder's place."""
    return folder()


@pytest.mark.slow
def test_a_build_with_an_editing_model(
    needs: Callable[[str], Any],
    weights_here: Path,
    small: Callable[..., None],
    small_areas: None,
    tmp_path: Path,
) -> None:
    for library in ("torch", "transformers", "torchvision", "diffusers", "peft"):
        needs(library)
    small("qwen-image-edit", save_editor)
    small("qwen-angles", lambda place: save_lora(place, "镜头转换.safetensors"))
    for file in (each for each in weights_here.iterdir() if each.is_file()):
        (tmp_path / "models" / file.name).symlink_to(file)
    shutil.copy(SHIPPED / "turn_standing_1.mp4", tmp_path)
    (tmp_path / "edited.yaml").write_text(PIPELINE)

    def built(*inputs: str) -> Built:
        return build(
            tmp_path / "edited.yaml", inputs=inputs, store=tmp_path / "store", dataset=tmp_path / "dataset"
        )  # fmt: skip

    assert built(str(tmp_path / "turn_standing_1.mp4")).states == {"accepted": 1}
    rows = pq.read_table(tmp_path / "dataset/latest/metadata/references").to_pylist()
    generated = {row["key"].partition("-")[2]: row for row in rows if row["is_generated"]}
    assert {row["maker"] for row in generated.values()} == {"view_images", "attribute_images", "sheet_images"}
    assert {row["method"] for row in generated.values()} == {"generated"}
    assert {row["how"] for row in generated.values()} == {"Qwen/Qwen-Image-Edit-2509 + qwen-angles"}
    assert len({row["seed"] for row in generated.values()}) == len(generated)
    assert {row["prompt"] for row in generated.values() if row.get("view") == "top_down"} == {"from above"}
    assert "looks" in generated["body-attribute-01"]["prompt"]
    assert all(row["seen_people"] is not None for row in generated.values()), "annotate looked at each of them"
    lacking = [row for row in rows if row["state"] == "unavailable"]
    assert {row["view"] for row in lacking} == {"bottom_up"}, "nobody told how it is reached"
    assert built().tally.measured.total() == 0, "nothing is made twice"
