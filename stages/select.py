"""Which pictures of a clip are worth keeping: faces and bodies spread over viewpoints and time, and three anchors.

Nothing is looked at: all is told by the rows of other stages. Each choice is a request for an image, with all that who
cuts it has to know, so that another choice re-makes only the crops that it concerns.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from math import cos, radians
from statistics import fmean
from typing import Any, ClassVar

import numpy as np
from pyarrow import binary, bool_, field, float32, int32, list_, string, struct
from pydantic import NonNegativeFloat, NonNegativeInt, PositiveFloat

from actor18m.media.boxes import square, with_margin
from actor18m.media.views import angle_between, body_view, face_view
from actor18m.models.roles import KEYPOINTS
from actor18m.stage import Clip, Failure, Requests, Row, Stage, schema
from stages.bodies import Bodies
from stages.faces import Faces
from stages.intake import Intake
from stages.looks.extent import own_points, with_points
from stages.looks.spread import Picture, SpreadParameters, spread
from stages.motion import Motion
from stages.pose import Pose
from stages.told import SIDES, box_of, rounded

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
_TRUNK = "shoulder", "elbow", "hip"
_BODY = *_TRUNK, "wrist", "knee", "ankle"
_SOME_SHARPNESS, _SHARP, _USUAL = 1e-6, 0.75, 0.5
"""Faces are compared with a sharp one of those alike, of which a quarter is sharper. Bodies with a usual one: clothes
move, and of who turns, a view that fits is worth more."""


class SelectParameters(SpreadParameters):
    """How many pictures, how clear they must be, and how far apart."""

    max_faces: NonNegativeInt = 5
    max_bodies: NonNegativeInt = 5
    min_face_px: PositiveFloat = 48.0
    """The shorter side of a face's box."""
    min_face_visibility: NonNegativeFloat = 0.5
    half_face_px: PositiveFloat = 64.0
    """Where a face is half as good as a large one; likewise for bodies, by height, and for the sharpness of faces."""
    half_body_px: PositiveFloat = 160.0
    half_sharpness: PositiveFloat = 40.0
    alike_deg: PositiveFloat = 30.0
    """Pictures whose yaws differ by so much can be compared in sharpness."""
    min_body_px: PositiveFloat = 128.0
    min_trunk: NonNegativeFloat = 0.5
    """How much of shoulders, elbows and hips is seen, each by its better side. Two of them make a body, shoulders alone
    are a face's."""
    max_others_share: NonNegativeFloat = 0.05
    """What others may take of a body's crop."""
    face_margin: NonNegativeFloat = 0.4
    """Around the box, in its longer sides, on each side; faces are cut square."""
    body_margin: NonNegativeFloat = 0.06
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
    needs: ClassVar[Mapping[type[Stage], Sequence[str]]] = {
        Intake: ("width", "height"),
        Motion: ("frame_times",),
        Faces: ("faces",),
        Bodies: ("bodies", "masks"),
        Pose: ("poses",),
    }
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
        faces, bodies = self._faces(clip), self._bodies(clip)
        anchors = self._anchors(bodies)
        chosen_faces = spread(faces, [], of.max_faces, of)
        chosen_bodies = spread(bodies, list(anchors.values()), of.max_bodies, of)
        masks = _masks(clip)
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

    def _faces(self, clip: Clip) -> list[Picture]:
        """Those whose angles are known, in samples where the body is known, too: its mask goes with the crop."""
        of, times, frame = self.parameters, clip.upstream["motion"]["frame_times"], _frame(clip)
        bodies = {body["sample"]: body for body in clip.upstream["bodies"]["bodies"]}
        with_mesh = [face for face in clip.upstream["faces"]["faces"] if face["has_mesh"]]
        found = []
        for face, sharp in zip(with_mesh, self._as_sharp(with_mesh, _SHARP), strict=True):
            body = bodies.get(face["sample"])
            if body is None or face["size_px"] < of.min_face_px:
                continue
            if (face["visibility"] or 0.0) < of.min_face_visibility or body["others_share"] > of.max_others_share:
                continue
            quality = (
                face["score"]
                * face["visibility"]
                * _half_at(face["size_px"], of.half_face_px)
                * _half_at(face["sharpness"], of.half_sharpness)
                * sharp
            )
            told = {
                "sample": face["sample"],
                "viewpoint": face_view(face["yaw_deg"], face["pitch_deg"]),
                **{name: face[name] for name in ("pitch_deg", "roll_deg", "visibility", "expression")},
                "others_share": body["others_share"],
                **square(box_of(face), of.face_margin, *frame),
            }
            found.append(Picture(told, quality, times[face["sample"]], face["yaw_deg"], face["pitch_deg"]))
        return found

    def _bodies(self, clip: Clip) -> list[Picture]:
        of, times, frame = self.parameters, clip.upstream["motion"]["frame_times"], _frame(clip)
        bodies = {body["sample"]: body for body in clip.upstream["bodies"]["bodies"]}
        found = []
        seen = [(pose, bodies[pose["sample"]]) for pose in clip.upstream["pose"]["poses"] if pose["sample"] in bodies]
        facing = [(pose, body) for pose, body in seen if pose["body_yaw_deg"] is not None]
        sharpness = self._as_sharp([body | {"yaw_deg": pose["body_yaw_deg"]} for pose, body in facing], _USUAL)
        for (pose, body), sharp in zip(facing, sharpness, strict=True):
            yaw = pose["body_yaw_deg"]
            height = body["y1"] - body["y0"]
            if height < of.min_body_px or _shown(pose["visibility"], _TRUNK) < of.min_trunk:
                continue
            if body["others_share"] > of.max_others_share:
                continue
            told = {
                "sample": pose["sample"],
                "viewpoint": body_view(yaw),
                **dict.fromkeys(("pitch_deg", "roll_deg", "expression")),
                "visibility": pose["score"],
                "others_share": body["others_share"],
                **with_margin(with_points(box_of(body), pose, *frame), of.body_margin, *frame),
            }
            shown = _shown(pose["visibility"], _BODY)
            quality = shown * _half_at(height, of.half_body_px) * sharp
            is_whole = shown >= of.anchor_shown and _in_frame(pose["points"], *frame) >= of.anchor_in_frame
            points = own_points(pose, height)
            found.append(Picture(told, quality, times[pose["sample"]], yaw, is_whole=is_whole, points=points))
        return found

    def _as_sharp(self, pictures: Sequence[Mapping[str, Any]], rank: float) -> list[float]:
        """How sharp each is beside the one of that rank among those that are seen from the same side: what it shows
        there, and the light, say how sharp it can be, so that only pictures alike tell which of them are blurred."""
        found = []
        for one in pictures:
            alike = [
                other["sharpness"]
                for other in pictures
                if angle_between(one["yaw_deg"], other["yaw_deg"]) <= self.parameters.alike_deg
            ]
            found.append(min(1.0, one["sharpness"] / max(float(np.quantile(alike, rank)), _SOME_SHARPNESS)))
        return found

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
        off = min(angle_between(body.yaw_deg, canonical) for canonical in _CANONICAL[view])
        return max(0.0, 1 - off / self.parameters.anchor_within_deg) if body.is_whole else 0.0


def _masks(clip: Clip) -> dict[int, bytes]:
    """By sample."""
    bodies = clip.upstream["bodies"]
    return {body["sample"]: mask for body, mask in zip(bodies["bodies"], bodies["masks"], strict=True)}


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


def _frame(clip: Clip) -> tuple[int, int]:
    return clip.upstream["intake"]["width"], clip.upstream["intake"]["height"]


def _shown(visibility: Sequence[float], parts: Sequence[str]) -> float:
    """Each by its better side."""
    sides = [(KEYPOINTS.index(f"left_{part}"), KEYPOINTS.index(f"right_{part}")) for part in parts]
    return fmean(max(visibility[left], visibility[right]) for left, right in sides)


def _in_frame(points: Sequence[float], width: int, height: int) -> float:
    """Of x, y, x, y and so on."""
    return fmean(0 <= x < width and 0 <= y < height for x, y in zip(points[::2], points[1::2], strict=True))


def _half_at(value: float, half: float) -> float:
    return value / (value + half)
