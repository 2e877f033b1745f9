"""Stages whose rows can be told without running them: for stores of any size, and for the cost of the engine.

Eight are of clips. A clip that passes them all asks for ten images; one stage makes them, and one looks at them.

Clip `n` has a number below 1,000 at each stage, computed from the one before; rules reject 2% at each. Of 1,000 inputs,
1 cannot be read, 5 are copies of a clip, and 10 nearly repeat one.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256, sha512
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from pyarrow import binary, field, float32, int32, list_, string, struct

from actor18m.stage import Clip, Failure, Image, Requests, Row, Schema, Stage, schema
from tests.engine.pretended import text_of, webp

Numbers = npt.NDArray[np.int64]
SHADES = 1000


def key_of(n: int) -> str:
    """Clips' keys and inputs' ids have no order, as hashes have none."""
    return f"{n * 0x9E3779B97F4A7C15F39C & (1 << 80) - 1:020x}"


def uri_of(n: int) -> str:
    return f"s3://bucket/{n:09d}.mp4"


def clip_of(n: Numbers) -> Numbers:
    """The clip of input n: some are copies."""
    return np.where(n % 200 == 150, n - 3, n)


def is_broken(n: Numbers) -> npt.NDArray[np.bool_]:
    return np.equal(n % 1000, 13)


def like(n: Numbers) -> Numbers:
    """The clip that this one looks like: itself, or an earlier one."""
    return np.where((n % 100 == 99) & (n > 50), n - 50, n)


def signature_of(n: int) -> bytes:
    """64 bytes, of which a near duplicate has four bits changed."""
    original = int(like(np.asarray(n)))
    bits = bytearray(sha512(b"%d" % original).digest())
    if original != n:
        bits[n % 64] ^= 0xF
    return bytes(bits)


def duration_of(n: Numbers) -> npt.NDArray[np.float32]:
    """2 to 20 s."""
    return (2 + like(n) * 7_919 % 1801 / 100).astype(np.float32)


def shade_of(n: Numbers) -> Numbers:
    return n * 7_919 % SHADES


def next_shade(shade: Numbers, stage: int) -> Numbers:
    """Each shade becomes another one, and no two the same."""
    return (shade * 37 + stage) % SHADES


def score_of(shade: Numbers) -> npt.NDArray[np.float32]:
    return (shade / SHADES).astype(np.float32)


class First(Stage):
    """Stands for intake: tells the clip, and what finds near duplicates. There are no files."""

    version = 1
    reads_source = False
    writes = schema(
        "first",
        clip=string(),
        content_sha256=string(),
        signature=binary(),
        duration_s=float32(),
        shade=int32(),
        score=float32(),
    )

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        for clip in clips:
            n = np.asarray(int(clip.uri[-13:-4]))
            if is_broken(n):
                yield Failure(clip.key, "unreadable", f"{clip.uri} is no video")
                continue
            own = clip_of(n)
            shade = shade_of(own)
            key = key_of(int(own))
            values = {"clip": key, "content_sha256": key, "signature": signature_of(int(own))}
            told = {"duration_s": duration_of(own), "shade": int(shade), "score": score_of(shade)}
            yield Row(clip.key, values | told)


def _writes(name: str) -> Schema:
    return schema(name, shade=int32(), score=float32(), scores=list_(float32()))


class _Later(Stage):
    """Computes its shade from the one of the stage before."""

    reads_source = False
    number: ClassVar[int]

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        (before, *_) = (needed.writes.name for needed in self.needs)
        for clip in clips:
            shade = next_shade(np.asarray(clip.upstream[before]["shade"], np.int64), self.number)
            yield Row(clip.key, {"shade": int(shade), "score": score_of(shade), "scores": [score_of(shade)] * 12})


class Second(_Later):
    version, number = 1, 1
    needs: ClassVar = {First: ("shade",)}
    writes = _writes("second")


class Third(_Later):
    version, number = 1, 2
    needs: ClassVar = {Second: ("shade", "score")}
    writes = _writes("third")


class Fourth(_Later):
    version, number = 1, 3
    needs: ClassVar = {Third: ("shade",)}
    writes = _writes("fourth")


class Fifth(_Later):
    version, number = 1, 4
    needs: ClassVar = {Fourth: ("shade",), First: ("score",)}
    writes = _writes("fifth")


class Sixth(_Later):
    version, number = 1, 5
    needs: ClassVar = {Fifth: ("shade", "score")}
    writes = _writes("sixth")


class Seventh(_Later):
    version, number = 1, 6
    needs: ClassVar = {Sixth: ("shade",)}
    writes = _writes("seventh")


class Eighth(_Later):
    version, number = 1, 7
    needs: ClassVar = {Seventh: ("shade",)}
    writes = _writes("eighth")


IMAGES_A_CLIP = 10
_REQUEST = struct([field("name", string(), nullable=False), field("shade", int32(), nullable=False)])


def request_of(shade: int, number: int) -> dict[str, object]:
    return {"name": f"face-made-{number:02d}", "shade": (shade + number) % SHADES}


def picture_of(shade: int) -> bytes:
    return webp(f"shade {shade}")


class Asks(Stage):
    version = 1
    reads_source = False
    requests = Requests("wanted", "made")
    needs: ClassVar = {Eighth: ("shade",)}
    writes = schema("asks", wanted=list_(_REQUEST))

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        for clip in clips:
            shade = clip.upstream["eighth"]["shade"]
            yield Row(clip.key, {"wanted": [request_of(shade, number) for number in range(IMAGES_A_CLIP)]})


class Makes(Stage[Image]):
    version = 1
    reads_source = False
    of = "requests"
    writes = schema("makes", sha256=string())

    def measure(self, images: Sequence[Image]) -> Iterable[Row | Failure]:
        for image in images:
            picture = picture_of(image.request["shade"])
            yield Row(image.key, {"sha256": sha256(picture).hexdigest()}, {"webp": picture})


class Looks(Stage[Image]):
    version = 1
    of = "images"
    reads_source = False
    writes = schema("looks", brightness=int32())

    def measure(self, images: Sequence[Image]) -> Iterable[Row | Failure]:
        for image in images:
            yield Row(image.key, {"brightness": int(text_of(image.files["webp"]).split()[1])})


STAGES: tuple[type[Stage], ...] = (First, Second, Third, Fourth, Fifth, Sixth, Seventh, Eighth)
RULE = 0.02


def pipeline(stages: int = len(STAGES), run: str = "{}", with_images: bool = False) -> str:
    """YAML with the first so many stages; with all of them those of images, too."""
    used = STAGES[:stages]
    listed = "".join(f"  - stage: {__name__}:{stage.__name__}\n    run: {run}\n" for stage in used)
    rules = "".join(f"  {stage.writes.name}:\n    score: {{at_least: {RULE}}}\n" for stage in used)
    subsets = "subsets: {A: {references: makes}}\n" if with_images else ""
    for stage in (Asks, Makes, Looks) if with_images else ():
        listed += f"  - stage: {__name__}:{stage.__name__}\n    run: {run}\n"
    return (
        f"name: long-chain\nprofile: bench\nstages:\n{listed}duplicates: {{at_most: 0.15}}\npolicy:\n{rules}{subsets}"
    )
