"""Other decoders than PyAV, for who has a GPU or the libraries: the same frames at the same times, or else PyAV's.

When each frame is shown is read from the packets, whoever decodes them. Another reader is told these times, and is
believed only as far as it can be checked: it must say of each frame that it is shown when it should be, and give of the
first one the pixels that PyAV gives. A file with which it does not is left to PyAV.
"""

import importlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import IO, Any, Literal

import av
import numpy as np

from actor18m.arrays import Frame
from actor18m.errors import ActorError, is_out_of_memory
from actor18m.media.orientation import orientation
from actor18m.media.timeline import Times

Reader = Literal["pyav", "torchcodec", "nvdec", "decord"]
"""torchcodec decodes on the CPU, and nvdec is torchcodec on a GPU."""
TOLERANCE = 2
"""Levels of 255 by which a pixel may be another than PyAV's: decoders agree, and round colours each in its way."""
_CONTAINERS = ("mov", "matroska")
_BYTES_AT_ONCE = 64 << 20


class Unlike(Exception):
    """Why a file is left to PyAV."""


@dataclass(frozen=True)
class Film:
    """An open file, and what is known of it before another decoder looks at it."""

    stream: IO[bytes]
    stream_index: int
    is_local: bool
    times: Times
    is_whole: bool
    """The times are those of all its frames, and not only of those up to the end of a cut."""


def ready(reader: Reader) -> None:
    """Raises ActorError where this process cannot read so."""
    if reader == "decord":
        _imported("decord", "decord2")
    if reader in ("torchcodec", "nvdec"):
        _imported("torchcodec.decoders", "torchcodec and FFmpeg's shared libraries")
    if reader == "nvdec" and not importlib.import_module("torch").cuda.is_available():
        raise ActorError(
            "reader nvdec: this process sees no GPU; claim a part of one for the stage (`run: {gpus: 0.1}`), or say "
            "`reader: pyav`"
        )


def unlike(container_name: str, frame: av.VideoFrame) -> str | None:
    """What in a file, by one of its frames, others are known to read otherwise; None when it is worth a try."""
    if not container_name.startswith(_CONTAINERS):
        return f"its container is {container_name}, whose frames others count otherwise"
    if frame.format.has_palette or any(component.bits != 8 for component in frame.format.components):
        return f"its pixels are {frame.format.name}, whose colours others round otherwise"
    if frame.interlaced_frame:
        return "its pictures are interlaced"
    if orientation(frame).is_mirrored:
        return "its pictures are mirrored"
    return None


def pictures(reader: Reader, film: Film, indices: Sequence[int], first: Frame) -> Iterator[Frame]:
    """Of the frames with these ascending indices, upright uint8[H, W, 3] RGB; `first` is the first one as PyAV reads
    it. Raises Unlike where they are not PyAV's: those that were given before are.
    """
    at_once = max(1, _BYTES_AT_ONCE // first.nbytes)
    is_first = True
    try:
        read = _OPENED[reader](film)
        for start in range(0, len(indices), at_once):
            found = read(indices[start : start + at_once])
            if is_first:
                _compare(first, found[0])
                is_first = False
            if found.shape[1:] != first.shape:
                raise Unlike("its pictures change their size")
            yield from found
    except (Unlike, MemoryError):
        raise
    except Exception as error:
        # Each library has exceptions of its own for whatever it stumbles over; PyAV says what is wrong with a file.
        if is_out_of_memory(error):
            raise
        raise Unlike(f"{reader} says: {' '.join(str(error).split())[:200]}") from error


Read = Callable[[Sequence[int]], Frame]
"""uint8[N, H, W, 3] of so many indices."""


def _torchcodec_on(device: str) -> Callable[[Film], Read]:
    def opened(film: Film) -> Read:
        decoders = _imported("torchcodec.decoders", "torchcodec")
        decoder = decoders.VideoDecoder(
            film.stream,
            stream_index=film.stream_index,
            dimension_order="NHWC",
            num_ffmpeg_threads=1,
            device=device,
            custom_frame_mappings=_mapping(film.times),
        )
        if device != "cpu" and decoder.cpu_fallback:
            raise Unlike(f"this GPU does not decode it ({decoder.cpu_fallback})")
        unit_s = float(film.times.unit_s)

        def read(indices: Sequence[int]) -> Frame:
            found = decoder.get_frames_at(list(indices))
            _agree(np.asarray(found.pts_seconds.cpu()), film.times.shown[list(indices)] * unit_s, unit_s)
            return np.asarray(found.data.cpu(), dtype=np.uint8)

        return read

    return opened


def _decord(film: Film) -> Read:
    """It counts a file's frames by itself and says when they are shown from the first one on, so that only all of them
    together tell whether it counts as we do."""
    if not film.is_local or not film.is_whole:
        raise Unlike("decord is given whole local files alone")
    # By its open handle: a name might have been given to another file meanwhile, and its end might mislead.
    reader = _imported("decord", "decord2").VideoReader(f"/proc/self/fd/{film.stream.fileno()}", num_threads=1)
    shown, unit_s = film.times.shown, float(film.times.unit_s)
    if len(reader) != len(shown):
        raise Unlike(f"decord counts {len(reader)} frames, and {len(shown)} are shown")
    told = np.asarray(reader.get_frame_timestamp(range(len(shown)))[:, 0], dtype=np.float64)
    _agree(told - told[0], (shown - shown[0]) * unit_s, unit_s)
    return lambda indices: np.asarray(reader.get_batch(list(indices)).asnumpy(), dtype=np.uint8)


_OPENED: dict[Reader, Callable[[Film], Read]] = {
    "torchcodec": _torchcodec_on("cpu"),
    "nvdec": _torchcodec_on("cuda"),
    "decord": _decord,
}


def _mapping(times: Times) -> str:
    """As torchcodec wants to be told of frames, so that it does not read all packets once more."""
    keys = {key.pts for key in times.keys}
    durations = [*np.diff(times.shown).tolist(), times.last_duration]
    frames = [
        {"pts": pts, "duration": duration, "key_frame": int(pts in keys)}
        for pts, duration in zip(times.shown.tolist(), durations, strict=True)
    ]
    return json.dumps({"frames": frames})


def _agree(told_s: Any, shown_s: Any, unit_s: float) -> None:
    """Times have been rounded to 32 bits on the way."""
    apart = np.abs(told_s - shown_s) > max(unit_s / 2, 1e-6 * float(np.abs(shown_s).max()))
    if apart.any():
        at = int(apart.argmax())
        raise Unlike(f"its frame at {shown_s[at]:.3f} s is given as one of {told_s[at]:.3f} s")


def _compare(wanted: Frame, given: Frame) -> None:
    if given.shape != wanted.shape:
        raise Unlike(f"its pictures are given as {given.shape[1]} x {given.shape[0]} pixels")
    apart = int(np.abs(wanted.astype(np.int16) - given).max())
    if apart > TOLERANCE:
        raise Unlike(f"its first picture differs by {apart} levels of 255")


def _imported(module: str, package: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except (ImportError, OSError, RuntimeError) as error:  # torchcodec raises the last where it finds no FFmpeg
        why = str(error).strip().splitlines()[0]
        fix = f"install {package}"
        if "libtorchcodec" in why:  # a list of possible causes follows it, of which this is the usual one
            why = "it finds no shared libraries of FFmpeg that it can use"
            fix = "install FFmpeg's libraries (`apt-get install ffmpeg`), and a torchcodec that fits this torch"
        raise ActorError(f"{module} cannot be loaded ({why}): {fix}, or say `reader: pyav`") from error
