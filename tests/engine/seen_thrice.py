"""Three stages that look at the same film, one after the other, as stages of a pipeline do."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from pyarrow import int32

from actor18m.media.video import frames
from actor18m.stage import Clip, Failure, Row, Stage, schema
from stages.intake import Intake

FPS = 8

PIPELINE = """\
name: thrice
profile: test
stages:
  - {stage: "stages.intake:Intake", run: {deadline_s: 600}}
  - {stage: "tests.engine.seen_thrice:Once", run: {deadline_s: 600}}
  - {stage: "tests.engine.seen_thrice:Twice", run: {deadline_s: 600}}
  - {stage: "tests.engine.seen_thrice:Thrice", run: {deadline_s: 600}}
policy:
  intake:
    seconds: {value: duration_s, at_least: 0.1}
"""


def _rows(clips: Sequence[Clip]) -> Iterable[Row | Failure]:
    return [Row(clip.key, {"pictures": sum(1 for _ in frames(clip.uri, fps=FPS))}) for clip in clips]


class Once(Stage):
    version = 1
    needs: ClassVar[Mapping[type[Stage[Any]], Sequence[str]]] = {Intake: ()}
    writes = schema("once", pictures=int32())

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        return _rows(clips)


class Twice(Once):
    needs: ClassVar[Mapping[type[Stage[Any]], Sequence[str]]] = {Once: ("pictures",)}
    writes = schema("twice", pictures=int32())


class Thrice(Once):
    needs: ClassVar[Mapping[type[Stage[Any]], Sequence[str]]] = {Twice: ("pictures",)}
    writes = schema("thrice", pictures=int32())
