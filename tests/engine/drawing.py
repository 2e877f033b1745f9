"""Stages with files beside their rows: one draws what a film says, another one looks at the drawings."""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import ClassVar

from pyarrow import field, int32, list_, string, struct

from actor18m.stage import Clip, Failure, Parameters, Row, Stage, schema
from tests.engine.steady import PIPELINE as STEADY
from tests.engine.steady import Read, counted


class DrawParameters(Parameters):
    ink: str = "black"


_PICTURE = struct(
    [
        field("name", string(), nullable=False),
        field("sha256", string(), nullable=False),
        field("mask_sha256", string(), nullable=False),
        field("letters", int32(), nullable=False),
        field("vowels", int32()),
    ]
)


class Draw(Stage):
    """A picture of each word, and a secret."""

    version = 1
    needs: ClassVar = {Read: ("text",)}
    writes = schema("draw", references=list_(_PICTURE))
    parameters = DrawParameters()

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        for clip in clips:
            counted("draw", clip.key)
            words = clip.upstream["read"]["text"].split()
            images: dict[str, bytes] = {}
            told = []
            for number, word in enumerate(words):
                picture, mask = f"{word} in {self.parameters.ink}".encode(), b"mask of " + word.encode()
                images |= {f"{number}.webp": picture, f"{number}.mask.png": mask}
                digests = {"sha256": sha256(picture).hexdigest(), "mask_sha256": sha256(mask).hexdigest()}
                told.append({"name": str(number), **digests, "letters": len(word), "vowels": None})
            yield Row(clip.key, {"references": told}, images, {"secret": sha256(words[-1].encode()).digest()})


class DescribeParameters(Parameters):
    times: int = 1


class Describe(Stage):
    version = 1
    needs: ClassVar = {Draw: ("references",)}
    needs_images: ClassVar = (Draw,)
    parameters = DescribeParameters()
    writes = schema("describe", labels=list_(struct([("name", string()), ("seen", string()), ("times", int32())])))

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        for clip in clips:
            counted("describe", clip.key)
            names = [each["name"] for each in clip.upstream["draw"]["references"]]
            seen = {name: clip.images["draw"][f"{name}.webp"].decode() for name in names}
            told = [{"name": name, "seen": seen[name], "times": self.parameters.times} for name in names]
            yield Row(clip.key, {"labels": told})


PIPELINE = (
    STEADY.replace("tests.engine.steady:Look", "tests.engine.drawing:Draw")
    .replace('    roles: {meter: "tests.engine.steady:Steady"}\n', "")
    .replace("tests.engine.steady:Deep", "tests.engine.drawing:Describe")
    .partition("  look:")[0]
    + "subsets:\n  A: {references: draw, labels: describe}\n"
)
