"""Pictures of digital actors as a maker might bring them: right ones, and wrong ones of which it is known what is wrong

From a seed come casts: a person in a place, seen from the front as in a clip, and asked for from other sides or in
another place. Each picture that was asked for is rendered as it should be, and again with one thing changed: who it is,
what they wear, its pattern alone, or that somebody is beside them. Turned round and mirrored pictures are made from the
right ones.
"""

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import chain
from typing import Literal

import numpy as np

from accuracy.kinds import GARMENT, MIRRORED, OTHER_VIEW, PATTERN, STRANGER, TRUE, TWO
from actor18m.arrays import Bools, Frame
from actor18m.media.bounds import bounds
from actor18m.media.boxes import square, with_margin
from studio.acting import alive, eye_height, framed
from studio.actor import Actor, draw_actor
from studio.camera import Camera
from studio.canvas import Canvas
from studio.fabrics import rearranged
from studio.motion import perform
from studio.scenery.scene import Scene
from studio.scenery.sets import build_scene
from studio.wardrobe import Outfit, draw_outfit

Region = Literal["face", "body"]
REGIONS: tuple[Region, ...] = ("face", "body")
SAME_PLACE, OTHER_PLACE = "another view", "another place"

VIEWS: dict[Region, dict[str, tuple[float, float]]] = {
    "body": {"front": (8, 0), "left": (88, 0), "right": (-88, 0), "back": (180, 0)},
    "face": {"left": (42, 0), "right": (-42, 0), "bottom_up": (4, 27), "top_down": (-4, -27)},
}
"""Yaw and pitch that are asked for, in degrees."""
_OPPOSITE = {
    "front": "back",
    "back": "front",
    "left": "right",
    "right": "left",
    "bottom_up": "top_down",
    "top_down": "bottom_up",
}
_MARGIN = {"face": 0.5, "body": 0.06}
_CHANGED, _CHANGED_SHARE = 24, 0.15
"""From so many grey levels on a pixel is another one, and from so much of the person on it can be seen what changed."""
_BESIDE_M = {"body": (0.6, 0.0), "face": (0.4, 0.3)}
"""To the side, and behind."""
_SIZE = {"body": (720, 960), "face": (1024, 640)}
_NOISE = 1.3
_FACE_SEEN_TO_DEG = 100.0
"""From farther round, nobody can tell who it is who wears the same clothes."""


@dataclass(frozen=True, eq=False)
class Still:
    """A crop, uint8[H, W, 3] RGB and bool[H, W] of its person."""

    picture: Frame
    mask: Bools

    @property
    def mirrored(self) -> "Still":
        return Still(np.ascontiguousarray(self.picture[:, ::-1]), np.ascontiguousarray(self.mask[:, ::-1]))


@dataclass(frozen=True, eq=False)
class Case:
    """One picture that a maker might bring, and what it was asked for."""

    seed: int
    cast: int
    region: Region
    asked: str
    """SAME_PLACE or OTHER_PLACE."""
    view: str
    kind: str
    source: Still
    made: Still
    is_seen: bool
    """Whether what is wrong can be seen in this picture."""

    @property
    def key(self) -> str:
        """As of an image, and no other case's."""
        words = f"{self.seed}/{self.cast}/{self.asked}/{self.view}/{self.kind}"
        return f"{sha256(words.encode()).hexdigest()[:20]}-{self.region}-view-01"


def cases(seed: int, casts: Sequence[int]) -> Iterator[Case]:
    return chain.from_iterable(_of_cast(seed, number) for number in casts)


def sources(seed: int, casts: Sequence[int]) -> Iterator[tuple[Region, list[Still]]]:
    """Of each region, the pictures of the casts' people from which the others would be made."""
    every = [case for case in cases(seed, casts) if case.kind == TRUE and case.asked == OTHER_PLACE]
    for region in REGIONS:
        yield region, [case.source for case in every if case.region == region]


def _of_cast(seed: int, number: int) -> Iterator[Case]:
    rng = np.random.default_rng([seed, number, 12])
    person, other, beside = (draw_actor(int(rng.integers(2**32))) for _ in range(3))
    while other.look.feminine != person.look.feminine:
        other = draw_actor(int(rng.integers(2**32)))
    cast = _Cast(
        person,
        stranger=replace(other, outfit=person.outfit),
        changed=replace(person, outfit=draw_outfit(rng, person.look.feminine)),
        patterned=replace(person, outfit=_patterned(person.outfit, np.random.default_rng([seed, number, 13]))),
        beside=beside,
    )
    here, there = (build_scene(int(rng.integers(2**32))) for _ in range(2))
    turned = float(rng.uniform(-12, 12)), float(rng.uniform(-12, 12))
    for region in REGIONS:
        with _Set(here, cast, region, rng) as filmed:
            source = filmed.still(cast.person, (turned[0], 0))
            right = {view: filmed.still(cast.person, at) for view, at in VIEWS[region].items()}
            for view, at in VIEWS[region].items():
                every = filmed.wrong(right[view], at)
                every[MIRRORED] = right[view].mirrored, view in ("left", "right")
                every[OTHER_VIEW] = right[_OPPOSITE[view]], True
                for kind, (made, is_seen) in every.items():
                    yield Case(seed, number, region, SAME_PLACE, view, kind, source, made, is_seen)
        with _Set(there, cast, region, rng) as filmed:
            at = turned[1], 0.0
            every = filmed.wrong(filmed.still(cast.person, at), at)
            for kind, (made, is_seen) in every.items():
                yield Case(seed, number, region, OTHER_PLACE, "front", kind, source, made, is_seen)


@dataclass(frozen=True, eq=False)
class _Cast:
    person: Actor
    stranger: Actor
    changed: Actor
    patterned: Actor
    beside: Actor

    @property
    def everybody(self) -> tuple[Actor, ...]:
        return self.person, self.stranger, self.changed, self.patterned, self.beside


def _patterned(outfit: Outfit, rng: np.random.Generator) -> Outfit:
    """The same clothes in the same colours; what is plain stays so."""
    return replace(
        outfit,
        top_fabric=rearranged(rng, outfit.top_fabric),
        jacket_fabric=rearranged(rng, outfit.jacket_fabric),
        bottom_fabric=rearranged(rng, outfit.bottom_fabric),
    )


class _Set:
    """A place with a cast and a camera that shows a region of them. Use as a context manager."""

    def __init__(self, scene: Scene, cast: _Cast, region: Region, rng: np.random.Generator) -> None:
        self._cast, self._region, self._rng = cast, region, rng
        self._width, self._height = _SIZE[region]
        self._canvas = Canvas(scene, cast.everybody, self._width, self._height)
        # who is taller is filmed from as much higher, by the same hand
        self._stranger_camera = self._camera_of(cast.stranger, deepcopy(rng))
        self._camera = self._camera_of(cast.person, rng)
        self._acting = alive(rng)

    def __enter__(self) -> "_Set":
        return self

    def __exit__(self, *_: object) -> None:
        self._canvas.__exit__()

    def _camera_of(self, actor: Actor, rng: np.random.Generator) -> Callable[[float], Camera]:
        eyes = eye_height(actor)
        low_high = (-0.12, eyes + 0.30) if self._region == "body" else (eyes - 0.42, eyes + 0.30)
        return framed(rng, *low_high, fov_deg=28.0)

    def wrong(self, true: Still, at: tuple[float, float]) -> dict[str, tuple[Still, bool]]:
        """By kind, with the right one, and whether what is wrong can be seen."""
        cast = self._cast
        stranger, changed, patterned = (self.still(each, at) for each in (cast.stranger, cast.changed, cast.patterned))
        return {
            TRUE: (true, True),
            STRANGER: (stranger, abs(at[0]) < _FACE_SEEN_TO_DEG),
            GARMENT: (changed, _changed(true, changed) >= _CHANGED_SHARE),
            PATTERN: (patterned, _changed(true, patterned) >= _CHANGED_SHARE),
            TWO: (self.still(cast.person, at, is_alone=False), True),
        }

    def still(self, actor: Actor, at: tuple[float, float], is_alone: bool = True) -> Still:
        """Yaw and pitch in degrees. All that is told of one place and angle stand alike."""
        t = (at[0] % 360) / 36
        camera = (self._stranger_camera if actor is self._cast.stranger else self._camera)(t)
        moment = replace(self._acting(t), heading_deg=at[0], head_pitch_deg=at[1], head_yaw_deg=0.0)
        everybody = self._cast.everybody
        performances = [perform(actor, moment) if each is actor else None for each in everybody]
        if not is_alone:
            x, y = _BESIDE_M[self._region]
            aside = replace(moment, x_m=x, y_m=y, heading_deg=0.0, head_pitch_deg=0.0)
            performances[-1] = perform(self._cast.beside, aside)
        posed = [None if each is None else each.posed for each in performances]
        picture = self._canvas.picture(camera, posed)
        seen = self._canvas.identity(camera, posed)
        number = [each is actor for each in everybody].index(True) + 1
        wanted = np.isin(seen.objects, [number] if is_alone else [number, len(everybody)])
        picture = np.clip(picture + self._rng.normal(0, _NOISE, picture.shape), 0, 255).astype(np.uint8)
        return self._cut(picture, seen.objects == number, wanted & (seen.face if self._region == "face" else True))

    def _cut(self, picture: Frame, mask: Bools, about: Bools) -> Still:
        around = square if self._region == "face" else with_margin
        cut = around(bounds(about), _MARGIN[self._region], self._width, self._height)
        part = slice(cut["y0"], cut["y1"]), slice(cut["x0"], cut["x1"])
        return Still(np.ascontiguousarray(picture[part]), np.ascontiguousarray(mask[part]))


def _changed(one: Still, other: Still) -> float:
    """Share of the person that looks otherwise, of pictures that were cut alike."""
    height, width = (min(a, b) for a, b in zip(one.mask.shape, other.mask.shape, strict=True))
    mask = one.mask[:height, :width]
    apart = np.abs(one.picture[:height, :width].astype(int) - other.picture[:height, :width]).max(axis=2)
    return float((apart[mask] >= _CHANGED).mean())
