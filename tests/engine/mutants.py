"""Files made to break whoever reads them: copies of sample clips, spoilt, under names made to be taken for something
else. The same seed gives the same files.
"""

import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from actor18m.samples.shipped import SHIPPED

_CONTAINERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts")
_CLAIMS = (b"mvhd", b"tkhd", b"mdhd", b"stsd", b"stts", b"ctts", b"stss", b"stsz", b"stsc", b"stco", b"elst", b"hdlr")
_SIZES = (0, 1, 2, 7, 8, 9, 2**16, 2**31 - 1, 2**31, 2**32 - 1)

Mutation = Callable[[bytes, bytes, Random], bytes]


def bit_flips(clip: bytes, other: bytes, random: Random) -> bytes:
    return _flipped(clip, range(len(clip)), random.choice([1, 2, 5, 20, 200]), random)


def header_flips(clip: bytes, other: bytes, random: Random) -> bytes:
    start, end = next((box.start, box.stop) for kind, box in boxes(clip) if kind == b"moov")
    return _flipped(clip, range(start + 8, end), random.choice([1, 3, 10, 30]), random)


def truncated(clip: bytes, other: bytes, random: Random) -> bytes:
    return clip[: random.choice([random.randrange(1, 64), random.randrange(len(clip)), len(clip) - 1])]


def swapped_header(clip: bytes, other: bytes, random: Random) -> bytes:
    """The index of one file on the pictures of another."""
    head = next(box.stop for kind, box in boxes(other) if kind == b"moov")
    return other[:head] + clip[min(head, len(clip)) :]


def spliced(clip: bytes, other: bytes, random: Random) -> bytes:
    return clip[: random.randrange(len(clip))] + other[random.randrange(len(other)) :]


def zero_run(clip: bytes, other: bytes, random: Random) -> bytes:
    start = random.randrange(len(clip))
    length = min(random.choice([16, 512, 4096, 65536]), len(clip) - start)
    return clip[:start] + bytes(length) + clip[start + length :]


def box_size(clip: bytes, other: bytes, random: Random) -> bytes:
    _, box = random.choice(list(boxes(clip)))
    size = random.choice([*_SIZES, random.randrange(2**32), len(box) + random.randrange(-16, 17)])
    return clip[: box.start] + struct.pack(">I", size % 2**32) + clip[box.start + 4 :]


def false_claim(clip: bytes, other: bytes, random: Random) -> bytes:
    """A number in the index is another one: how large, how long, how many, where."""
    box = random.choice([box for kind, box in boxes(clip) if kind in _CLAIMS])
    at = random.randrange(box.start + 8, box.stop - 3)
    return clip[:at] + struct.pack(">I", random.choice([*_SIZES, random.randrange(2**32)])) + clip[at + 4 :]


MUTATIONS: tuple[Mutation, ...] = (
    bit_flips, header_flips, truncated, swapped_header, spliced, zero_run, box_size, false_claim,
)  # fmt: skip

NAMES: tuple[bytes, ...] = (
    b"plain", b"two words", b"line\nbreak", b"ends in a line\n", b"tab\tand\rreturn", b"it's \"quoted\"", b"`id`",
    b"$(reboot)", b"a;b|c&d>e", b"-rf", b"--help", b"a..b", b"%2e%2e%2f", b"100%", b"%", b"%00", b"a#b?c=d&e",
    b"C:\\x\\y", b"*[!a]?", b"{a,b}", b"~", b"'; DROP TABLE clips; --", b"<script>", b"\x1b[2J\x07", b"\x7f\x01",
    b"\xff\xfe", b"caf\xe9", b"\xed\xa0\x80", "Jos\u00e9 \u4f60\u597d".encode(), "\u202egnp".encode(),
    "\u2028\u0085".encode(), b"a" * 230, b"file:", b"s3:", b"a.tar.gz", b"a.mp4.json", b"CON", b" blanks ", b"None",
)  # fmt: skip
"""Stems. None begins with a dot: a folder's hidden files are not taken."""


def mutants(folder: Path, count: int, seed: int) -> dict[Path, str]:
    """Writes so many; each with the kind of its mutation."""
    random = Random(seed)
    clips = [path.read_bytes() for path in sorted(SHIPPED.glob("*.mp4"))]
    made = {}
    for number in range(count):
        mutation = MUTATIONS[number % len(MUTATIONS)]
        content = mutation(random.choice(clips), random.choice(clips), random)
        stem = NAMES[number % len(NAMES)]
        path = folder / os.fsdecode(stem + (b"" if number < len(NAMES) else b" %d" % number) + b".mp4")
        path.write_bytes(content)
        made[path] = mutation.__name__
    return made


def boxes(clip: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, range]]:
    """Of an MP4, with those in others: the kind and where it is."""
    at, end = start, len(clip) if end is None else end
    while at + 8 <= end:
        size, kind = struct.unpack(">I4s", clip[at : at + 8])
        yield kind, range(at, at + size)
        if kind in _CONTAINERS:
            yield from boxes(clip, at + 8, at + size)
        at += size


def _flipped(clip: bytes, where: range, count: int, random: Random) -> bytes:
    spoilt = bytearray(clip)
    for _ in range(count):
        spoilt[random.choice(where)] ^= 1 << random.randrange(8)
    return bytes(spoilt)
