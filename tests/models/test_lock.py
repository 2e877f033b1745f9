import importlib.util

import pytest
from pydantic import ValidationError

from actor18m.errors import ActorError
from actor18m.models.lock import Lock, Wheel, read_lock


def test_every_file_can_be_had_as_a_url_and_inside_a_package() -> None:
    for file in read_lock().files(profile="embedded"):
        kinds = [isinstance(source, Wheel) for source in file.sources]
        assert kinds == sorted(kinds), f"{file.name}: the publisher comes before a carrier"
        assert set(kinds) == {False, True}


def test_every_model_names_the_module_that_loads_it() -> None:
    for name, model in read_lock().models.items():
        assert importlib.util.find_spec(model.backend), name


def test_an_unknown_model_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ActorError) as caught:
        read_lock().files(["centreface", "dpwose", "nothing-like-it"])
    close, other, far = str(caught.value).splitlines()
    assert close == "no model is called centreface; did you mean centerface?"
    assert other == "no model is called dpwose; did you mean dwpose?"
    assert far.startswith("no model is called nothing-like-it; there are: ")


@pytest.mark.parametrize("name", ["../escape.onnx", "/etc/passwd", ".hidden", ""])
def test_a_file_name_that_leaves_the_folder_is_refused(name: str) -> None:
    model = read_lock().models["centerface"].model_dump()
    model["files"][0]["name"] = name
    with pytest.raises(ValidationError, match="name"):
        Lock.model_validate({"version": 1, "models": {"centerface": model}})


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        Lock.model_validate({"version": 1, "models": {}, "mirror": "here"})


def test_an_adapter_is_for_a_model_that_there_is() -> None:
    models = dict(read_lock().models)
    assert {name: model.adapts for name, model in models.items() if model.is_adapter} == {
        "qwen-angles": ["qwen-image-edit"],
        "qwen-angles-2511": ["qwen-image-edit-2511"],
        "qwen-lightning": ["qwen-image-edit"],
        "qwen-lightning-2511": ["qwen-image-edit-2511"],
    }
    del models["qwen-image-edit-2511"]
    with pytest.raises(ValidationError, match="qwen-angles-2511 adapts qwen-image-edit-2511, which the lock has not"):
        Lock.model_validate({"version": 1, "models": models})


def test_two_models_cannot_claim_one_file_name() -> None:
    model = read_lock().models["centerface"]
    with pytest.raises(ValidationError, match=r"named by two models: centerface\.onnx"):
        Lock.model_validate({"version": 1, "models": {"a": model, "b": model}})
