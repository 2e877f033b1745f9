"""docs/views.md: its pipeline is one, and tells a maker what the page says."""

from pathlib import Path

import pytest

from actor18m.config.pipeline import load_pipeline
from actor18m.config.unread import unread
from stages.harvest import OF_VIEW
from stages.views import WANTED, Views
from tests.docs.page import DOCS, Reader, reader
from tests.stages.test_views import turning, wanted

__all__ = ["reader"]


def test_its_prompts_are_data_of_a_pipeline(reader: Reader) -> None:
    reader.write_files("views.md")
    parameters = load_pipeline(Path("edited.yaml")).step("views").parameters
    assert isinstance(parameters, type(Views.parameters))
    found = wanted(turning(), **parameters.model_dump())
    left = "将镜头向左旋转90度 Rotate the camera 90 degrees to the left."
    assert found["body back"]["steps"] == [left, left]
    assert found["body top_down"]["steps"] == ["将镜头转为俯视 Turn the camera to a top-down view."]
    assert {each["sample"] for each in found.values()} == {None}
    pipeline = load_pipeline(Path("edited.yaml"))
    makers = ("view_images", "attribute_images", "sheet_images")
    assert [pipeline.step(name).roles["editor"].name for name in makers] == ["qwen-image-edit"] * 3
    assert [pipeline.step(name).roles["editor"].parameters.adapters for name in makers[:2]] == [
        ("qwen-angles", "qwen-lightning"), ("qwen-lightning",)
    ]  # fmt: skip
    assert not [*unread(pipeline)], "the prompts have an effect"


@pytest.mark.parametrize("name", ["turned_deg", "unseen_share", "apart_s", "apart_deg", "steps", "lacks", "view"])
def test_the_columns_that_it_names_are_there(name: str) -> None:
    assert f"`{name}`" in (DOCS / "views.md").read_text()
    assert name in {*OF_VIEW, *(each.name for each in WANTED)}
