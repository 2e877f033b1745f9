"""Stages of a user that are broken, each in its way: what the film's words say happens."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from pyarrow import float32

from actor18m.stage import Clip, Failure, Row, Stage, schema
from tests.engine.steady import Read

MENDED = False
"""Set by a test: the bug is gone."""


class Buggy(Stage):
    """Has a misspelt name, which each clip meets; those that say `fine` do not."""

    version = 1
    needs: ClassVar = {Read: ("text", "words")}
    writes = schema("buggy", length=float32())

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        for clip in clips:
            text = clip.upstream["read"]["text"]
            if "far" in text:
                raise ConnectionError("the model's server is not there")
            if not MENDED and "fine" not in text:
                text = text + lenght  # type: ignore[name-defined]  # noqa: F821
            yield Row(clip.key, {"length": float(len(text))})
