import re
import subprocess
import sys
import zipfile
from collections import Counter
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement

import actor18m

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--wheel-dir", str(folder), str(ROOT)], check=True)
    (built,) = folder.glob("actor18m-*.whl")
    return built


def test_the_wheel_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size < 16 * 2**20


def test_the_wheel_carries_code_and_data_and_nothing_else(wheel: Path) -> None:
    carried = set(zipfile.ZipFile(wheel).namelist())
    code = [f for package in ("actor18m", "stages") for f in (ROOT / package).rglob("*") if f.suffix != ".pyc"]
    wanted = {f.relative_to(ROOT).as_posix() for f in code if f.is_file()}
    wanted |= {f"actor18m/{data}/{f.name}" for data in ("manifests", "pipelines") for f in (ROOT / data).iterdir()}
    assert {"actor18m/py.typed", "actor18m/manifests/models.lock.yaml", "actor18m/pipelines/embedded.yaml"} <= wanted
    assert any(f.startswith("actor18m/samples/clips/") and f.endswith(".mp4") for f in wanted)
    assert {f for f in carried if ".dist-info/" not in f} == wanted


def test_the_wheel_names_its_version_once(wheel: Path) -> None:
    assert wheel.name.startswith(f"actor18m-{actor18m.__version__}-")


def test_a_core_install_pulls_no_torch(wheel: Path) -> None:
    text = next(n for n in zipfile.ZipFile(wheel).namelist() if n.endswith(".dist-info/METADATA"))
    fields = metadata.PathDistribution(zipfile.Path(wheel, text.removesuffix("METADATA"))).requires or []
    core = _pulled(fields)
    assert {"numpy", "av", "opencv-python-headless", "pydantic"} <= core
    assert core.isdisjoint({"torch", "torchvision", "anny", "mediapipe", "onnxruntime"})
    assert "torch" in {_name(Requirement(field).name) for field in fields}, "the actors extra asks for torch"


def _pulled(requires: list[str]) -> set[str]:
    """Names of all that an install without extras brings, judged by what is installed here."""
    names: set[str] = set()
    queue = [(field, {""}) for field in requires]
    while queue:
        field, extras = queue.pop()
        requirement = Requirement(field)
        marker, name = requirement.marker, _name(requirement.name)
        environment = {key: str(value) for key, value in default_environment().items()}
        if name in names or (marker and not any(marker.evaluate({**environment, "extra": e}) for e in extras)):
            continue
        names.add(name)
        queue += [(field, {"", *requirement.extras}) for field in metadata.requires(name) or []]
    return names


def _name(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


HEAVY = ("ray", "torch", "anny", "moderngl", "scipy", "mediapipe", "onnxruntime", "dlib", "matplotlib", "pandas")
"""Which only a backend, Ray's executor, the studio or a reader of datasets needs."""
TO_WORK = ("numpy", "pyarrow", "pydantic", "duckdb", "fsspec", "av", "cv2", "yaml", "actor18m.cli.build")
"""Which commands need that do something."""


def loaded_by(code: str) -> set[str]:
    code = f"{code}; import sys; print(*sys.modules, file=sys.stderr)"
    return set(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stderr.split())


def test_the_commands_start_without_heavy_libraries() -> None:
    every = (
        "from actor18m.cli.commands import BY_MODULE, loaded; [loaded(c) for each in BY_MODULE.values() for c in each]"
    )
    modules = loaded_by(every)
    assert "pyarrow" in modules
    assert modules.isdisjoint(HEAVY)


def test_the_version_and_the_list_of_commands_are_told_at_once() -> None:
    told = "from actor18m.cli.app import app; app([{option!r}], standalone_mode=False)"
    for option in ("--version", "--help"):
        modules = loaded_by(told.format(option=option))
        assert "actor18m.cli.commands" in modules
        assert modules.isdisjoint({*HEAVY, *TO_WORK}), option


def test_one_opencv_is_installed_and_its_files_are_whole() -> None:
    owners = Counter(metadata.packages_distributions()["cv2"])
    assert list(owners) == ["opencv-python-headless"]
    import cv2

    version = metadata.version("opencv-python-headless")
    assert version.startswith(f"{cv2.__version__}.")


def test_mediapipe_works_beside_that_opencv() -> None:
    from mediapipe import Image, ImageFormat
    from mediapipe.tasks.python import vision

    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    image = Image(image_format=ImageFormat.SRGB, data=pixels)
    assert np.array_equal(image.numpy_view(), pixels), "its native library answers"
    assert callable(vision.FaceLandmarker.create_from_options)


def test_mediapipe_asks_for_nothing_else_that_is_not_installed() -> None:
    left_out = {"opencv-contrib-python", "sounddevice"}
    for field in metadata.requires("mediapipe") or []:
        requirement = Requirement(field)
        if requirement.name not in left_out:
            assert requirement.specifier.contains(metadata.version(requirement.name)), field
