"""Pose: the subject's body points, and where body and head face, eight times a second."""

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, ClassVar

from pyarrow import float32, int32, list_, struct
from pydantic import NonNegativeInt, PositiveFloat

from actor18m.media.chunks import chunks
from actor18m.media.video import frames
from actor18m.media.views import circular_median
from actor18m.models.roles import FaceDetector, PoseEstimator
from actor18m.stage import Clip, Failure, ReadingParameters, Row, Stage, schema
from stages.looks.pose import Posture, PostureParameters, postures_of
from stages.motion import Motion
from stages.told import box_of, one_by_one, rounded

_POSE = struct(
    [
        ("sample", int32()),
        ("points", list_(float32())),
        ("visibility", list_(float32())),
        *((name, float32()) for name in ("score", "body_yaw_deg", "single_body_yaw_deg", "head_yaw_deg", "face_score")),
    ]
)
"""One body. `sample` counts motion's frame times from 0; `points` are x, y of COCO's 17, in pixels, outside the frame
too; `visibility` is 0 there, and where the body hides its own; `score` is its mean. `single_body_yaw_deg` is of this
sample alone, `body_yaw_deg` the median about it; null where it cannot be told. `face_score` is of the face found at the
head, 0 where there is none."""


class PoseParameters(PostureParameters, ReadingParameters):
    fps: PositiveFloat = 8.0
    """Motion's."""
    median_of: NonNegativeInt = 2
    """Samples on either side whose body yaw counts for the median."""


class Pose(Stage):
    version = 1
    needs: ClassVar[Mapping[type[Stage], Sequence[str]]] = {Motion: ("frame_times", "subject")}
    roles: ClassVar = {"pose": PoseEstimator, "faces": FaceDetector}
    writes = schema("pose", poses=list_(_POSE))
    parameters = PoseParameters()

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        return one_by_one(clips, lambda clip: Row(clip.key, {"poses": self._poses(clip)}))

    def _poses(self, clip: Clip) -> list[dict[str, Any]]:
        postures: dict[int, Posture] = {}
        decoded = frames(clip.uri, clip.cut, clip.crop, self.parameters.fps, reader=self.parameters.reader)
        subjects = clip.upstream["motion"]["subject"]
        shown = (
            (sample, frame, box_of(subject))
            for sample, ((_, frame), subject) in enumerate(zip(decoded, subjects, strict=True))
            if subject is not None
        )
        poses, faces = self.backends["pose"], self.backends["faces"]
        for chunk in chunks(shown, itemgetter(1)):
            found = postures_of([f for _, f, _ in chunk], [box for *_, box in chunk], poses, faces, self.parameters)
            postures |= {sample: each for (sample, *_), each in zip(chunk, found, strict=True) if each is not None}
        return [_told(sample, posture, self._median(postures, sample)) for sample, posture in postures.items()]

    def _median(self, postures: Mapping[int, Posture], sample: int) -> float | None:
        """Against single flips. None where most of the neighbours that are there cannot tell."""
        reach = self.parameters.median_of
        about = [postures[i].body_yaw_deg for i in range(sample - reach, sample + reach + 1) if i in postures]
        known = [yaw for yaw in about if yaw is not None]
        return circular_median(known) if 2 * len(known) > len(about) else None


def _told(sample: int, posture: Posture, median: float | None) -> dict[str, Any]:
    return {
        "sample": sample,
        "points": [round(value, 1) for value in posture.points.ravel().tolist()],
        "visibility": [rounded(value) for value in posture.visibility.tolist()],
        "score": rounded(posture.score),
        "body_yaw_deg": rounded(median),
        "single_body_yaw_deg": rounded(posture.body_yaw_deg),
        "head_yaw_deg": rounded(posture.head_yaw_deg),
        "face_score": rounded(posture.face_score),
    }
