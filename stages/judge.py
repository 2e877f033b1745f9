"""Is the person of a made image the one of its source, in the same clothes? Told by what can be measured on a CPU.

What is meant to differ is not held against an image: another side is compared in what both pictures show, and colours
are compared in one light, patterns of clothes where both bodies face the camera. What these measurements do not look
at is not judged: accessories, and of anatomy all but whether a pose is there. Which view was wanted is compared with
the one that is seen, beside the verdict: an image that shows another view may be a good one of that.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from math import exp
from typing import Any, ClassVar

import numpy as np
from pyarrow import bool_, float32
from pydantic import Field, NonNegativeFloat, PositiveFloat

from actor18m.arrays import Bools, Frame
from actor18m.keys import seed
from actor18m.media.encoded import decoded
from actor18m.media.views import view_shown
from actor18m.stage import Failure, Image, Parameters, Row, Stage, schema
from stages.annotate import Annotate
from stages.looks.likeness import Likeness, Look, Looker, dyed
from stages.strangers import stranger
from stages.told import rounded
from stages.verdict import ATTRIBUTES, KNOWN_PAIR, KNOWN_PAIRS, STRANGER, VERDICT, Answer, Told

_Source = tuple[str, frozenset[tuple[str, bytes]]]
_NOT_LOOKED_AT = ("accessories", "anatomy")
"""Of anatomy only that a body without a pose has something wrong is told."""
_PANELS = 3
"""Of a sheet."""
DYED = "another garment"
"""Known to differ, too."""


class JudgeParameters(Parameters):
    """Where an attribute stops being consistent, and by how much more it is surely inconsistent. Chosen on rendered
    people (accuracy/judging.py)."""

    min_similarity: PositiveFloat = 0.464
    """Of faces that are seen from the front, beside hair of one colour."""
    min_similarity_turned: PositiveFloat = 0.414
    """Of faces of which one is turned by `turned_deg`; between them, what lies between."""
    turned_deg: PositiveFloat = 45.0
    similarity_for_hair: NonNegativeFloat = 0.0515
    """So much more is asked of faces for each unit of distance by which the hair differs: who has other hair and half
    a likeness is somebody else, and who has the same is not. Where no hair is seen, `unseen_hair` stands for it."""
    unseen_hair: NonNegativeFloat = 3.0
    max_face_yaw_deg: PositiveFloat = 62.0
    """A face that is turned by more is like nobody's."""
    similarity_width: PositiveFloat = 0.04
    max_hair_distance: PositiveFloat = 4.2
    hair_width: PositiveFloat = 0.5
    max_garment_distance: PositiveFloat = 3.4
    max_garment_distance_relit: PositiveFloat = 4.0
    """Of an image that was asked for in another light, which is known only by a face."""
    garment_width: PositiveFloat = 0.4
    max_upper_pattern: PositiveFloat = 0.75
    max_lower_pattern: PositiveFloat = 0.95
    """Legs bend, and hands lie on them."""
    pattern_width: PositiveFloat = 0.05
    known_pairs: float = Field(default=0.1, ge=0, le=1)
    """Of how many images it is asked also about a pair of which it is known that the two differ."""


class Judge(Stage[Image]):
    version = 5
    of = "images"
    reads_source = False
    reads_request = True
    reads_source_image = True
    needs: ClassVar[Mapping[type[Stage[Any]], Sequence[str]]] = {
        Annotate: ("seen_people", "seen_viewpoint", "seen_yaw_deg")
    }
    roles: ClassVar[Mapping[str, type]] = Looker.roles
    known_pairs = KNOWN_PAIRS
    writes = schema(
        "judge",
        **VERDICT,
        **KNOWN_PAIR,
        likeness=float32(),
        shows_wanted_view=bool_(),
        face_similarity=float32(),
        face_yaw_deg=float32(),
        skin_distance=float32(),
        hair_distance=float32(),
        upper_distance=float32(),
        lower_distance=float32(),
        upper_pattern=float32(),
        lower_pattern=float32(),
        whole_similarity=float32(),
    )
    """`likeness` is how likely the picture shows what its source does: from a half on the verdict is consistent.
    `shows_wanted_view` is null where no view was asked for or none can be told. Distances and similarities are those of
    `Likeness`; of a sheet, of the panel that is least like the source."""
    parameters = JudgeParameters()

    def measure(self, images: Sequence[Image]) -> Iterable[Row | Failure]:
        """Images that were made from one source follow one another: it is looked at once."""
        looker, known = Looker(self.backends), dict[_Source, Look]()
        for image in images:
            source = image.region, frozenset(image.source.items())
            if image.source and source not in known:
                known = {source: looker.look(*_picture(image.source), image.region)}
            yield Row(image.key, self._judged(image, looker, known.get(source)))

    def _judged(self, image: Image, looker: Looker, source: Look | None) -> dict[str, Any]:
        seen = image.upstream["annotate"]
        if source is None:
            people = {"people": _people(image.region, seen, ())}
            return self._told(image, None, people, "there is no source image") | dict.fromkeys(KNOWN_PAIR)
        shown = _panels(*_picture(image.files)) if image.region == "sheet" else [_picture(image.files)]
        looks = [looker.look(picture, mask, image.region) for picture, mask in shown]
        likely, like = self._least(image, looker, source, looks)
        likely |= {"people": _people(image.region, seen, looks)} | _anatomy(image.region, looks)
        return self._told(image, like, likely, "") | self._tested(image, looker, source, looks)

    def _least(
        self, image: Image, looker: Looker, source: Look, looks: Sequence[Look]
    ) -> tuple[dict[str, float], Likeness]:
        """Of the looks the one that is least like the source."""
        is_relit = any(image.request.get(name) for name in ("environment", "lighting"))
        likes = [looker.compare(source, look, is_relit) for look in looks]
        found = [(likelihoods(self.parameters, like, is_relit), like) for like in likes]
        return min(found, key=lambda each: min(each[0].values(), default=1.0))

    def _tested(self, image: Image, looker: Looker, source: Look, looks: Sequence[Look]) -> dict[str, Any]:
        """What it answers about the image beside a stranger, or beside its source in clothes of other colours."""
        chance = seed(image.key, "judge")
        if chance % 10_000 >= self.parameters.known_pairs * 10_000:
            return dict.fromkeys(KNOWN_PAIR)
        is_dyed = chance // 10_000 % 2 == 1 and all("upper" in look.parts for look in (source, *looks))
        if is_dyed:
            other = dyed(source)
        else:
            other = looker.look(*_picture(stranger(image.region, chance // 20_000)), image.region)
        likely, _ = self._least(image, looker, other, looks)
        likeness = min(likely.values(), default=0.0)
        return {
            "known_kind": DYED if is_dyed else STRANGER,
            "known_verdict": _verdict(likeness),
            "known_confidence": rounded(max(likeness, 1 - likeness)),
        }

    def _told(self, image: Image, like: Likeness | None, likely: Mapping[str, float], why: str) -> dict[str, Any]:
        """The row. An image is as likely right as the attribute is that is least so; where none of the person is seen,
        nothing speaks for it."""
        answers: dict[str, Told] = {
            name: "not_judged" if name in _NOT_LOOKED_AT else "not_visible" for name in ATTRIBUTES
        }
        answers |= {name: _verdict(chance) for name, chance in likely.items()}
        is_compared = any(name in likely for name in ("face", "hair", "colour"))
        likeness = min(likely.values(), default=0.0) if is_compared else 0.0
        seen = image.upstream["annotate"]
        observed = view_shown(seen["seen_viewpoint"], seen["seen_yaw_deg"])
        wanted = image.request.get("view")
        worst = min(likely, key=lambda name: likely[name], default="nothing")
        return {
            **answers,
            "observed_view": observed,
            "verdict": _verdict(likeness),
            "confidence": rounded(max(likeness, 1 - likeness)),
            "reason": why or f"least sure of {worst}",
            "judged_by": "measured",
            "likeness": rounded(likeness),
            "shows_wanted_view": None if wanted is None or observed is None else observed == wanted,
            **{name: None if like is None else rounded(getattr(like, name)) for name in _NUMBERS},
        }


_NUMBERS = tuple(Likeness.__dataclass_fields__)


def likelihoods(of: JudgeParameters, like: Likeness, is_relit: bool = False) -> dict[str, float]:
    """How likely each attribute is the source's, of those that are seen."""
    likely = dict[str, float]()
    if like.face_similarity is not None and like.face_yaw_deg is not None and like.face_yaw_deg <= of.max_face_yaw_deg:
        turned = min(1.0, like.face_yaw_deg / of.turned_deg)
        bound = of.min_similarity + turned * (of.min_similarity_turned - of.min_similarity)
        bound += of.similarity_for_hair * (of.unseen_hair if like.hair_distance is None else like.hair_distance)
        likely["face"] = _above(like.face_similarity, bound, of.similarity_width)
    if like.hair_distance is not None:
        likely["hair"] = _above(-like.hair_distance, -of.max_hair_distance, of.hair_width)
    worn = [each for each in (like.upper_distance, like.lower_distance) if each is not None]
    if worn:
        bound = of.max_garment_distance_relit if is_relit else of.max_garment_distance
        likely["colour"] = _above(-max(worn), -bound, of.garment_width)
    patterns = ((like.upper_pattern, of.max_upper_pattern), (like.lower_pattern, of.max_lower_pattern))
    known = [_above(-each, -bound, of.pattern_width) for each, bound in patterns if each is not None]
    if known:
        likely["garment"] = min(known)
    return likely


def _verdict(likeness: float) -> Answer:
    return "consistent" if likeness >= 0.5 else "inconsistent"


def _above(value: float, bound: float, width: float) -> float:
    """A half at the bound, nine tenths some two widths above it."""
    return 1 / (1 + exp(min(50.0, (bound - value) / width)))


def _people(region: str, seen: Mapping[str, Any], looks: Sequence[Look]) -> float:
    """1 where one person is there, and one in each panel of a sheet."""
    is_one = len(looks) == _PANELS if region == "sheet" else seen["seen_people"] == 1
    return float(is_one and not any(look.has_face_beside for look in looks))


def _anatomy(region: str, looks: Sequence[Look]) -> dict[str, float]:
    """Of a body in which no pose is seen something is wrong; that one is seen says little."""
    return {} if region == "face" or all(look.has_pose for look in looks) else {"anatomy": 0.0}


def _picture(files: Mapping[str, bytes]) -> tuple[Frame, Bools | None]:
    """uint8[H, W, 3] RGB, and the person's mask, bool[H, W], where there is one."""
    mask = files.get("mask.png")
    return decoded(files["webp"]), None if mask is None else np.asarray(decoded(mask)[:, :, 0] > 127, dtype=np.bool_)


def _panels(picture: Frame, mask: Bools | None) -> list[tuple[Frame, Bools | None]]:
    """What lies side by side: cut in the middle of the columns that the mask leaves free."""
    if mask is None or not mask.any():
        return [(picture, mask)]
    columns = np.flatnonzero(mask.any(axis=0))
    gaps = [(one + other) // 2 for one, other in pairwise(columns.tolist()) if other - one > 1]
    edges = [0, *gaps, mask.shape[1]]
    return [
        (np.ascontiguousarray(picture[:, left:right]), np.ascontiguousarray(mask[:, left:right]))
        for left, right in pairwise(edges)
    ]
