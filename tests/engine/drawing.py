"""Stages with files beside their rows: one draws what a film says, another one looks at the drawings."""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import ClassVar

from pyarrow import int32, list_, string, struct

from actor18m.stage import Clip, Failure, Parameters, Row, Stage, schema
from tests.engine.steady import PIPELINE as STEADY
from tests.engine.steady import Read, counted


class DrawParameters(Parameters):
    ink: str = "black"


class Draw(Stage):
    """A picture of each word, and a secret."""

    version = 1
    needs: ClassVar = {Read: ("text",)}
    writes = schema("draw", pictures=list_(struct([("name", string()), ("sha256", string())])))
    parameters = DrawParameters()

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        for clip in clips:
            counted("draw", clip.key)
            words = clip.upstream["read"]["text"].split()
            images = {f"{n}.txt": f"{word} in {self.parameters.ink}".encode() for n, word in enumerate(words)}
            told = [{"name": name, "sha256": sha256(content).hexdigest()} for name, content in images.items()]
            yield Row(clip.key, {"pictures": told}, images, {"secret": sha256(words[-1].encode()).digest()})


class DescribeParameters(Parameters):
    times: int = 1


class Describe(Stage):
    version = 1
    needs: ClassVar = {Draw: ("pictures",)}
    needs_images: ClassVar = (Draw,)
    parameters = DescribeParameters()
    writes = schema("describe", seen=list_(string()), letters=int32())

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        for clip in clips:
            counted("describe", clip.key)
            seen = [clip.images["draw"][each["name"]].decode() for each in clip.upstream["draw"]["pictures"]]
            yield Row(clip.key, {"seen": seen, "letters": self.parameters.times * sum(map(len, seen))})


PIPELINE = (
    STEADY.replace("tests.engine.steady:Look", "tests.engine.drawing:Draw")
    .replace('    roles: {meter: "tests.engine.steady:Steady"}\n', "")
    .replace("tests.engine.steady:Deep", "tests.engine.drawing:Describe")
    .partition("  look:")[0]
)
