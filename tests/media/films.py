"""Small films made for a test, in which each frame says which one it is."""

import wave
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType

import av
import numpy as np

from actor18m.arrays import Frame
from actor18m.inputs import canonical_uri

STEP = 4
"""Frame n has the grey level STEP * n + 8 everywhere but in its upper left corner, which is white."""


def film(
    path: Path,
    times_ms: Sequence[int] | None = None,
    width: int = 64,
    height: int = 48,
    rotation: int = 0,
    gop: int = 12,
    codec: str = "libx264",
    with_sound: bool = False,
    pix_fmt: str | None = None,
    options: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Writes 60 frames at 25 a second, or frames at the given times, and returns the file's URI. `rotation` is what a
    player turns them by, clockwise."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=1000 if times_ms else 25, options={"crf": "4"} | dict(options))
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = width, height
        stream.pix_fmt = pix_fmt or ("yuv420p" if width % 2 == height % 2 == 0 else "yuv444p")
        stream.gop_size = gop
        stream.bit_rate = 0 if codec == "libsvtav1" else 2_000_000
        stream.codec_context.time_base = Fraction(1, 25 if codec == "mpeg2video" else 1000)
        stream.set_display_rotation(-rotation)
        sound = container.add_stream("aac", rate=16000) if with_sound else None
        for number, time_ms in enumerate(times_ms or range(0, 2400, 40)):
            frame = av.VideoFrame.from_ndarray(_picture(number, width, height), format="rgb24")
            frame.pts, frame.time_base = time_ms, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None:
            _mux_silence(container, sound)
    return canonical_uri(path)


def sound_only(path: Path) -> str:
    with av.open(str(path), "w") as container:
        _mux_silence(container, container.add_stream("aac", rate=16000))
    return canonical_uri(path)


def song(path: Path) -> str:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(bytes(16000))
    return canonical_uri(path)


def spoil(path: Path, which: Sequence[int]) -> None:
    """Overwrites these packets of a film."""
    content = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packets = list(container.demux(video=0))
    for number in which:
        at = packets[number].pos
        assert at is not None
        content[at : at + packets[number].size] = b"\xff" * packets[number].size
    path.write_bytes(content)


def numbers(pictures: Sequence[Frame]) -> list[int]:
    """Which frames of a film these are."""
    return [round((float(picture[-4:, -4:].mean()) - 8) / STEP) for picture in pictures]


def _picture(number: int, width: int, height: int) -> Frame:
    picture = np.full((height, width, 3), STEP * number + 8, dtype=np.uint8)
    picture[: height // 4, : width // 4] = 255
    return picture


def _mux_silence(container: av.container.OutputContainer, stream: av.AudioStream) -> None:
    for start in range(0, 32000, 1024):
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), dtype=np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 16000, start, Fraction(1, 16000)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
