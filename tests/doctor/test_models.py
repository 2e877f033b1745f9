import importlib.metadata
import importlib.util
import json
import shutil
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from actor18m.config.shipped import find_pipeline
from actor18m.doctor import models
from actor18m.doctor.check import Check
from actor18m.models.lock import read_lock
from tests.doctor.face_stage import PIPELINE


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of weights."""
    monkeypatch.setenv("ACTOR18M_MODELS", str(tmp_path / "weights"))
    (tmp_path / "weights").mkdir()
    return tmp_path / "weights"


def looked(tmp_path: Path, profile: str = "embedded", gpus: float = 0, faces: str = "centerface") -> dict[str, Check]:
    file = tmp_path / "count.yaml"
    text = PIPELINE.format(profile=profile).replace("centerface", faces)
    file.write_text(text.replace("roles:", f"run: {{gpus: {gpus}}}, roles:"))
    return {check.name: check for check in models.pipeline(file)}


def test_weights_that_the_pipeline_needs_must_be_there(tmp_path: Path) -> None:
    checks = looked(tmp_path)
    assert checks["pipeline"].state == "ok"
    assert checks["weights"].state == "fail"
    lacking = f"in {tmp_path}/weights: centerface.onnx is missing; 7 MB to fetch, "
    assert checks["weights"].found.startswith(lacking)
    assert checks["weights"].fix == "actor18m models pull centerface"
    assert "system libraries" not in checks, "nothing of mediapipe is in this pipeline"


def test_who_looks_for_shots_needs_weights_too(tmp_path: Path) -> None:
    shots = (
        "split: {mode: shots, shots: {stage: 'stages.split:DetectedShots', roles: {shots: transnetv2}, min_score: 0.3}}"
    )
    file = tmp_path / "count.yaml"
    file.write_text(PIPELINE.format(profile="embedded") + f"\n{shots}\n")
    checks = {check.name: check for check in models.pipeline(file)}
    assert checks["weights"].fix == "actor18m models pull centerface transnetv2"


def test_weights_must_be_the_right_ones(tmp_path: Path, folder: Path) -> None:
    (folder / "centerface.onnx").write_bytes(b"another model")
    assert "centerface.onnx is corrupt" in looked(tmp_path)["weights"].found


def test_large_weights_are_looked_at_too(tmp_path: Path) -> None:
    (tmp_path / "large.yaml").write_text(
        "extends: embedded\nname: large\n"
        "stages: [{stage: 'stages.motion:Motion', roles: {people: d-fine, encoder: clip}}]\n"
    )
    weights = {check.name: check for check in models.pipeline(tmp_path / "large.yaml")}["weights"]
    assert weights.state == "fail"
    assert "clip is missing, d-fine is missing" in weights.found
    assert " clip d-fine " in f"{weights.fix} "


def test_what_is_missing_comes_with_the_profile_that_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "_is_installed", lambda name: name not in ("timm", "open_clip_torch"))
    (tmp_path / "large.yaml").write_text(
        "extends: embedded\nname: large\nstages:\n"
        "- {stage: 'stages.motion:Motion', roles: {encoder: clip}}\n"
        "- {stage: 'stages.bodies:Bodies', roles: {bodies: edgetam}}\n"
    )
    libraries = {check.name: check for check in models.pipeline(tmp_path / "large.yaml")}["model libraries"]
    assert libraries.found == "open_clip_torch, timm not installed"
    assert libraries.fix.endswith('".[cluster]"')


def test_code_that_is_on_no_index_is_looked_for_in_its_checkout(tmp_path: Path) -> None:
    """Installing an extra would not bring it."""
    file = tmp_path / "followed.yaml"

    def checks(points: str) -> dict[str, Check]:
        file.write_text(
            f"extends: embedded\nname: f\nstages: [{{stage: 'stages.motion:Motion', roles: {{points: {points}}}}}]\n"
        )
        return {check.name: check for check in models.pipeline(file)}

    nowhere = checks("cotracker3")
    assert "cotracker" not in nowhere["model libraries"].found
    assert (nowhere["checkout"].state, nowhere["checkout"].found) == (
        "fail", "of the code of cotracker3: no `checkout` is named"
    )  # fmt: skip
    assert "checkout: /…/co-tracker" in nowhere["checkout"].fix
    named = f"{{backend: cotracker3, checkout: '{tmp_path}'}}"
    assert checks(named)["checkout"].found.endswith(f"{tmp_path} has no cotracker/predictor.py")
    (tmp_path / "cotracker").mkdir()
    (tmp_path / "cotracker" / "predictor.py").touch()
    assert checks(named)["checkout"].state == "ok"
    assert "checkout" not in checks("lucas-kanade")


def test_without_a_pipeline_the_small_models_are_looked_at_and_none_is_a_must() -> None:
    checks = {check.name: check for check in models.all_models()}
    assert checks["weights"].state == "warn"
    assert checks["weights"].fix == f"actor18m models pull {' '.join(read_lock().named(profile='embedded'))}"
    assert checks["system libraries"].state == "ok"


def test_libraries_that_are_missing_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(importlib.metadata, "distribution", nothing)
    check = looked(tmp_path)["model libraries"]
    assert (check.state, check.found, check.fix) == (
        "fail", "onnxruntime not installed", 'in a checkout of actor18m: pip install -c constraints.txt ".[embedded]"'
    )  # fmt: skip
    monkeypatch.setattr(models, "_EGL", {"libNoSuch.so.1": "libnosuch1"})
    every = {check.name: check for check in models.all_models()}
    assert every["model libraries"].fix.endswith("pip install -c constraints.txt --no-deps mediapipe")
    assert every["system libraries"].fix == "on Debian: apt-get install libnosuch1"


def test_what_no_extra_has_is_told_with_its_own_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "_is_installed", lambda name: name != "ultralytics")
    (tmp_path / "people.yaml").write_text(
        "extends: embedded\nname: people\nstages:\n- {stage: 'stages.motion:Motion', roles: {people: yolo-world}}\n"
    )
    libraries = {check.name: check for check in models.pipeline(tmp_path / "people.yaml")}["model libraries"]
    assert libraries.found == "ultralytics not installed"
    assert libraries.fix.endswith("pip install -c constraints.txt --no-deps ultralytics")


def test_a_reader_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "decord", None)
    monkeypatch.setitem(sys.modules, "torchcodec.decoders", ModuleType("torchcodec.decoders"))
    file = tmp_path / "read.yaml"
    file.write_text(
        "extends: embedded\nname: read\nstages:\n"
        "- {stage: 'stages.faces:Faces', parameters: {reader: decord}}\n"
        "- {stage: 'stages.bodies:Bodies', parameters: {reader: nvdec}}\n"
        "- {stage: 'stages.pose:Pose', parameters: {reader: nvdec}, run: {gpus: 0.5}}\n"
    )
    readers = [(check.state, check.found, check.fix) for check in models.pipeline(file) if check.name == "readers"]
    assert [state for state, *_ in readers] == ["fail", "fail", "ok"]
    assert "install decord2, or say `reader: pyav`" in readers[0][1]
    assert readers[1][1:] == ("bodies is read by nvdec, and its workers claim no GPU",
                              "claim a part of one: --set bodies.run.gpus=0.1")  # fmt: skip


def test_weights_that_are_lacking_are_told_with_their_size_and_a_disk_that_is_too_small(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACTOR18M_MODELS", str(tmp_path / "none" / "yet"))
    free = [100 << 30]
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=free[0]))
    weights = next(check for check in models.pipeline(find_pipeline("cluster")) if check.name == "weights")
    assert "about 57." in weights.found
    assert " GB beside 10 models of unknown size to fetch, 107.4 GB free there" in weights.found
    assert not [check for check in models.pipeline(find_pipeline("cluster")) if check.name == "room for weights"]
    free[0] = 40 << 30
    room = next(check for check in models.pipeline(find_pipeline("cluster")) if check.name == "room for weights")
    assert room.state == "fail"
    assert room.fix == "free some space, or set ACTOR18M_MODELS to a folder on a larger disk"


def test_a_python_of_a_stages_own_that_is_not_there_is_told(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(
        "extends: embedded\nname: own\nstages:\n"
        "- {stage: 'stages.faces:Faces', run: {environment: {py_executable: /nope/python}}}\n"
        f"- {{stage: 'stages.pose:Pose', run: {{environment: {{py_executable: {sys.executable}}}}}}}\n"
    )
    pythons = [(check.state, check.found) for check in models.pipeline(file) if check.name == "pythons"]
    assert pythons == [
        ("fail", "faces names /nope/python, which on this machine is no program"),
        ("ok", f"pose runs with {sys.executable}"),
    ]


def test_a_conda_or_an_environment_of_it_that_is_not_there_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(conda: str) -> tuple[str, str]:
        file = tmp_path / "own.yaml"
        stage = f"{{stage: 'stages.faces:Faces', run: {{environment: {{conda: {conda}}}}}}}"
        file.write_text(f"extends: embedded\nname: own\nstages: [{stage}]\n")
        (check,) = (check for check in models.pipeline(file) if check.name == "pythons")
        return check.state, check.found

    home = tmp_path / "miniconda"
    monkeypatch.setenv("RAY_CONDA_HOME", str(home))
    program = home / "bin" / "conda"
    nowhere = f"there is no program {program}, where RAY_CONDA_HOME, CONDA_EXE or PATH leads to"
    for conda, shown in (("gpuenv", "gpuenv"), ("{dependencies: [python]}", "of an environment.yml")):
        assert told(conda) == ("fail", f"faces names conda {shown}, which on this machine cannot be had: {nowhere}")
    program.parent.mkdir(parents=True)
    told_json = json.dumps({"conda_prefix": str(home), "envs": [str(home), f"{home}/envs/gpu"]})
    program.write_text(f"#!/bin/sh\n[ \"$1\" = info ] && echo '{told_json}'\n")
    program.chmod(0o755)
    assert told("gpu_env") == (
        "fail",
        f"faces names conda gpu_env, which on this machine is no environment of {program}; did you mean gpu?",
    )
    for conda in ("gpu", "base", f"{home}/envs/gpu"):
        assert told(conda) == ("ok", f"faces runs with conda {conda}")
    assert told("{dependencies: [python]}") == ("ok", "faces runs with conda of an environment.yml")


def test_what_the_embedded_pipeline_needs_is_found_where_all_of_it_is_installed() -> None:
    """The library that is installed as ai-edge-litert is imported as ai_edge_litert, and dlib installed as dlib-bin."""
    check = next(check for check in models.all_models() if check.name == "model libraries")
    assert (check.state, check.found) == ("ok", "ai-edge-litert, dlib, mediapipe, onnxruntime")


def test_a_pipeline_for_gpus_is_told_that_there_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    check = looked(tmp_path, gpus=0.5)["gpus of the pipeline"]
    assert check.state == "warn", "also where it is a copy of the pipeline for laptops"
    assert check.found == "face_count: `run.gpus` claims GPUs, and this machine shows none"
    assert "gpus of the pipeline" not in looked(tmp_path, "cluster"), "no stage of it claims any"


def test_a_gpu_that_would_stand_idle_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "visible_gpus", lambda: (["H200 (139 GiB)"], ""))
    monkeypatch.setattr(models, "sees_gpu", lambda: False)
    named = "gpus of the pipeline"
    assert named not in looked(tmp_path, gpus=1), "CenterFace runs on a CPU, as it is meant to"
    assert named not in looked(tmp_path, faces="retinaface"), "its workers see no GPU"
    check = looked(tmp_path, gpus=1, faces="retinaface")[named]
    assert (check.state, check.found) == ("warn", "this onnxruntime runs on the CPU alone, and so do retinaface")
    monkeypatch.setattr(models, "sees_gpu", lambda: True)
    assert named not in looked(tmp_path, gpus=1, faces="retinaface")
