"""Asks for a sheet of each golden clip: the person from the front, from the side and from behind, side by side.

Nothing is looked at: select has found the three pictures at the peaks of their visibility, and a request carries all
that who makes the sheet has to know of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from pyarrow import binary, bool_, field, float32, int32, list_, string, struct

from actor18m.stage import Clip, Failure, Requests, Row, Stage, schema
from stages.bodies import Bodies
from stages.pose import Pose
from stages.select import Select
from stages.told import SIDES

VIEWS = ("front", "side", "back")
"""In the order of the sheet's panels, from left to right."""

ANCHOR = struct(
    [
        field("view", string(), nullable=False),
        field("image", string(), nullable=False),
        field("sample", int32(), nullable=False),
        field("time_s", float32(), nullable=False),
        field("yaw_deg", float32(), nullable=False),
        *(field(side, int32(), nullable=False) for side in SIDES),
        field("is_cut_off", bool_(), nullable=False),
    ]
)
"""One of the three pictures. `image` is the name of the crop that select asks for of it, or empty where it asks for
none; `sample` counts motion's frame times from 0; the box is the body's in the frame, its end exclusive; `is_cut_off`
says that the body goes on beyond an edge of the frame."""
SHEET = struct(
    [
        field("name", string(), nullable=False),
        field("source_image", string(), nullable=False),
        field("region", string(), nullable=False),
        field("anchors", list_(ANCHOR), nullable=False),
        field("masks", list_(binary()), nullable=False),
        field("points", list_(list_(float32())), nullable=False),
        field("visibility", list_(list_(float32())), nullable=False),
    ]
)
"""`source_image` is the front anchor's crop, which a judge compares with the sheet. `anchors` are in the order of
VIEWS, and so are, for who makes the sheet alone: run lengths of the person's mask in the whole frame; x, y of the 17
body points in the frame; and how likely each of these is to be seen."""


class Sheets(Stage):
    version = 1
    reads_source = False
    requests = Requests("wanted", "three", private=("masks", "points", "visibility"), made_from=("self",))
    needs: ClassVar[Mapping[type[Stage[Any]], Sequence[str]]] = {
        Bodies: ("bodies", "masks"),
        Pose: ("poses",),
        Select: ("references", "anchors", "is_golden"),
    }
    writes = schema("sheets", wanted=list_(SHEET))

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        for clip in clips:
            is_golden = clip.upstream["select"]["is_golden"]
            yield Row(clip.key, {"wanted": [_sheet(clip)] if is_golden else []})


def _sheet(clip: Clip) -> dict[str, Any]:
    rows = clip.upstream
    anchors = {anchor["view"]: anchor for anchor in rows["select"]["anchors"]}
    crops = {crop["anchor"]: crop["name"] for crop in rows["select"]["references"] if crop["anchor"]}
    masked = zip(rows["bodies"]["bodies"], rows["bodies"]["masks"], strict=True)
    bodies = {body["sample"]: (body, mask) for body, mask in masked}
    poses = {pose["sample"]: pose for pose in rows["pose"]["poses"]}
    samples = [anchors[view]["sample"] for view in VIEWS]
    return {
        "name": "sheet-three-01",
        "source_image": crops.get(VIEWS[0], ""),
        "region": "sheet",
        "anchors": [
            {
                "view": view,
                "image": crops.get(view, ""),
                **{name: anchors[view][name] for name in ("sample", "time_s", "yaw_deg")},
                **{side: bodies[sample][0][side] for side in SIDES},
                "is_cut_off": any(bodies[sample][0][f"cut_{edge}"] for edge in ("left", "top", "right", "bottom")),
            }
            for view, sample in zip(VIEWS, samples, strict=True)
        ],
        "masks": [bodies[sample][1] for sample in samples],
        "points": [poses[sample]["points"] for sample in samples],
        "visibility": [poses[sample]["visibility"] for sample in samples],
    }
