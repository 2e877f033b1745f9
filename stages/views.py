"""Which views of the person a clip lacks: six of the clearest face and six of the clearest body, but what these show.

Nothing is looked at: all is told by the rows of other stages. A request carries what any maker has to know: a real
frame of the same clip that shows the view, where there is one, and what a model is told that turns the camera.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import hypot
from typing import Any, ClassVar

from pyarrow import binary, field, float32, int32, list_, string, struct
from pydantic import NonNegativeFloat, PositiveFloat

from actor18m.media.geometry import wrapped_deg
from actor18m.media.views import VIEWS, View, angle_between, view_shown
from actor18m.stage import Clip, Failure, Parameters, Requests, Row, Stage, schema
from stages.looks.clear import NEEDS, ClearParameters, clear_bodies, clear_faces, masks_of
from stages.looks.spread import Picture
from stages.select import Select
from stages.told import SIDES, rounded

WANTED = struct(
    [
        field("name", string(), nullable=False),
        field("source_image", string(), nullable=False),
        field("region", string(), nullable=False),
        field("view", string(), nullable=False),
        field("steps", list_(string()), nullable=False),
        field("sample", int32()),
        field("time_s", float32()),
        field("apart_s", float32()),
        field("apart_deg", float32()),
        field("viewpoint", string()),
        *(field(angle, float32()) for angle in ("yaw_deg", "pitch_deg", "roll_deg")),
        *(field(name, float32()) for name in ("visibility", "quality")),
        field("expression", string()),
        field("others_share", float32()),
        *(field(side, int32()) for side in SIDES),
        field("lacks", string()),
        field("mask", binary()),
    ]
)
"""`view` is one of VIEWS, and `steps` are what a model is told, one hop after the other. The rest is of a real frame
that shows the view, as in select's references, and `apart_s` and `apart_deg` how far it is from the source image;
where there is no such frame it is null, and `lacks` says why. `viewpoint` is never the view that is wanted."""
_OF_REGION: Mapping[str, Sequence[View]] = {"face": [view for view in VIEWS if view != "back"], "body": VIEWS}
_YAW_DEG: Mapping[View, float] = {"front": 0.0, "left": 90.0, "right": -90.0, "back": 180.0}
_HALF_PROFILE_DEG, _NOD_DEG = 45.0, 25.0
_OF_FRAME = [
    each.name for each in WANTED if each.name not in ("name", "source_image", "region", "view", "steps", "lacks")
]


class Turn(Parameters):
    """What a model is told for a part of a turn."""

    deg: float
    """By how much the subject is then seen turned to their own left; to their right below 0."""
    prompt: str


class ViewsParameters(ClearParameters):
    """What is asked for. A profile whose maker makes no use of real frames, or of prompts, leaves them out: they are
    part of each request."""

    real_frames: bool = True
    min_quality: NonNegativeFloat = 0.1
    """Of a real frame. Select's least gain."""
    min_apart_s: NonNegativeFloat = 0.5
    """A real frame is at least so far from its source in time."""
    apart_deg: PositiveFloat = 15.0
    """From each picture that select has chosen it is as far in time, or so far turned: the best frames of a view are
    chosen already, and what lies beside them is a copy."""
    half_apart_s: PositiveFloat = 1.0
    """Where one is half as good as one that is far away."""
    half_off_deg: PositiveFloat = 20.0
    """Where one is half as good as one that shows the view in full."""
    turns: tuple[Turn, ...] = ()
    """By which front, left, right and back are reached, the one that leads nearest first."""
    prompts: Mapping[View, str] = {}
    """Of views that are reached in one step, from wherever the source is seen."""


class Views(Stage):
    version = 1
    reads_source = False
    requests = Requests(
        "wanted", "view", private=("mask",), made_from=("self",), told_by={"steps": ("turns", "prompts")}
    )
    needs: ClassVar[Mapping[type[Stage], Sequence[str]]] = {**NEEDS, Select: ("references",)}
    writes = schema("views", wanted=list_(WANTED))
    parameters = ViewsParameters()

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        for clip in clips:
            yield Row(clip.key, {"wanted": self._wanted(clip)})

    def _wanted(self, clip: Clip) -> list[dict[str, Any]]:
        references, masks = clip.upstream["select"]["references"], masks_of(clip)
        found = []
        for source in references:
            if not source["is_clearest"]:
                continue
            region = source["region"]
            given = [each for each in references if each["region"] == region]
            clear = (clear_faces if region == "face" else clear_bodies)(clip, self.parameters)
            shown = view_shown(source["viewpoint"], source["yaw_deg"])
            for view in _OF_REGION[region]:
                if view == shown:
                    continue
                asked = {
                    "name": f"{region}-view-{VIEWS.index(view) + 1:02d}",
                    "source_image": source["name"],
                    "region": region,
                    "view": view,
                    "steps": self._steps(source["yaw_deg"], view),
                }
                found.append(asked | self._frame(source, view, clear, given, masks))
        return found

    def _steps(self, yaw_deg: float, view: View) -> list[str]:
        """What a model is told that turns the camera from there to this view; nothing where no way is known."""
        of = self.parameters
        if view in of.prompts:
            return [of.prompts[view]]
        if view not in _YAW_DEG:
            return []
        left, steps = wrapped_deg(_YAW_DEG[view] - yaw_deg), list[str]()
        while nearer := [turn for turn in of.turns if abs(left - turn.deg) < abs(left)]:
            turn = min(nearer, key=lambda each: abs(left - each.deg))
            left -= turn.deg
            steps.append(turn.prompt)
        return steps

    def _frame(
        self,
        source: Mapping[str, Any],
        view: View,
        clear: Sequence[Picture],
        given: Sequence[Mapping[str, Any]],
        masks: Mapping[int, bytes],
    ) -> dict[str, Any]:
        """The best real frame of this view, or why there is none."""
        of, nothing = self.parameters, dict.fromkeys(_OF_FRAME)
        if not of.real_frames:
            return {**nothing, "lacks": "real frames are not looked for"}
        if source["region"] == "body" and view in ("top_down", "bottom_up"):
            return {**nothing, "lacks": "from which height a body is seen is not measured"}
        right = [picture for picture in clear if view_shown(picture.told["viewpoint"], picture.yaw_deg) == view]
        if not right:
            return {**nothing, "lacks": "no picture of the clip shows this view clearly"}
        new = [picture for picture in right if all(self._is_new(picture, each) for each in given)]
        far = [picture for picture in new if abs(picture.time_s - source["time_s"]) >= of.min_apart_s]
        if not far:
            return {
                **nothing,
                "lacks": "what shows this view clearly is chosen already, or hardly differs from what is",
            }
        best = max(far, key=lambda picture: (self._worth(picture, view, source), -picture.time_s))
        if best.quality < of.min_quality:
            return {**nothing, "lacks": "what shows this view is not clear enough"}
        return {
            **best.told,
            "time_s": rounded(best.time_s),
            "yaw_deg": best.yaw_deg,
            "quality": rounded(best.quality),
            "apart_s": rounded(abs(best.time_s - source["time_s"])),
            "apart_deg": rounded(_apart_deg(best, source)),
            "lacks": None,
            "mask": masks[best.told["sample"]],
        }

    def _is_new(self, picture: Picture, given: Mapping[str, Any]) -> bool:
        of = self.parameters
        is_later = abs(picture.time_s - given["time_s"]) >= of.min_apart_s
        return is_later or _apart_deg(picture, given) >= of.apart_deg

    def _worth(self, picture: Picture, view: View, source: Mapping[str, Any]) -> float:
        """Clear, well within the view, and long before or after the source image."""
        of, apart_s = self.parameters, float(abs(picture.time_s - source["time_s"]))
        off = _off_deg(picture, view, source["region"]) / of.half_off_deg
        return picture.quality * apart_s / (apart_s + of.half_apart_s) / (1 + off * off)


def _off_deg(picture: Picture, view: View, region: str) -> float:
    """How far from where the view is shown in full. Of a face, a half profile is; much of one goes when it turns on."""
    yaw_deg, pitch_deg = picture.yaw_deg, picture.pitch_deg
    if region == "body":
        return angle_between(yaw_deg, _YAW_DEG[view])
    if view in ("left", "right"):
        return max(0.0, _HALF_PROFILE_DEG - abs(yaw_deg))
    return hypot(yaw_deg, pitch_deg if view == "front" else max(0.0, _NOD_DEG - abs(pitch_deg)))


def _apart_deg(picture: Picture, source: Mapping[str, Any]) -> float:
    nodded = abs(picture.pitch_deg - (source["pitch_deg"] or 0.0))
    return max(angle_between(picture.yaw_deg, source["yaw_deg"]), nodded)
