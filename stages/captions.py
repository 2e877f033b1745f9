"""A caption made of what was measured: a template, which says nothing that nobody looked at.

Shot size, view, expression and movement are told by rows; a few frames are looked at for the colours of the clothes, by
the subject's mask, and for background and light. What this profile cannot tell, such as a hairstyle, is `not told`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from pydantic import NonNegativeFloat, PositiveFloat

from actor18m.arrays import Bools, Floats, Frame
from actor18m.media.colour_names import lab_of, most, named
from actor18m.media.video import frames_at
from actor18m.stage import Clip, Failure, Row, Stage
from stages.bodies import Bodies
from stages.caption import CAPTION, NOT_TOLD
from stages.faces import Faces
from stages.intake import Intake
from stages.looks.clip_words import ClipWords, WordsParameters
from stages.looks.garments import LEGS, UPPER, garments, shares_of_cloth, skin
from stages.looks.moving import whole_action
from stages.looks.sentences import caption_of
from stages.motion import Motion
from stages.pose import Pose
from stages.told import one_by_one

TEMPLATE = "template"


class CaptionsParameters(WordsParameters):
    min_seen: NonNegativeFloat = 0.5
    """The visibility of a point by which clothes are looked for."""
    mostly_from: PositiveFloat = 0.6
    """The share of one colour of clothes, or of what is around, from which it is `mostly` that."""
    worth_naming: PositiveFloat = 0.15
    named_from: PositiveFloat = 0.6
    """Up to three colours that have so much each are told where they have so much together."""
    dark_to: PositiveFloat = 22.0
    """Mean lightness of a dark picture, of 100; of a bright one below."""
    bright_from: PositiveFloat = 80.0


class Captions(Stage):
    version = 7
    needs: ClassVar[Mapping[type[Stage[Any]], Sequence[str]]] = {
        Intake: ("width", "height"),
        Motion: ("frame_times", "subject_share", "others"),
        Faces: ("faces", "parsing"),
        Bodies: ("bodies", "masks"),
        Pose: ("poses",),
    }
    writes = CAPTION
    parameters = CaptionsParameters()

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        return one_by_one(clips, lambda clip: Row(clip.key, self._told(ClipWords(clip, self.parameters))))

    def _told(self, known: ClipWords) -> Mapping[str, Any]:
        moments = known.moments
        looked = self._looked(known, moments)
        elements = {
            "shot_type": known.shot_type,
            "hairstyle": NOT_TOLD,
            "clothing": self._clothing(looked),
            "accessory": known.accessory,
            "expression": known.expression,
            "action": NOT_TOLD if not known.seen else whole_action(known.seen, self.parameters),
            "background": self._background(looked.around),
        }
        people = known.people
        return {
            **elements,
            "people": people,
            "moments": [known.moment(sample) for sample in moments] or [known.nobody],
            "caption": caption_of(elements, known.views, known.face_views, people),
            "written_by": TEMPLATE,
        }

    def _looked(self, known: ClipWords, samples: Sequence[int]) -> "_Looked":
        looked, clip = _Looked(), known.clip
        pictures = frames_at(clip.uri, [known.times[sample] for sample in samples], clip.cut, clip.crop)
        for sample, frame in zip(samples, pictures, strict=True):
            mask, pose, face = known.mask(sample), known.poses.get(sample), known.faces.get(sample)
            looked.around.append(_around(frame, mask))
            if pose is not None:
                points = np.array(pose["points"], np.float32).reshape(-1, 2)
                is_seen = np.array(pose["visibility"]) >= self.parameters.min_seen
                looked.garments.append(garments(frame, mask, points, is_seen))
            own = None if face is None or not face["has_mesh"] else skin(frame, face)
            looked.skins.extend([] if own is None else [own])
        return looked

    def _clothing(self, looked: "_Looked") -> str:
        of, told = self.parameters, []
        own = np.median(looked.skins, axis=0).astype(np.float32) if looked.skins else None
        for region in (UPPER, LEGS):
            shares = [shares_of_cloth(each[region], own) for each in looked.garments if region in each]
            known = [each for each in shares if each is not None]
            colour = most(np.mean(known, axis=0), of.mostly_from, of.worth_naming, of.named_from) if known else None
            if colour is not None:
                told.append(f"{colour} on the {region}")
        return ", ".join(told) or NOT_TOLD

    def _background(self, looked: Sequence[Floats]) -> str:
        of, told = self.parameters, []
        looked = [lab for lab in looked if len(lab)]
        if looked:
            shares = np.mean([named(lab) / len(lab) for lab in looked], axis=0)
            colour = most(shares, of.mostly_from, of.worth_naming, of.named_from)
            told.append(colour or "of several colours")
            lightness = float(np.mean([lab[:, 0].mean() for lab in looked]))
            if lightness <= of.dark_to:
                told.append("dark")
            elif lightness >= of.bright_from:
                told.append("bright")
        return ", ".join(told) or NOT_TOLD


@dataclass
class _Looked:
    """Colours, Lab, of the frames that were looked at."""

    garments: list[dict[str, Floats]] = field(default_factory=list)
    skins: list[Floats] = field(default_factory=list)
    around: list[Floats] = field(default_factory=list)


def _around(frame: Frame, mask: Bools) -> Floats:
    """Every eighth pixel to both sides is enough."""
    return lab_of(frame[::8, ::8][~mask[::8, ::8]])
