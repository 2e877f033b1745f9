"""What rows tell of a clip in words, sample by sample: views, expressions, movement, shot size, who else is there.

What nobody measured well clear of an edge is `not told`, and what the person's own back hides `not visible`.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from actor18m.arrays import Bools
from actor18m.media.run_lengths import from_run_lengths
from actor18m.media.views import body_view, face_view
from actor18m.stage import Clip
from stages.caption import NOT_TOLD, NOT_VISIBLE
from stages.looks.framing import shot_size
from stages.looks.moving import MovingParameters, Seen, action_at
from stages.told import rounded

_HELD = 3
_WORN = ("glasses", "hat", "earring", "necklace")


class WordsParameters(MovingParameters):
    moments: PositiveInt = 6
    """So many frames are looked at, spread over the samples in which the body is known."""
    long_to: PositiveFloat = 0.5
    """Of the frame's height: who takes no more is far away."""
    min_expression_score: NonNegativeFloat = 0.6
    """Of the reader's."""
    expressions: tuple[str, ...] = ("happiness", "surprise", "sadness")
    """Those that are told: that its reader tells rightly in 95% of the samples or more. Of rendered people, blendshapes
    read these rightly in all of 6, 10 and 12 samples; 83% of neutral ones were, the others showed faint anger, sadness,
    fear or disgust; the rest are read too seldom to know."""
    min_face_visibility: NonNegativeFloat = 0.5
    max_face_yaw_deg: PositiveFloat = 45.0
    max_face_pitch_deg: PositiveFloat = 15.0
    """Expressions of faces that are turned by more are not told, nor of those that nod: from above or below, a calm
    mouth looks sad or glad."""
    body_edge_deg: NonNegativeFloat = 8.0
    """From where a body is seen that is nearer to the edge of a view is no moment told: yaw is off by as much."""
    face_edge_deg: NonNegativeFloat = 5.0
    """Where a face looks that is nearer to the edge of a view is not told: measured again it may be the other one."""
    min_share: PositiveFloat = 0.1
    """Of the samples: a view or expression that is seen less is not worth a word, unless a moment shows it."""
    told_throughout: PositiveFloat = 0.8
    """Of the samples that show the face: where fewer have an expression that is told, the text says of none when it is
    to be seen."""
    other_samples: PositiveInt = 4
    """Beside the subject somebody counts who is seen so often, so surely, so large beside the subject, and with no more
    of them within the subject's box: those by whom a clip is not of one person."""
    other_score: NonNegativeFloat = 0.6
    other_size: NonNegativeFloat = 0.1
    other_inside: PositiveFloat = 0.85
    min_worn: PositiveFloat = 0.01
    """Of the face's box, where a parser can tell glasses and the like."""


class ClipWords:
    """Of one clip, by its rows of motion, faces, bodies and pose."""

    def __init__(self, clip: Clip, of: WordsParameters) -> None:
        rows = clip.upstream
        self.clip, self._of = clip, of
        self.times: Sequence[float] = rows["motion"]["frame_times"]
        self._size = rows["intake"]["width"], rows["intake"]["height"]
        self.bodies = {body["sample"]: body for body in rows["bodies"]["bodies"]}
        self._masks = dict(zip(self.bodies, rows["bodies"]["masks"], strict=True))
        self.poses = {pose["sample"]: pose for pose in rows["pose"]["poses"]}
        self.faces = {face["sample"]: face for face in rows["faces"]["faces"]}

    @property
    def moments(self) -> list[int]:
        """Samples in which the body is known: those at even distances, and of each view of the body or the face, and of
        each expression, that the text names, but none of them shows, the middle of where it is seen."""
        even, there = self._even, list(self.bodies)
        found = set(even)
        named = [(self._clear_view, self.views), (self._face_view, self.face_views), (self._held, self.expressions)]
        for told, words in named:
            for word in set(words) - {told(sample) for sample in even}:
                samples = [each for each in there if told(each) == word]
                found.update([samples[len(samples) // 2]] if samples else [])
        return sorted(found)

    @cached_property
    def _even(self) -> list[int]:
        """Of so many even parts of the samples in which the body is known, the middle one."""
        there, count = list(self.bodies), self._of.moments
        return sorted({there[(2 * part + 1) * len(there) // (2 * count)] for part in range(count) if there})

    def mask(self, sample: int) -> Bools:
        width, height = self._size
        return from_run_lengths(self._masks[sample], height, width)

    @property
    def people(self) -> int:
        """Seen at once: the subject, and others who are no part of them and there for more than a moment."""
        motion, of = self.clip.upstream["motion"], self._of
        others = [
            (other["first_s"], other["last_s"])
            for other in motion["others"]
            if other["samples"] >= of.other_samples
            and other["score"] >= of.other_score
            and other["size_share"] >= of.other_size
            and other["inside_share"] < of.other_inside
        ]
        at_once = max((sum(first <= start <= last for first, last in others) for start, _ in others), default=0)
        return int(motion["subject_share"] > 0) + at_once

    @property
    def shot_type(self) -> str:
        width, height = self._size
        sizes = Counter[str]()
        for sample, pose in self.poses.items():
            if sample in self.bodies:
                points = np.array(pose["points"]).reshape(-1, 2)
                inside = [bool(0 <= x < width and 0 <= y < height) for x, y in points]
                body = self.bodies[sample]
                sizes[shot_size(inside, (body["y1"] - body["y0"]) / height, self._of.long_to) or NOT_TOLD] += 1
        return sizes.most_common(1)[0][0] if sizes else NOT_TOLD

    @cached_property
    def views(self) -> list[str]:
        """From where the body is seen, in the order in which they come."""
        shown = {self._clear_view(sample) for sample in self._even}
        return self._worth_a_word([self._view(sample) for sample in self.poses], shown)

    @cached_property
    def face_views(self) -> list[str]:
        """Where the face looks, likewise."""
        shown = {self._face_view(sample) for sample in self._even}
        return self._worth_a_word(self._but_for_hidden(self._face_view), shown)

    @cached_property
    def expressions(self) -> list[str]:
        """Likewise."""
        return self._worth_a_word(self._but_for_hidden(self._held), {self._held(sample) for sample in self._even})

    @property
    def expression(self) -> str:
        """One after the other where nearly all of the time something is told; else only that they are to be seen."""
        told = self._but_for_hidden(self._held)
        if not told or not self.expressions:
            return NOT_TOLD if told else NOT_VISIBLE
        is_whole = sum(word != NOT_TOLD for word in told) >= self._of.told_throughout * len(told)
        return ", then ".join(self.expressions) if is_whole else f"at times {' and at times '.join(self.expressions)}"

    def _but_for_hidden(self, told: Callable[[int], str]) -> list[str]:
        return [word for word in map(told, self.bodies) if word != NOT_VISIBLE]

    @property
    def accessory(self) -> str:
        """What the parser can tell, in most of the faces."""
        shares = {
            name: [parts[name] for parts in self.clip.upstream["faces"]["parsing"] if parts[name] is not None]
            for name in _WORN
        }
        if not any(shares.values()):
            return NOT_TOLD
        worn = [name for name, each in shares.items() if each and np.median(each) >= self._of.min_worn]
        return " and ".join(worn) or NOT_VISIBLE

    @property
    def seen(self) -> list[Seen]:
        """Samples in which the body is known."""
        return [self._seen(sample) for sample in self.bodies]

    def moment(self, sample: int) -> dict[str, Any]:
        at = list(self.bodies).index(sample)
        return {
            "time_s": rounded(self.times[sample]),
            "view": self._clear_view(sample),
            "face_view": self._face_view(sample),
            "expression": self._held(sample),
            "action": action_at(self.seen, at, self._of),
        }

    @property
    def nobody(self) -> dict[str, Any]:
        return {"time_s": 0.0, **dict.fromkeys(("view", "face_view", "expression", "action"), NOT_TOLD)}

    def _view(self, sample: int) -> str:
        yaw = self.poses[sample]["body_yaw_deg"] if sample in self.poses else None
        return NOT_TOLD if yaw is None else body_view(yaw)

    def _clear_view(self, sample: int) -> str:
        """Well clear of an edge."""
        yaw = self.poses[sample]["body_yaw_deg"] if sample in self.poses else None
        edge = self._of.body_edge_deg
        views = set() if yaw is None else {body_view(yaw + off) for off in (-edge, 0.0, edge)}
        return views.pop() if len(views) == 1 else NOT_TOLD

    def _face_view(self, sample: int) -> str:
        """Where a mesh tells it well clear of an edge. Not visible is that of somebody who is seen from behind."""
        face, edge = self.faces.get(sample), self._of.face_edge_deg
        if face is None:
            return NOT_VISIBLE if self._view(sample) == "back" else NOT_TOLD
        if not face["has_mesh"] or face["pitch_deg"] is None or face["visibility"] < self._of.min_face_visibility:
            return NOT_TOLD
        about = [(0.0, 0.0), (edge, 0.0), (-edge, 0.0), (0.0, edge), (0.0, -edge)]
        views = {face_view(face["yaw_deg"] + yaw, face["pitch_deg"] + pitch) for yaw, pitch in about}
        return views.pop() if len(views) == 1 else NOT_TOLD

    def _held(self, sample: int) -> str:
        """An expression that stays for three samples of five: a mouth that speaks passes through all of them."""
        about = [self._expression(near) for near in range(sample - 2, sample + 3) if near in self.bodies]
        own = self._expression(sample)
        return own if own == NOT_VISIBLE or about.count(own) >= _HELD else NOT_TOLD

    def _expression(self, sample: int) -> str:
        """Not visible is that of somebody who is seen from behind, and shows no face."""
        face, of = self.faces.get(sample), self._of
        if face is None:
            return NOT_VISIBLE if self._view(sample) == "back" else NOT_TOLD
        if not face["has_mesh"] or face["expression"] is None:
            return NOT_TOLD
        if abs(face["yaw_deg"]) > of.max_face_yaw_deg or abs(face["pitch_deg"] or 0.0) > of.max_face_pitch_deg:
            return NOT_TOLD
        is_sure = face["expression_score"] >= of.min_expression_score and face["expression"] in of.expressions
        return face["expression"] if is_sure and face["visibility"] >= of.min_face_visibility else NOT_TOLD

    def _seen(self, sample: int) -> Seen:
        body, width = self.bodies[sample], self._size[0]
        yaw = self.poses[sample]["body_yaw_deg"] if sample in self.poses else None
        face = self.faces.get(sample)
        return Seen(
            time_s=self.times[sample],
            middle_x=(body["x0"] + body["x1"]) / 2 / width,
            height=(body["y1"] - body["y0"]) / width,
            body_yaw_deg=yaw,
            face_yaw_deg=face["yaw_deg"] if face is not None and face["has_mesh"] else None,
        )

    def _worth_a_word(self, words: Sequence[str], shown: Collection[str]) -> list[str]:
        """In the order in which they first come: those that are seen for long, or that a moment shows."""
        counts = Counter(words)
        least = self._of.min_share * len(words)
        return [word for word in counts if word != NOT_TOLD and (counts[word] >= least or word in shown)]
