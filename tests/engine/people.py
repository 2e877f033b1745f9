"""Stages that know people by what their films say: `face 0.1 0.2` is where a face lies, `nobody` has none, and each
`other` is one more person."""

import struct
from collections.abc import Iterable, Sequence
from typing import ClassVar

from pyarrow import int32

from actor18m.stage import Clip, Failure, Row, Stage, schema
from tests.engine.steady import PIPELINE as STEADY
from tests.engine.steady import Read, counted


class Recognise(Stage):
    version = 1
    needs: ClassVar = {Read: ("text",)}
    writes = schema("recognise", faces=int32())

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        for clip in clips:
            counted("recognise", clip.key)
            words = clip.upstream["read"]["text"].split()
            at = words.index("face") + 1 if "face" in words else None
            template = b"" if at is None else struct.pack("<2f", *map(float, words[at : at + 2]))
            yield Row(clip.key, {"faces": int(at is not None)}, restricted={"template": template} if template else {})


class Watch(Stage):
    version = 1
    needs: ClassVar = {Read: ("text",)}
    writes = schema("watch", others=int32())

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        for clip in clips:
            counted("watch", clip.key)
            yield Row(clip.key, {"others": clip.upstream["read"]["text"].split().count("other")})


PIPELINE = (
    STEADY.replace("tests.engine.steady:Look", "tests.engine.people:Recognise")
    .replace('    roles: {meter: "tests.engine.steady:Steady"}\n', "  - stage: tests.engine.people:Watch\n")
    .replace("  - stage: tests.engine.steady:Deep\n", "")
    .partition("  look:")[0]
    .replace("duplicates: {at_most: 0.1}", "duplicates: null")
    + "  watch:\n    others: {at_most: 0}\n"
    + "identities: {stage: recognise, after: watch, within: 0.1}\n"
)
