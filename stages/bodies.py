"""Bodies: which pixels are the subject, eight times a second, and what the masks tell."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import tee
from operator import itemgetter
from typing import Any, ClassVar

from pyarrow import binary, bool_, float32, int32, list_, struct
from pydantic import NonNegativeFloat, PositiveFloat

from actor18m.arrays import Bools, Frame
from actor18m.media.boxes import overlap
from actor18m.media.chunks import chunks
from actor18m.media.run_lengths import to_run_lengths
from actor18m.media.video import frames
from actor18m.models.roles import Person, PersonDetector, PersonSegmenter
from actor18m.stage import Clip, Failure, ReadingParameters, Row, Stage, schema
from stages.looks.body import Body, body_of, near, others_share, sharpness_of
from stages.motion import Motion
from stages.told import SIDES, box_of, one_by_one, rounded, rounded_fields

_BODY = struct(
    [
        ("sample", int32()),
        *((side, int32()) for side in SIDES),
        *((name, float32()) for name in ("area_share", "coverage")),
        *((name, bool_()) for name in ("cut_left", "cut_top", "cut_right", "cut_bottom")),
        ("others_share", float32()),
        ("sharpness", float32()),
    ]
)
"""One mask. `sample` counts motion's frame times from 0; the box is tight, its end exclusive; `area_share` is of the
frame, `coverage` of the box; `cut_left` says that the body goes on beyond the left edge of the frame; `others_share` is
what other people take of the box with a margin; `sharpness` is the variance of the Laplacian inside the mask, at one
size for all bodies."""


class BodiesParameters(ReadingParameters):
    fps: PositiveFloat = 8.0
    """Motion's."""
    at_edge: NonNegativeFloat = 0.05
    """A body is cut off where at least this share of its box's shorter side touches the edge of the frame."""
    margin: NonNegativeFloat = 0.1
    """Other people count up to this far from the body's box, in its longer sides."""
    min_person_score: PositiveFloat = 0.5
    """Motion's."""
    same_overlap: PositiveFloat = 0.4
    """A person whose box overlaps so much with the body's is the subject."""


class Bodies(Stage):
    version = 2
    needs: ClassVar[Mapping[type[Stage], Sequence[str]]] = {Motion: ("frame_times", "subject", "people")}
    roles: ClassVar = {"bodies": PersonSegmenter, "people": PersonDetector}
    writes = schema("bodies", bodies=list_(_BODY), masks=list_(binary()), mask_share=float32())
    """`masks` has COCO's run lengths of the whole frame, one for each of `bodies`. `mask_share` is the share of all
    samples that have one."""
    parameters = BodiesParameters()

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        return one_by_one(clips, lambda clip: Row(clip.key, self._measured(clip)))

    def _measured(self, clip: Clip) -> Mapping[str, object]:
        motion = clip.upstream["motion"]
        read = frames(clip.uri, clip.cut, clip.crop, self.parameters.fps, reader=self.parameters.reader)
        decoded = (frame for _, frame in read)
        boxes = [None if subject is None else box_of(subject) for subject in motion["subject"]]
        shown, asked = tee(zip(decoded, boxes, strict=True))
        bodies: list[dict[str, Any]] = []
        masks: list[bytes] = []
        found = self.backends["bodies"].masks(asked)
        seen = (
            (sample, frame, mask, body)
            for sample, ((frame, _), mask) in enumerate(zip(shown, found, strict=True))
            if mask is not None and (body := body_of(mask, self.parameters.at_edge)) is not None
        )
        for chunk in chunks(seen, itemgetter(1)):
            in_company = [(frame, body) for sample, frame, _, body in chunk if motion["people"][sample] > 1]
            beside = iter(self._others(in_company))
            for sample, frame, mask, body in chunk:
                others = next(beside) if motion["people"][sample] > 1 else []
                share = rounded(others_share(mask, body.box, self.parameters.margin, others))
                sharpness = rounded(sharpness_of(frame, mask, body.box))
                bodies.append({"sample": sample, **_told(body), "others_share": share, "sharpness": sharpness})
                masks.append(to_run_lengths(mask))
        return {"bodies": bodies, "masks": masks, "mask_share": rounded(len(bodies) / len(boxes))}

    def _others(self, shown: Sequence[tuple[Frame, Body]]) -> list[list[Bools]]:
        """Of each frame, masks of the people beside the subject whose boxes reach into the crop."""
        people = self.backends["people"].people([frame for frame, _ in shown])
        return [
            [mask for person in around if self._is_beside(person, body) for mask in self._masks(frame, person)]
            for (frame, body), around in zip(shown, people, strict=True)
        ]

    def _is_beside(self, person: Person, body: Body) -> bool:
        of = self.parameters
        is_subject = overlap(person.box, body.box) >= of.same_overlap
        return person.score >= of.min_person_score and not is_subject and near(body.box, of.margin, person.box)

    def _masks(self, frame: Frame, person: Person) -> list[Bools]:
        """In one frame, which is a film of its own: who stands beside the subject there may be another in the next."""
        return [mask for mask in self.backends["bodies"].masks([(frame, person.box)]) if mask is not None]


def _told(body: Body) -> dict[str, Any]:
    told = asdict(body)
    return dict(zip(SIDES, told.pop("box"), strict=True)) | rounded_fields(told)
