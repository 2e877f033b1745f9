"""Is what the captions say true? Each statement of which the truth knows is held against it, one by one.

The colours of clothes and of what is around are not in the truth, and not judged here.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from accuracy.at import BURNT_OR_BLACK, frame_at, is_wanted
from accuracy.faces import FARTHEST_DEG
from accuracy.figures import Figures, share
from accuracy.read import Seen
from actor18m.media.views import body_view, face_view
from actor18m.samples.truth import ActorTruth, Truth
from stages.caption import NOT_TOLD, NOT_VISIBLE
from stages.captions import CaptionsParameters
from stages.looks.framing import shot_size
from stages.looks.moving import Seen as Place
from stages.looks.moving import whole_action

CLEAR_DEG = 10.0
"""Bodies nearer to the edge of a view may be called either; so it is with labels."""
EDGES_DEG = (45.0, 135.0)
HIDDEN = 0.1
"""Of a face: less is not visible."""
_VIEWS = {"the front": "front", "the side": "side", "behind": "back"}
_FACE_VIEWS = {
    "to the camera": "front",
    "to their own left": "left",
    "to their own right": "right",
    "upwards": "up",
    "downwards": "down",
}
_OF = CaptionsParameters()


def figures(seen: Sequence[Seen]) -> Figures:
    """Of clips that a right pipeline accepts; how many people there are, of the others, too."""
    every = [each for each in seen if "captions" in each.rows and each.filmed.truth is not None]
    every = [each for each in every if each.filmed.case not in BURNT_OR_BLACK]
    told = [each for each in every if is_wanted(each)]
    kinds = {
        "shot size": [right for each in told for right in _shot(each)],
        "number of people": [right for each in told for right in _people(each)],
        "view of a moment": [right for each in told for right, _ in _moment_views(each)],
        "view in the text": [right for each in told for right in _named_views(each)],
        "face's view of a moment": [right for each in told for right in _face_views(each)],
        "face's view in the text": [right for each in told for right in _named_face_views(each)],
        "movement": [right for each in told for right in _movement(each)],
        "expression of a moment": [right for each in told for right in _expressions(each)],
        "expression in the text": [right for each in told for right in _named_expressions(each)],
        "face not visible": [right for each in told for right in _not_visible(each)],
    }
    clear = [right for each in told for right, is_clear in _moment_views(each) if is_clear]
    return {
        "all statements right": share(chain.from_iterable(kinds.values())),
        **{f"{kind} right": share(each) for kind, each in kinds.items()},
        "number of people right, of all clips": share(right for each in every for right in _people(each)),
        f"view of a moment right, {CLEAR_DEG:g}° off an edge": share(clear),
        "expression told, of moments": share(
            moment["expression"] not in (NOT_TOLD, NOT_VISIBLE) for each in told for moment in _row(each)["moments"]
        ),
    }


def _row(seen: Seen) -> Any:
    return seen.rows["captions"]


def _known(seen: Seen) -> tuple[Truth, ActorTruth]:
    truth = seen.filmed.truth
    assert truth is not None
    return truth, truth.actors[0]


def _samples(seen: Seen) -> list[int]:
    """Frames of the truth in which the subject is to be seen."""
    truth, actor = _known(seen)
    frames = [frame_at(truth, time_s) for time_s in seen.times_s]
    return [frame for frame in frames if actor.body_box[frame] is not None]


def _shot(seen: Seen) -> Iterator[bool]:
    if _row(seen)["shot_type"] == NOT_TOLD:
        return
    truth, actor = _known(seen)
    sizes = Counter[str | None]()
    for frame in _samples(seen):
        box, points = actor.body_box[frame], actor.keypoints[frame]
        if box is not None and points is not None:
            inside = [state != 0 for *_, state in points]
            sizes[shot_size(inside, (box[3] - box[1]) / truth.height, _OF.long_to)] += 1
    yield _row(seen)["shot_type"] == sizes.most_common(1)[0][0]


def _people(seen: Seen) -> Iterator[bool]:
    truth = seen.filmed.truth
    assert truth is not None
    counts = sorted((truth.people[frame_at(truth, time_s)] for time_s in seen.times_s), reverse=True)
    yield _row(seen)["people"] == counts[len(counts) // 10]


def _moment_views(seen: Seen) -> Iterator[tuple[bool, bool]]:
    """Whether it is right, and whether the truth is clear of an edge."""
    truth, actor = _known(seen)
    for moment in _row(seen)["moments"]:
        yaw = actor.body_yaw_deg[frame_at(truth, moment["time_s"])]
        if moment["view"] != NOT_TOLD and yaw is not None:
            yield moment["view"] == body_view(yaw), all(abs(abs(yaw) - edge) > CLEAR_DEG for edge in EDGES_DEG)


def _named_views(seen: Seen) -> Iterator[bool]:
    """Each view that the text names is one from which the body is seen for half as long as is asked of one, or at a
    moment."""
    _, actor = _known(seen)
    views = [body_view(yaw) for i in _samples(seen) if (yaw := actor.body_yaw_deg[i]) is not None]
    yaws = [actor.body_yaw_deg[frame] for frame in _at_moments(seen)]
    shown = {body_view(yaw) for yaw in yaws if yaw is not None}
    yield from _named(seen, r"the body seen from ([^.]*?)(?:, the face|\.)", _VIEWS, views, shown)


def _named_face_views(seen: Seen) -> Iterator[bool]:
    """Likewise, of the samples in which there is a face to be seen."""
    views = [view for frame in _samples(seen) if (view := _true_face_view(seen, frame)) is not None]
    shown = {view for frame in _at_moments(seen) if (view := _true_face_view(seen, frame)) is not None}
    yield from _named(seen, r"the face turned ([^.]*)\.", _FACE_VIEWS, views, shown)


def _at_moments(seen: Seen) -> list[int]:
    truth, _ = _known(seen)
    return [frame_at(truth, moment["time_s"]) for moment in _row(seen)["moments"]]


def _named(
    seen: Seen, where: str, words: Mapping[str, str], true: Sequence[str], shown: Collection[str]
) -> Iterator[bool]:
    named, views = re.search(where, _row(seen)["caption"]), Counter(true)
    for word, view in words.items():
        if named and word in named[1]:
            yield view in shown or views[view] >= _OF.min_share / 2 * views.total()


def _face_views(seen: Seen) -> Iterator[bool]:
    truth, _ = _known(seen)
    for moment in _row(seen)["moments"]:
        if moment["face_view"] not in (NOT_TOLD, NOT_VISIBLE):
            yield moment["face_view"] == _true_face_view(seen, frame_at(truth, moment["time_s"]))


def _true_face_view(seen: Seen, frame: int) -> str | None:
    _, actor = _known(seen)
    yaw, pitch = actor.head_yaw_deg[frame], actor.head_pitch_deg[frame]
    is_seen = (actor.face_visible[frame] or 0.0) >= HIDDEN
    return face_view(yaw, pitch) if is_seen and yaw is not None and pitch is not None else None


def _movement(seen: Seen) -> Iterator[bool]:
    """What the same words come to over the true places and angles."""
    truth, actor = _known(seen)
    places = []
    for frame in _samples(seen):
        box, yaw = actor.body_box[frame], actor.head_yaw_deg[frame]
        assert box is not None
        has_face = (actor.face_visible[frame] or 0.0) >= 0.5
        middle, height = (box[0] + box[2]) / 2 / truth.width, (box[3] - box[1]) / truth.width
        head = yaw if has_face else None
        places.append(Place(truth.times_s[frame], middle, height, actor.body_yaw_deg[frame], head))
    if _row(seen)["action"] != NOT_TOLD:
        true = set(whole_action(places, _OF).split(" and "))
        yield from (word in true for word in _row(seen)["action"].split(" and "))


def _expressions(seen: Seen) -> Iterator[bool]:
    truth, actor = _known(seen)
    for moment in _row(seen)["moments"]:
        if moment["expression"] not in (NOT_TOLD, NOT_VISIBLE):
            yield moment["expression"] == actor.expression[frame_at(truth, moment["time_s"])]


def _named_expressions(seen: Seen) -> Iterator[bool]:
    _, actor = _known(seen)
    true = {actor.expression[frame] for frame in _samples(seen)}
    said = _row(seen)["expression"]
    if said not in (NOT_TOLD, NOT_VISIBLE):
        yield from (word in true for word in re.split(", then | and ", said.replace("at times ", "")))


def _not_visible(seen: Seen) -> Iterator[bool]:
    truth, actor = _known(seen)
    for moment in _row(seen)["moments"]:
        if moment["expression"] == NOT_VISIBLE:
            frame = frame_at(truth, moment["time_s"])
            is_turned = abs(actor.head_yaw_deg[frame] or 0.0) > FARTHEST_DEG
            yield is_turned or (actor.face_visible[frame] or 0.0) < HIDDEN
