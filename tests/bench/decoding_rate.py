"""How many frames a second each reader gives, eight of each second of a film, as stages ask for them.

Each reader has a process of its own and reads each film twice; the second time counts: wall time, processor time and
the most memory of the process. Without --film, films of 1280 x 720 are made, 10 s at 30 a second, of moving noise, in
H.264 with a key frame each 250 frames and each 60, and in HEVC. Where the machine has no FFmpeg of its own, torchcodec
is given PyAV's.

python -m tests.bench.decoding_rate [--film PATH]... [--reader pyav torchcodec nvdec decord]
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import cast, get_args

import av
import cv2
import numpy as np

from actor18m.errors import ActorError
from actor18m.inputs import canonical_uri
from actor18m.media import video
from actor18m.media.readers import Reader, ready
from tests.media.ffmpeg_of_pyav import environment

_FPS, _SECONDS, _RATE = 8, 10, 30
_MADE = {"h264_key_250.mp4": ("libx264", 250), "h264_key_60.mp4": ("libx264", 60), "hevc_key_250.mp4": ("libx265", 250)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--film", type=Path, action="append", default=[])
    parser.add_argument("--reader", nargs="+", choices=get_args(Reader), default=["pyav", "torchcodec", "decord"])
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        return _read(cast(Reader, args.child), args.film)
    with tempfile.TemporaryDirectory() as folder:
        films = args.film or [_made(Path(folder, name), *how) for name, how in _MADE.items()]
        print("| film | reader | frames a second | processor, a frame | most memory |\n|---|---|---|---|---|")
        for reader in args.reader:
            command = [sys.executable, "-m", "tests.bench.decoding_rate", "--child", reader]
            command += [part for film in films for part in ("--film", str(film))]
            env = environment(Path(folder, f"lib_{reader}")) if reader == "torchcodec" else os.environ
            subprocess.run(command, env=env, check=True)
    print(f"\nload {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; PyAV {av.__version__}")


def _read(reader: Reader, films: list[Path]) -> None:
    try:
        ready(reader)
    except ActorError as error:
        return print(f"| - | {reader} | {error} | | |")
    for film in films:
        with _told() as left:
            for _ in range(2):
                begun, busy = time.perf_counter(), time.process_time()
                count = sum(1 for _ in video.frames(canonical_uri(film), fps=_FPS, reader=reader))
                seconds, busy = time.perf_counter() - begun, time.process_time() - busy
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        by = f"{reader}, left to PyAV" if left else reader
        print(
            f"| {film.name} | {by} | {count / seconds:.0f} | {busy / count * 1e3:.1f} ms | {most:.0f} MiB |", flush=True
        )


@contextmanager
def _told() -> Iterator[list[str]]:
    """What the reader could not do."""
    told: list[str] = []
    before, video.log.info = video.log.info, lambda *said: told.append(str(said))  # type: ignore[method-assign]
    try:
        yield told
    finally:
        video.log.info = before  # type: ignore[method-assign]


def _made(path: Path, codec: str, gop: int) -> Path:
    noise = np.random.default_rng(0).integers(0, 255, (90, 160, 3), dtype=np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=_RATE, options={"preset": "ultrafast", "x265-params": "log-level=0"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = 1280, 720, "yuv420p", gop
        for number in range(_SECONDS * _RATE):
            picture = cv2.resize(np.roll(noise, number // 2, axis=1), (1280, 720), interpolation=cv2.INTER_LINEAR)
            frame = av.VideoFrame.from_ndarray(np.asarray(picture, dtype=np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, _RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


if __name__ == "__main__":
    main()
