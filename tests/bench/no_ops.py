"""Three stages that do nothing."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from pyarrow import binary, float32, int32, string

from actor18m.stage import Clip, Row, Stage, schema

STAGES = 3


class One(Stage):
    version = 1
    reads_source = False
    writes = schema(
        "one", clip=string(), content_sha256=string(), signature=binary(), duration_s=float32(), value=int32()
    )

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row]:
        for clip in clips:
            yield Row(
                clip.key,
                {"clip": clip.key, "content_sha256": clip.key, "signature": None, "duration_s": None, "value": 1},
            )


class Two(Stage):
    version = 1
    reads_source = False
    needs: ClassVar = {One: ("value",)}
    writes = schema("two", value=int32())

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row]:
        for clip in clips:
            yield Row(clip.key, {"value": clip.upstream["one"]["value"]})


class Three(Stage):
    version = 1
    reads_source = False
    needs: ClassVar = {Two: ("value",)}
    writes = schema("three", value=int32())

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row]:
        for clip in clips:
            yield Row(clip.key, {"value": clip.upstream["two"]["value"]})


def pipeline(clips_per_call: int, workers: int) -> str:
    run = f"{{clips_per_call: {clips_per_call}, workers: {workers}}}"
    stages = "".join(f"  - {{stage: '{__name__}:{each.__name__}', run: {run}}}\n" for each in (One, Two, Three))
    policy = "  three: {is_there: {value: value, at_least: 1}}\n"
    return f"name: nothing\nprofile: bench\nstages:\n{stages}policy:\n{policy}"
