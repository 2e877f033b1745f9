"""Which pictures of a clip are worth keeping: faces and bodies spread over viewpoints and time, and three anchors.

Nothing is looked at: all is told by the rows of other stages. Each choice is a request for an image, with all that who
cuts it has to know, so that another choice re-makes only the crops that it concerns.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from math import cos, radians
from typing import Any, ClassVar

from pyarrow import binary, bool_, field, float32, int32, list_, string, struct
from pydantic import NonNegativeFloat, NonNegativeInt, PositiveFloat

from actor18m.media.views import angle_between
from actor18m.stage import Clip, Failure, Requests, Row, Stage, schema
from stages.looks.clear import NEEDS, ClearParameters, clear_bodies, clear_faces, masks_of
from stages.looks.spread import Picture, SpreadParameters, spread
from stages.told import SIDES, rounded

REFERENCE = (
    field("name", string(), nullable=False),
    field("region", string(), nullable=False),
    field("sample", int32(), nullable=False),
    field("time_s", float32(), nullable=False),
    field("viewpoint", string(), nullable=False),
    field("yaw_deg", float32(), nullable=False),
    field("pitch_deg", float32()),
    field("roll_deg", float32()),
    field("visibility", float32(), nullable=False),
    field("quality", float32(), nullable=False),
    field("expression", string()),
    field("others_share", float32(), nullable=False),
    *(field(side, int32(), nullable=False) for side in SIDES),
    field("is_clearest", bool_(), nullable=False),
    field("anchor", string(), nullable=False),
    field("mask", binary(), nullable=False),
)
"""One picture to be cut. `sample` counts motion's frame times from 0; the box is what is cut, its end exclusive;
`quality` is what it was chosen by, 0 to 1; `anchor` is the canonical view that it stands for, or empty; `mask` is the
person's in the whole frame, as run lengths."""
_ANCHOR = struct(
    [("view", string()), ("sample", int32()), ("time_s", float32()), ("yaw_deg", float32()), ("score", float32())]
)
_CANONICAL = {"front": (0.0,), "side": (90.0, -90.0), "back": (180.0,)}


class SelectParameters(SpreadParameters, ClearParameters):
    """How many pictures, how clear they must be, and how far apart."""

    max_faces: NonNegativeInt = 5
    max_bodies: NonNegativeInt = 5
    anchor_within_deg: PositiveFloat = 25.0
    """Of the canonical views. A clip that shows the whole body in all three is golden."""
    anchor_in_frame: NonNegativeFloat = 0.9
    """Share of the 17 points: at most one may lie beyond the frame's edge."""
    anchor_shown: NonNegativeFloat = 0.6
    """How much of shoulders, elbows, wrists, hips, knees and ankles is seen, each by its better side: what a body hides
    of itself when it turns is no loss."""
    anchor_gap_s: NonNegativeFloat = 0.375
    """Anchors lie at least so far apart."""


class Select(Stage):
    version = 4
    reads_source = False
    requests = Requests("references", "self", private=("mask",))
    needs: ClassVar[Mapping[type[Stage], Sequence[str]]] = NEEDS
    writes = schema(
        "select",
        references=list_(struct(list(REFERENCE))),
        faces=int32(),
        bodies=int32(),
        anchors=list_(_ANCHOR),
        is_golden=bool_(),
    )
    """`faces` and `bodies` are how many references there are of each; `anchors` the best picture of each canonical view
    in which the whole body was seen clearly; golden is a clip that has all three."""
    parameters = SelectParameters()

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        for clip in clips:
            yield Row(clip.key, self._chosen(clip))

    def _chosen(self, clip: Clip) -> Mapping[str, object]:
        of = self.parameters
        faces, bodies = clear_faces(clip, of), clear_bodies(clip, of)
        anchors = self._anchors(bodies)
        chosen_faces = spread(faces, [], of.max_faces, of)
        chosen_bodies = spread(bodies, list(anchors.values()), of.max_bodies, of)
        masks = masks_of(clip)
        references = [
            *_references("face", chosen_faces, {}, masks),
            *_references("body", chosen_bodies, {id(body): view for view, body in anchors.items()}, masks),
        ]
        return {
            "references": references,
            "faces": len(chosen_faces),
            "bodies": len(chosen_bodies),
            "anchors": [_told_anchor(view, anchors[view]) for view in _CANONICAL if view in anchors],
            "is_golden": len(anchors) == len(_CANONICAL),
        }

    def _anchors(self, bodies: Sequence[Picture]) -> dict[str, Picture]:
        """By view, in the order in which they are hardest to have: the one that lies at a peak of its visibility. A
        view that is held is surer than one that is told once."""
        of, anchors = self.parameters, dict[str, Picture]()
        for view in reversed(_CANONICAL):
            near = [self._closeness(view, body) for body in bodies]
            seen = [each for each in zip(_smooth(near, bodies), near, bodies, strict=True) if each[1] > 0]
            for _, _, body in sorted(seen, key=lambda each: (-each[0] * each[2].quality, each[2].time_s)):
                if all(abs(body.time_s - other.time_s) >= of.anchor_gap_s for other in anchors.values()):
                    anchors[view] = body
                    break
        return anchors

    def _closeness(self, view: str, body: Picture) -> float:
        """1 at the view and less with the distance from it; 0 too far away, and where not all is seen."""
        of = self.parameters
        off = min(angle_between(body.yaw_deg, canonical) for canonical in _CANONICAL[view])
        is_whole = body.shown >= of.anchor_shown and body.in_frame >= of.anchor_in_frame
        return max(0.0, 1 - off / of.anchor_within_deg) if is_whole else 0.0


def _references(
    region: str, chosen: Sequence[Picture], anchors: Mapping[int, str], masks: Mapping[int, bytes]
) -> list[dict[str, Any]]:
    clearest = max(chosen, key=_clearness, default=None)
    return [
        {
            "name": f"{region}-self-{number:02d}",
            "region": region,
            "time_s": rounded(picture.time_s),
            "yaw_deg": picture.yaw_deg,
            "quality": rounded(picture.quality),
            "is_clearest": picture is clearest,
            "anchor": anchors.get(id(picture), ""),
            "mask": masks[picture.told["sample"]],
            **picture.told,
        }
        for number, picture in enumerate(chosen, start=1)
    ]


def _clearness(picture: Picture) -> float:
    """From the front one sees most of a person."""
    return picture.quality * (1.5 + cos(radians(picture.yaw_deg)) / 2)


def _told_anchor(view: str, body: Picture) -> dict[str, Any]:
    when = {"sample": body.told["sample"], "time_s": rounded(body.time_s)}
    return {"view": view, **when, "yaw_deg": body.yaw_deg, "score": rounded(body.quality)}


def _smooth(scores: Sequence[float], bodies: Sequence[Picture]) -> list[float]:
    """Each with its neighbours in time, so that a peak is no single slip."""
    steps = [after.time_s - before.time_s for before, after in pairwise(bodies)]
    step = min(steps, default=0.0)

    def beside(at: int, by: int) -> float:
        near = 0 <= at + by < len(bodies) and abs(bodies[at + by].time_s - bodies[at].time_s) < 1.5 * step
        return scores[at + by] if near else 0.0

    return [(beside(at, -1) + 2 * score + beside(at, 1)) / 4 for at, score in enumerate(scores)]
