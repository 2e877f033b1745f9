"""The interpreter, the libraries of the core, and the limits of the machine."""

import csv
import importlib.metadata
import importlib.util
import io
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import av
import numpy as np
from av.codec import Codec

from actor18m.doctor.check import Check, spelt_size

_PYTHON = (3, 11)
_RAY = (2, 40)
_FILES = 8192
_SHARED_MEMORY = 1 << 30
_SPACE_FAIL, _SPACE_WARN = 1 << 30, 10 << 30
_SMI_S = 20
_OPENCVS = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")


def python() -> Iterator[Check]:
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.version_info < _PYTHON:
        yield Check("python", "fail", found, "install Python 3.11 or newer")
    elif platform.system() != "Linux":
        yield Check("python", "warn", found, "builds are tested on Linux; run there when something is odd")
    else:
        yield Check("python", "ok", found)


def codecs() -> Iterator[Check]:
    """PyAV brings its own FFmpeg, and one built elsewhere may lack what is not free."""
    version = f"PyAV {av.__version__}"
    reinstall = 'install the wheel from PyPI: pip install --force-reinstall --only-binary=:all: "av>=14"'
    if "h264" in (missing := _undecodable()) or not _encodes_h264():
        yield Check("codecs", "fail", f"{version} cannot read and write H.264", reinstall)
    elif missing:
        found = f"{version} cannot read {', '.join(missing)}: such videos will end as failed"
        yield Check("codecs", "warn", found, reinstall)
    else:
        yield Check("codecs", "ok", f"{version} reads H.264, HEVC, VP9 and AV1, and writes H.264")


def opencv() -> Iterator[Check]:
    """Its variants install into one folder, and the last one wins in part."""
    there = [name for name in _OPENCVS if _version(name)]
    other = [name for name in there if name != "opencv-python-headless"]
    if other:
        found = (
            f"{' and '.join(there)} {'are' if len(there) > 1 else 'is'} installed, where only the headless one works"
        )
        fix = f"pip uninstall -y {' '.join(there)} && pip install opencv-python-headless"
        yield Check("opencv", "fail" if len(there) > 1 else "warn", found, fix)
        return
    import cv2

    yield Check("opencv", "ok", f"{cv2.__version__}, headless, the only one")


def ray() -> Iterator[Check]:
    install = 'pip install "ray[default]>=2.40"'
    version = _version("ray")
    if version is None:
        yield Check("ray", "fail", "is not installed; --executor serial works without it", install)
        return
    if tuple(map(int, version.split(".")[:2])) < _RAY:
        yield Check("ray", "fail", f"{version} is too old", install)
        return
    importlib.import_module("ray")
    if importlib.util.find_spec("aiohttp_cors") is None:
        yield Check("ray", "warn", f"{version} without its dashboard, so `ray job submit` does not work", install)
    else:
        yield Check("ray", "ok", version)


def gpus() -> Iterator[Check]:
    """None is fine here; what a pipeline wants is told with the pipeline."""
    names, trouble = visible_gpus()
    if trouble:
        fix = "repair the driver (`nvidia-smi` must list the GPUs), or go on without GPUs"
        yield Check("gpus", "warn", trouble, fix)
    elif not names:
        yield Check("gpus", "ok", "none; stages without `run.gpus` need none")
    elif importlib.util.find_spec("torch") and not importlib.import_module("torch").cuda.is_available():
        fix = "install a torch that was built for this driver's CUDA"
        yield Check("gpus", "warn", f"{', '.join(names)}; but torch sees none", fix)
    else:
        yield Check("gpus", "ok", ", ".join(names))


def visible_gpus() -> tuple[list[str], str]:
    """Their names and memory; or what is wrong with the driver."""
    if shutil.which("nvidia-smi") is None:
        return [], ""
    query = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"]
    try:
        told = subprocess.run(query, capture_output=True, text=True, timeout=_SMI_S)
    except subprocess.TimeoutExpired:
        return [], f"nvidia-smi gave no answer within {_SMI_S} s"
    if told.returncode:
        said = (told.stdout + told.stderr).strip().splitlines()
        return [], f"nvidia-smi failed: {said[-1] if said else f'exit code {told.returncode}'}"
    return [f"{row[0].strip()} ({row[1].strip()})" for row in csv.reader(told.stdout.splitlines()) if len(row) == 2], ""


def temp() -> Iterable[Check]:
    return space("temporary files", Path(tempfile.gettempdir()), "set TMPDIR to a folder on a larger disk")


def space(name: str, folder: Path, fix: str) -> Iterator[Check]:
    """Of the disk that holds the folder."""
    disk = os.statvfs(folder)
    free = disk.f_bavail * disk.f_frsize
    found = f"{spelt_size(free)} free at {folder}"
    if disk.f_files and disk.f_favail < 10_000:
        yield Check(name, "fail", f"only {disk.f_favail} more files fit at {folder}", f"delete some, or {fix}")
    elif free < _SPACE_WARN:
        yield Check(name, "fail" if free < _SPACE_FAIL else "warn", found, f"free some space, or {fix}")
    else:
        yield Check(name, "ok", found)


def open_files() -> Iterator[Check]:
    """The hard limit counts: Ray raises the soft one to it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    spelt = ["unlimited" if each == resource.RLIM_INFINITY else str(each) for each in (soft, hard)]
    found = f"{spelt[0]} at once, can be raised to {spelt[1]}"
    if hard != resource.RLIM_INFINITY and hard < _FILES:
        fix = (
            f"raise the hard limit to {_FILES} or more (`nofile` in /etc/security/limits.conf, or docker run --ulimit)"
        )
        yield Check("open files", "warn", found, fix)
    else:
        yield Check("open files", "ok", found)


def shared_memory(folder: Path = Path("/dev/shm")) -> Iterator[Check]:
    fix = "in a container: docker run --shm-size=2g"
    if not folder.is_dir():
        yield Check("shared memory", "warn", f"there is no {folder}; Ray keeps its objects on disk then", fix)
        return
    disk = os.statvfs(folder)
    size = disk.f_blocks * disk.f_frsize
    if size < _SHARED_MEMORY:
        found = f"{spelt_size(size)} at {folder}; Ray keeps its objects on disk then, which is slower"
        yield Check("shared memory", "warn", found, fix)
    else:
        yield Check("shared memory", "ok", f"{spelt_size(size)} at {folder}")


def _undecodable() -> list[str]:
    # FFmpeg's own av1 only drives hardware.
    decoders = {"h264": ["h264"], "hevc": ["hevc"], "vp9": ["vp9"], "av1": ["libdav1d", "libaom-av1"]}
    return [codec for codec, names in decoders.items() if not any(_has(name) for name in names)]


def _has(decoder: str) -> bool:
    try:
        Codec(decoder, "r")
        return True
    except ValueError:
        return False


def _encodes_h264() -> bool:
    """Writes a frame and reads it again."""
    file = io.BytesIO()
    try:
        with av.open(file, "w", format="mp4") as out:
            stream = out.add_stream("libx264", rate=1)
            stream.width = stream.height = 64
            stream.pix_fmt = "yuv420p"
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 200, np.uint8), format="rgb24")
            out.mux([*stream.encode(frame), *stream.encode()])
        file.seek(0)
        with av.open(file, "r") as back:
            (seen,) = back.decode(video=0)
            return bool(abs(seen.to_ndarray(format="rgb24").mean() - 200) < 10)
    except (av.FFmpegError, ValueError):
        return False


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
