"""Other decoders give PyAV's frames, at PyAV's times, or leave the film to it and say why."""

import importlib
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from actor18m.config.pipeline import load_pipeline
from actor18m.config.shipped import shipped
from actor18m.errors import ActorError
from actor18m.inputs import canonical_uri
from actor18m.media import readers
from actor18m.media.readers import TOLERANCE
from actor18m.media.source import MediaError
from actor18m.media.video import frames, open_video
from actor18m.models.shared import Shared
from actor18m.samples.shipped import SHIPPED
from actor18m.stage import Clip, Stage
from stages.bodies import Bodies
from stages.faces import Faces, FacesParameters
from stages.pose import Pose
from tests.media.coloured import MADE
from tests.media.ffmpeg_of_pyav import environment
from tests.media.films import film, spoil

MODULES = {"torchcodec": "torchcodec", "decord": "decord"}
LEFT = {
    "torchcodec": {
        "mpeg4.avi": "its container is avi",
        "starts_late.ts": "its container is mpegts",
        "edited.mp4": "torchcodec says: Requested next frame while there are no more",
        "edited_far.mp4": "torchcodec says: Requested next frame while there are no more",
        "ten_bits.mp4": "its pixels are yuv420p10le",
        "interlaced.mp4": "its pictures are interlaced",
    }
}
LEFT["decord"] = LEFT["torchcodec"] | {
    "edited.mp4": "decord counts",
    "edited_far.mp4": "decord counts",
}
"""Which films are PyAV's, and why."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    folder = tmp_path_factory.mktemp("films")
    return {name: canonical_uri(make(folder / name)) for name, make in MADE.items()}


@dataclass(frozen=True)
class Compared:
    frames: int
    left_to_pyav: list[str]


@pytest.fixture(scope="module")
def alike(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, Compared]]:
    env = environment(tmp_path_factory.mktemp("links") / "lib")

    def compare(reader: str, *uris: str, fps: float | None = None, cut: object = None) -> dict[str, Compared]:
        """By the films' names, once it is known that times and pixels are the same."""
        if importlib.util.find_spec(MODULES[reader]) is None:
            pytest.skip(f"{reader} is not installed: pip install -c constraints.txt {reader}")
        command = [sys.executable, "-m", "tests.media.read_alike", reader, json.dumps(fps), json.dumps(cut), *uris]
        done = subprocess.run(command, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
        found = {}
        for line in done.stdout.splitlines():
            told = json.loads(line)
            assert told["same_times"], told
            assert told["apart"] <= TOLERANCE, told
            found[Path(told["uri"]).name] = Compared(told["frames"], told["left_to_pyav"])
        return found

    return compare


@pytest.mark.slow
@pytest.mark.parametrize("reader", MODULES)
def test_frames_of_films_of_every_kind_are_pyavs(
    reader: str, made: Mapping[str, str], alike: Callable[..., dict[str, Compared]]
) -> None:
    found = alike(reader, *made.values())
    assert found.keys() == MADE.keys()
    for name, compared in found.items():
        if why := LEFT[reader].get(name):
            assert len(compared.left_to_pyav) == 1, name
            assert why in compared.left_to_pyav[0]
        else:
            assert not compared.left_to_pyav, name


@pytest.mark.slow
def test_a_window_of_a_film_is_pyavs_too(made: Mapping[str, str], alike: Callable[..., dict[str, Compared]]) -> None:
    found = alike("torchcodec", made["uneven.mp4"], made["open_groups.mp4"], made["starts_late.mkv"], cut=(7, 31))
    assert [(each.frames, each.left_to_pyav) for each in found.values()] == [(24, [])] * 3


@pytest.mark.slow
def test_decord_reads_no_window(made: Mapping[str, str], alike: Callable[..., dict[str, Compared]]) -> None:
    (found,) = alike("decord", made["uneven.mp4"], cut=(7, 31)).values()
    assert "decord is given whole local files alone" in found.left_to_pyav[0]


@pytest.mark.slow
@pytest.mark.parametrize("reader", MODULES)
def test_frames_of_real_films_and_of_samples_are_pyavs(
    reader: str, footage: Path, alike: Callable[..., dict[str, Compared]]
) -> None:
    real = ["odd01_rotated.mp4", "odd02_rot90.mov", "odd03_av1.mkv", "odd05_5frames.mp4", "single15_asl_man_again.mkv",
            "single25_ntu_far.avi", "occ08_archery_back.avi", "turn05_iper_8fps.mp4", "none09_bird_cartoon.mp4",
            "cut04_endcard.mp4"]  # fmt: skip
    shipped = ["variable_rate_1.mp4", "sixty_fps_1.mp4", "phone_rotated_1.mp4"]
    paths = [*(footage / "videos" / name for name in real), *(SHIPPED / name for name in shipped)]
    found = alike(reader, *map(canonical_uri, paths), fps=8)
    assert {name for name, compared in found.items() if compared.left_to_pyav} == {
        "single25_ntu_far.avi",
        "occ08_archery_back.avi",
    }


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A torchcodec that reads by PyAV, and errs as it is told to."""

    def pretend(uri: str, *, later_s: float = 0, brighter: int = 0, fails: str = "", on_cpu: bool = False) -> None:
        class Decoder:
            cpu_fallback = on_cpu

            def __init__(self, stream: object, **told: Any) -> None:
                self.shown = [each["pts"] for each in json.loads(told["custom_frame_mappings"])["frames"]]
                assert told["num_ffmpeg_threads"] == 1

            def get_frames_at(self, indices: list[int]) -> Any:
                if fails and indices[0] > 0:
                    raise RuntimeError(fails)
                with open_video(uri) as video:
                    seconds = [self.shown[index] * float(video.stream.time_base or 0) + later_s for index in indices]
                    pixels = np.stack(list(video.pictures(indices))).astype(int) + brighter
                return SimpleNamespace(
                    data=_Tensor(pixels.clip(0, 255).astype(np.uint8)), pts_seconds=_Tensor(np.array(seconds))
                )

        monkeypatch.setattr(readers, "_imported", lambda *named: SimpleNamespace(VideoDecoder=Decoder))
        monkeypatch.setattr(readers, "_BYTES_AT_ONCE", 64 * 48 * 3 * 10)

    return pretend


class _Tensor:
    def __init__(self, values: Any) -> None:
        self.values = values

    def cpu(self) -> Any:
        return self.values


@pytest.mark.parametrize(
    ("erring", "why"),
    [
        ({"brighter": TOLERANCE}, None),
        ({"brighter": TOLERANCE + 1}, "its first picture differs by 3 levels of 255"),
        ({"later_s": 0.04}, "its frame at 0.000 s is given as one of 0.040 s"),
        ({"fails": "no such\n surface"}, "nvdec says: no such surface"),
        ({"on_cpu": True}, "this GPU does not decode it"),
    ],
)
def test_what_a_reader_gives_is_believed_as_far_as_it_can_be_checked(
    erring: dict[str, Any],
    why: str | None,
    pretended: Callable[..., None],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    uri = film(tmp_path / "film.mp4")
    pretended(uri, **erring)
    caplog.set_level("INFO")
    for (_, given), (_, wanted) in zip(frames(uri, reader="nvdec"), frames(uri), strict=True):
        assert np.abs(given.astype(int) - wanted).max() <= TOLERANCE
    assert [each for each in caplog.messages if why is None or why not in each] == []
    assert len(caplog.messages) == (why is not None)


def test_what_is_damaged_is_told_by_pyav(pretended: Callable[..., None], tmp_path: Path) -> None:
    uri = film(tmp_path / "film.mp4")
    pretended(uri, fails="Invalid data")
    spoil(tmp_path / "film.mp4", [30, 31])
    with pytest.raises(MediaError, match="cannot be decoded"):
        list(frames(uri, reader="torchcodec"))


def test_who_watches_is_shown_what_pyav_decodes(pretended: Callable[..., None], tmp_path: Path) -> None:
    uri = film(tmp_path / "film.mp4")
    pretended(uri, fails="must not be asked")
    seen: list[float] = []
    list(frames(uri, fps=5, watch=(lambda time_s, grey, is_key: seen.append(time_s), 24), reader="torchcodec"))
    assert len(seen) > 50


def test_a_process_that_cannot_read_so_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("decord", "torchcodec", "torchcodec.decoders"):
        monkeypatch.setitem(sys.modules, module, None)
    for reader, package in (("decord", "install decord2"), ("torchcodec", "install torchcodec and FFmpeg's")):
        with pytest.raises(ActorError, match=package):
            readers.ready(reader)  # type: ignore[arg-type]
    readers.ready("pyav")
    step = load_pipeline(shipped()["embedded"], ["faces.reader=decord"]).step("faces")
    with pytest.raises(ActorError, match="install decord2, or say `reader: pyav`"):  # before any clip is looked at
        step.made(Shared())


def test_torchcodec_without_ffmpeg_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def imported(module: str) -> None:
        raise RuntimeError("Could not load libtorchcodec. Likely causes:\n  1. FFmpeg is not properly installed")

    monkeypatch.setattr(importlib, "import_module", imported)
    with pytest.raises(ActorError, match=r"no shared libraries of FFmpeg .*apt-get install ffmpeg") as raised:
        readers.ready("torchcodec")
    assert "causes:" not in str(raised.value)


def test_nvdec_wants_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    blind = SimpleNamespace(cuda=SimpleNamespace(is_available=lambda: False))
    monkeypatch.setitem(sys.modules, "torch", blind)
    monkeypatch.setattr(readers, "_imported", lambda *named: None)
    with pytest.raises(ActorError, match="sees no GPU; claim a part of one"):
        readers.ready("nvdec")


def test_who_reads_is_part_of_what_a_row_depends_on() -> None:
    dumped = [FacesParameters(reader=reader).model_dump(mode="json") for reader in ("pyav", "nvdec")]
    assert dumped[0] != dumped[1]


@pytest.mark.parametrize("stage", [Faces, Bodies, Pose])
def test_stages_have_their_frames_read_by_whom_they_are_told(
    stage: type[Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    def frames(*where: object, reader: str) -> Any:
        raise RuntimeError(f"read by {reader}")

    monkeypatch.setattr(sys.modules[stage.__module__], "frames", frames)
    parameters = type(stage.parameters)(reader="decord")  # type: ignore[call-arg]
    made = stage(parameters, **dict.fromkeys(stage.roles))
    motion: Mapping[str, Any] = {"frame_times": [], "subject": [], "people": []}
    with pytest.raises(RuntimeError, match="read by decord"):
        list(made.measure([Clip("0" * 20, "file:///film.mp4", upstream={"motion": motion})]))
