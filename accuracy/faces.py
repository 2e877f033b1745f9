"""How right are a face's direction and its expression?

A face near the edge of a viewpoint may be called either, yet counts like any other: the bins of faces are too narrow to
leave out their edges. A second figure leaves out those within 5 degrees of one, to tell slips from errors.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from accuracy.at import BURNT_OR_BLACK, by_sample, frame_at, is_wanted, subject
from accuracy.figures import Figure, Figures, errors, overlaps, share
from accuracy.read import Seen
from actor18m.media.boxes import overlap
from actor18m.media.views import angle_between, face_view
from stages.told import box_of

VISIBLE = 0.5
FARTHEST_DEG = 90.0
"""Farther round there is no face."""
WITHIN_DEG = 60.0
CLEAR_DEG = 5.0
VIEWS = ("front", "left", "right", "up", "down")
NO_CLASS = "contempt"
"""The expression model has none for it."""


@dataclass(frozen=True)
class _Met:
    """A face that is visible by truth, beside what was measured of it."""

    true_yaw: float
    true_pitch: float
    true_expression: str | None
    yaw: float | None
    pitch: float | None
    expression: str | None
    box_overlap: float

    @property
    def true_view(self) -> str:
        return face_view(self.true_yaw, self.true_pitch)

    @property
    def is_clear(self) -> bool:
        steps = ((CLEAR_DEG, 0), (-CLEAR_DEG, 0), (0, CLEAR_DEG), (0, -CLEAR_DEG))
        return all(face_view(self.true_yaw + yaw, self.true_pitch + pitch) == self.true_view for yaw, pitch in steps)


def figures(seen: Sequence[Seen]) -> Figures:
    met = [face for each in seen if is_wanted(each) for face in _met(each)]
    turned = [face for face in met if face.yaw is not None and face.pitch is not None]
    near = [face for face in turned if abs(face.true_yaw) <= WITHIN_DEG]
    told = [face for face in met if face.expression is not None and face.true_expression is not None]
    return {
        "face found, of visible ones": _found(seen),
        "face angles known, of found ones": share(face.yaw is not None for face in met),
        f"face yaw error, yaw within {WITHIN_DEG:g}° (median / p90)": errors(map(_yaw_error, near)),
        f"face pitch error, yaw within {WITHIN_DEG:g}°": errors(map(_pitch_error, near)),
        **{f"face yaw error: {view}": errors(_yaw_error(f) for f in turned if f.true_view == view) for view in VIEWS},
        **{f"face pitch error: {v}": errors(_pitch_error(f) for f in turned if f.true_view == v) for v in VIEWS},
        "face view right": _right(turned),
        f"face view right, {CLEAR_DEG:g}° off an edge": _right([face for face in turned if face.is_clear]),
        **{f"face view right: {view}": _right([f for f in turned if f.true_view == view]) for view in VIEWS},
        "face box IoU (mean / p10)": overlaps(face.box_overlap for face in met),
        "expression right": share(face.expression == face.true_expression for face in told),
        f"expression right, but for {NO_CLASS}": share(
            face.expression == face.true_expression for face in told if face.true_expression != NO_CLASS
        ),
        "expression right, but for neutral": share(
            face.expression == face.true_expression for face in told if face.true_expression != "neutral"
        ),
    }


def expressions(seen: Sequence[Seen]) -> dict[tuple[str, str], int]:
    """(true, told) -> how often."""
    counts: dict[tuple[str, str], int] = {}
    for face in (face for each in seen if is_wanted(each) for face in _met(each)):
        if face.expression is not None and face.true_expression is not None:
            pair = face.true_expression, face.expression
            counts[pair] = counts.get(pair, 0) + 1
    return counts


def _yaw_error(face: _Met) -> float:
    return angle_between(face.yaw or 0.0, face.true_yaw)


def _pitch_error(face: _Met) -> float:
    return abs((face.pitch or 0.0) - face.true_pitch)


def _right(faces: Sequence[_Met]) -> Figure:
    return share(face_view(face.yaw or 0.0, face.pitch or 0.0) == face.true_view for face in faces)


def _found(seen: Sequence[Seen]) -> Figure:
    return share(found for each in seen if is_wanted(each) for found in _is_found(each))


def _is_found(seen: Seen) -> Iterator[bool]:
    actor, truth = subject(seen), seen.filmed.truth
    if actor is None or truth is None or truth.script in BURNT_OR_BLACK or "faces" not in seen.rows:
        return
    found = {face["sample"] for face in seen.rows["faces"]["faces"]}
    for sample, time_s in enumerate(seen.times_s):
        if _is_visible(seen, frame_at(truth, time_s)):
            yield sample in found


def _is_visible(seen: Seen, frame: int) -> bool:
    actor = subject(seen)
    if actor is None:
        return False
    yaw, visible = actor.head_yaw_deg[frame], actor.face_visible[frame]
    return yaw is not None and visible is not None and visible >= VISIBLE and abs(yaw) <= FARTHEST_DEG


def _met(seen: Seen) -> Iterator[_Met]:
    actor = subject(seen)
    if actor is None:
        return
    for frame, face in by_sample(seen, "faces", "faces"):
        yaw, pitch, box = actor.head_yaw_deg[frame], actor.head_pitch_deg[frame], actor.face_box[frame]
        if yaw is None or pitch is None or box is None or not _is_visible(seen, frame):
            continue
        expression = actor.expression[frame]
        shared = overlap(box_of(face), box)
        yield _Met(yaw, pitch, expression, face["yaw_deg"], face["pitch_deg"], face["expression"], shared)
