"""The stages of drawing.py, with another version each: one word is asked for otherwise, and pictures stay the same."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from pyarrow import int32, string

from actor18m.stage import Clip, Failure, Image, Row, schema
from tests.engine import drawing


class Ask(drawing.Ask):
    version = 2

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        for row in super().measure(clips):
            assert isinstance(row, Row)
            words = row.values["words"]
            assert isinstance(words, list)
            told = [each | {"word": "peaches"} if each["word"] == "pears" else each for each in words]
            yield replace(row, values={"words": told})


class Draw(drawing.Draw):
    version = 3


class Describe(drawing.Describe):
    """Tells of one thing more."""

    version = 2
    writes = schema("describe", seen=string(), times=int32(), length=int32())

    def measure(self, images: Sequence[Image]) -> Iterable[Row | Failure]:
        for row in super().measure(images):
            assert isinstance(row, Row)
            yield replace(row, values={**row.values, "length": len(str(row.values["seen"]))})
