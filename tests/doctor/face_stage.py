"""A stage whose backend has weights."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from pyarrow import int32

from actor18m.models.roles import FaceDetector
from actor18m.stage import Clip, Failure, Row, Stage, schema


class FaceCount(Stage):
    version = 1
    roles: ClassVar = {"faces": FaceDetector}
    writes = schema("face_count", faces=int32())

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        return [Row(clip.key, {"faces": None}) for clip in clips]


PIPELINE = """
name: count
profile: {profile}
stages: [{{stage: 'tests.doctor.face_stage:FaceCount', roles: {{faces: centerface}}}}]
"""
