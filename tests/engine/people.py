"""A stage that knows people by what their films say: `face 0.1 0.2` is where a face lies, `nobody` has none."""

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


PIPELINE = (
    STEADY.replace("tests.engine.steady:Look", "tests.engine.people:Recognise")
    .replace('    roles: {meter: "tests.engine.steady:Steady"}\n', "")
    .replace("  - stage: tests.engine.steady:Deep\n", "")
    .partition("  look:")[0]
    .replace("duplicates: {at_most: 0.1}", "duplicates: null")
    + "identities: {stage: recognise, within: 0.1}\n"
)
