"""What happens in each sample: the scripts, and the decision that a right pipeline takes about them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from actor18m.samples.studio import body
from actor18m.samples.studio.actor import Actor, draw_actor
from actor18m.samples.studio.camera import Camera
from actor18m.samples.studio.motion import EXPRESSIONS, Curve, Moment, blend, blinks, ease, express, talk, wander
from actor18m.samples.studio.scene import Scene
from actor18m.samples.studio.sets import build_scene, occluder
from actor18m.samples.studio.shoot import Film, Grade, Take
from actor18m.samples.truth import Expected

Acting = Callable[[float], Moment]

ACCEPTED = Expected(state="accepted", rules=[], why="one person, the same from the first frame to the last")
WALK_M_S = 1.05


@dataclass(frozen=True)
class Call:
    """What a script is called with: one clip of a set."""

    name: str
    script: str
    set_seed: int
    number: int  # of the clip within its script

    def rng(self) -> np.random.Generator:
        return np.random.default_rng([self.set_seed, *self.name.encode()])

    def actor(self, which: int = 0) -> Actor:
        """Everyone in a set is someone else; `which` counts the people of one clip."""
        index = list(SCRIPTS).index(self.script)
        return _cached_actor(self.set_seed * 1000 + index * 10 + self.number * 3 + which)

    def scene(self, which: int = 0, kind: str | None = None) -> Scene:
        index = list(SCRIPTS).index(self.script)
        return build_scene(self.set_seed * 1000 + index * 10 + self.number * 3 + which, kind)  # type: ignore[arg-type]


@cache
def _cached_actor(seed: int) -> Actor:
    return draw_actor(seed)


def times(duration_s: float, fps: float = 24.0) -> tuple[float, ...]:
    return tuple(k / fps for k in range(round(duration_s * fps)))


def alive(rng: np.random.Generator) -> Acting:
    """Someone standing: breath, weight shifts, blinks and small looks around."""
    blink, sway, look, nod = blinks(rng), wander(rng, 3.1), wander(rng, 2.7), wander(rng, 2.2)
    arms = wander(rng, 4.0), wander(rng, 4.4)
    return lambda t: Moment(
        sway_deg=1.2 * sway(t),
        lean_deg=0.8 * np.sin(2 * np.pi * t / 3.4),
        head_yaw_deg=4.0 * look(t),
        head_pitch_deg=2.5 * nod(t),
        gesture_left=0.06 + 0.05 * arms[0](t),
        gesture_right=0.06 + 0.05 * arms[1](t),
        face={"eyeBlink": blink(t)},
    )


def speaking(rng: np.random.Generator, hands: float = 0.5) -> Acting:
    """Someone talking, with their hands too."""
    still, speech, mood = alive(rng), talk(rng), wander(rng, 3.0)
    left, right = wander(rng, 1.7), wander(rng, 1.9)

    def act(t: float) -> Moment:
        m = still(t)
        return replace(
            m,
            head_yaw_deg=1.6 * m.head_yaw_deg,
            head_roll_deg=2.5 * mood(t),
            gesture_left=hands * max(0.0, 0.55 + 0.45 * left(t)),
            gesture_right=hands * max(0.0, 0.45 + 0.5 * right(t)),
            face=blend(m.face, speech(t)),
        )

    return act


def shift(act: Acting, **by: float) -> Acting:
    """The same acting with numbers of its moments moved by these amounts."""
    return lambda t: replace(act(t), **{name: getattr(act(t), name) + value for name, value in by.items()})


def eye_height(actor: Actor) -> float:
    mesh = body.mesh()
    floor = actor.shape.vertices[mesh.corner_vertex[mesh.triangles["skin"]].reshape(-1), 2].min()
    return float(actor.shape.bone_heads[mesh.bone_names.index("eye.L"), 2] - floor) + 0.008


def framed(rng: np.random.Generator, low_m: float, high_m: float, fov_deg: float = 30.0, aside_deg: float = 0.0, x_m: float = 0.0, shake: float = 1.0, follow: Curve | None = None) -> Callable[[float], Camera]:
    """A hand-held camera that shows heights low to high at the actors' place, with a slow zoom and drift."""
    distance = (high_m - low_m) / 2 / np.tan(np.radians(fov_deg) / 2)
    aside = np.radians(aside_deg + rng.uniform(-4, 4))
    height = float(np.clip((low_m + high_m) / 2 + rng.uniform(-0.1, 0.25), 0.6, 1.75))
    drift = [wander(rng, p) for p in (5.0, 4.2, 6.0, 1.3, 1.1)]
    zoom, dolly = rng.uniform(-0.05, 0.05), rng.uniform(-0.12, 0.12)

    def camera(t: float) -> Camera:
        centre = x_m + (follow(t) if follow else 0.0)
        move = shake * distance / 4
        position = (
            centre + distance * np.sin(aside) + dolly * t * move + 0.05 * move * drift[0](t),
            -distance * np.cos(aside) + 0.04 * move * drift[2](t),
            height + 0.03 * move * drift[1](t),
        )
        target = (centre + 0.02 * move * drift[3](t), 0.0, (low_m + high_m) / 2 + 0.015 * move * drift[4](t))
        return Camera(position, target, fov_deg * (1 + zoom * np.sin(0.5 * t)), roll_deg=0.4 * shake * drift[0](t))

    return camera


def whole(rng: np.random.Generator, actor: Actor, **options: float) -> Callable[[float], Camera]:
    return framed(rng, -0.12, eye_height(actor) + 0.30, 28.0, **options)  # type: ignore[arg-type]


def knees_up(rng: np.random.Generator, actor: Actor, **options: float) -> Callable[[float], Camera]:
    return framed(rng, 0.45, eye_height(actor) + 0.26, 28.0, **options)  # type: ignore[arg-type]


def bust(rng: np.random.Generator, actor: Actor, **options: float) -> Callable[[float], Camera]:
    eyes = eye_height(actor)
    return framed(rng, eyes - 0.48, eyes + 0.26, 26.0, **options)  # type: ignore[arg-type]


def solo(call: Call, acting: Acting, camera: Callable[[float], Camera], duration_s: float, expected: Expected = ACCEPTED, **film: object) -> Film:
    take = Take(call.scene(), (call.actor(),), camera, lambda t: (acting(t),))
    clip = {"times_s": times(duration_s)} | film
    return Film(call.name, call.script, call.set_seed, takes=((0.0, take),), expected=expected, **clip)  # type: ignore[arg-type]


def rejected(*rules: str, why: str) -> Expected:
    return Expected(state="rejected", rules=list(rules), why=why)


# --- accepted ---------------------------------------------------------------------------------------------------------


def turn_standing(call: Call) -> Film:
    rng, actor = call.rng(), call.actor()
    way = 1 if call.number == 0 else -1
    still = alive(rng)

    def act(t: float) -> Moment:
        m, turned = still(t), way * 360 * ease(t, 0.5, 5.5)
        turning = min(ease(t, 0.4, 0.9), 1 - ease(t, 5.2, 5.7))
        return replace(m, heading_deg=turned, stepping=0.22 * turning, walked_m=t * 0.7, head_yaw_deg=m.head_yaw_deg + way * 8 * turning)

    return solo(call, act, (knees_up if call.number else whole)(rng, actor), 6.0)


def turn_walking(call: Call) -> Film:
    rng, actor = call.rng(), call.actor()
    way, radius, pace = (1 if call.number else -1), 0.85, 0.9
    still = alive(rng)
    offset = -way * np.pi / 2 + rng.uniform(-0.4, 0.4)

    def act(t: float) -> Moment:
        # Heading h moves along (sin h, -cos h); a circle's centre lies to the inner side.
        heading = offset + way * pace / radius * t
        x, y = -way * radius * (np.cos(heading) - np.cos(offset)), -way * radius * (np.sin(heading) - np.sin(offset))
        return replace(still(t), x_m=x - way * radius * np.cos(offset), y_m=y - way * radius * np.sin(offset), heading_deg=float(np.degrees(heading)), stepping=0.8, walked_m=pace * t)

    return solo(call, act, framed(rng, -0.15, eye_height(actor) + 0.42, 30.0), 6.5)


def half_turn(call: Call) -> Film:
    rng, actor = call.rng(), call.actor()
    way = 1 if call.number else -1
    still = speaking(rng, 0.3)

    def act(t: float) -> Moment:
        back = 1 if call.number else 0
        turned = way * (90 - 180 * ease(t, 0.5, 3.4)) if not back else way * 180 * (1 - ease(t, 0.4, 3.0))
        return replace(still(t), heading_deg=turned, stepping=0.2 * min(ease(t, 0.3, 0.8), 1 - ease(t, 3.0, 3.5)), walked_m=0.7 * t)

    return solo(call, act, knees_up(rng, actor), 4.0)


def talk_yaw(call: Call) -> Film:
    rng, actor = call.rng(), call.actor()
    speech = speaking(rng, 0.25)
    way = 1 if call.number else -1
    act = lambda t: replace(speech(t), head_yaw_deg=way * 72 * np.sin(2 * np.pi * t / 5.0), heading_deg=way * 14 * np.sin(2 * np.pi * (t - 0.15) / 5.0))  # noqa: E731
    return solo(call, act, bust(rng, actor), 5.0)


def talk_pitch(call: Call) -> Film:
    rng, actor = call.rng(), call.actor()
    speech = speaking(rng, 0.2)
    way = 1 if call.number else -1
    act = lambda t: replace(speech(t), head_pitch_deg=way * 34 * np.sin(2 * np.pi * t / 4.0), lean_deg=-way * 3 * np.sin(2 * np.pi * t / 4.0))  # noqa: E731
    return solo(call, act, bust(rng, actor), 4.0)


def expressions(call: Call) -> Film:
    rng, actor = call.rng(), call.actor()
    still = alive(rng)
    order = ["neutral", *rng.permutation([e for e in EXPRESSIONS if e != "neutral"])]

    def act(t: float) -> Moment:
        k = min(int(t), 7)
        name = str(order[k])
        m = still(t)
        strength = ease(t - k, 0.0, 0.25) * (1 - ease(t - k, 0.88, 1.0))
        shown = name if 0.2 <= t - k <= 0.92 or name == "neutral" else "neutral"
        return replace(m, head_yaw_deg=0.6 * m.head_yaw_deg, expression=shown, face=blend(m.face, express(name, strength)))

    return solo(call, act, bust(rng, actor, shake=0.6), 8.0)


def phone_rotated(call: Call) -> Film:
    rng, actor = call.rng(), call.actor()
    act = shift(speaking(rng, 0.7), heading_deg=20.0 if call.number else -15.0)
    view = framed(rng, 0.1 if call.number else -0.1, eye_height(actor) + 0.3, 42.0, shake=2.0)
    return solo(call, act, view, 4.0, width=540, height=960, rotation=270 if call.number else 90)


def variable_rate(call: Call) -> Film:
    rng, actor = call.rng(), call.actor()
    steps = rng.choice([1 / 30, 1 / 24, 1 / 15, 1 / 12], size=200, p=[0.4, 0.3, 0.2, 0.1])
    at = np.concatenate([[0.0], np.cumsum(steps)])
    act = shift(speaking(rng, 0.6), heading_deg=-25.0 if call.number else 15.0)
    return solo(call, act, (knees_up if call.number else bust)(rng, actor), 4.0, times_s=tuple(float(t) for t in at[at < 4.0]))


def sixty_fps(call: Call) -> Film:
    rng, actor = call.rng(), call.actor()
    return solo(call, speaking(rng, 0.8), knees_up(rng, actor), 3.0, times_s=times(3.0, 60.0))


# --- rejected or repeated ----------------------------------------------------------------------------------------------


def walk_out(call: Call) -> Film:
    rng, actor = call.rng(), call.actor()
    way = 1 if call.number else -1
    still = alive(rng)

    def act(t: float) -> Moment:
        walking = ease(t, 0.5, 1.0)
        gone = WALK_M_S * max(0.0, t - 0.75) * 1.15
        return replace(still(t), x_m=way * (gone - 0.5), heading_deg=way * 90 * ease(t, 0.4, 1.1), stepping=walking, walked_m=gone)

    expected = rejected("motion.occlusion", "bodies.mask_share", "motion.one_person", why="the person leaves the frame for over a third of the clip")
    return solo(call, act, whole(rng, actor), 4.5, expected)


def behind_occluder(call: Call) -> Film:
    rng, actor = call.rng(), call.actor()
    way = 1 if call.number else -1
    still = alive(rng)
    scene = call.scene()
    scene = replace(scene, surfaces=(*scene.surfaces, occluder(rng, "room" if call.number == 0 else "outdoor")))
    act = lambda t: (replace(still(t), x_m=way * WALK_M_S * (t - 2.0), y_m=0.25, heading_deg=way * 78, stepping=1.0, walked_m=WALK_M_S * t, head_yaw_deg=-way * 30),)  # noqa: E731
    take = Take(scene, (actor,), framed(rng, -0.1, eye_height(actor) + 0.35, 32.0, shake=0.5), act)
    expected = rejected("motion.occlusion", why="the whole body is hidden for more than half a second")
    return Film(call.name, call.script, call.set_seed, times(4.0), ((0.0, take),), expected)


def _cut(call: Call, same_actor: bool, same_scene: bool, expected: Expected, duration_s: float = 4.0, dissolve_s: float = 0.0) -> Film:
    rng = call.rng()
    people = [call.actor(), call.actor() if same_actor else call.actor(1)]
    scenes = [call.scene(), call.scene() if same_scene else call.scene(2)]
    takes = []
    for k, (actor, scene) in enumerate(zip(people, scenes, strict=True)):
        act = speaking(rng, 0.5)
        view = (bust if (k + call.number) % 2 else knees_up)(rng, actor)
        takes.append((k * duration_s * (0.5 + 0.08 * call.number), Take(scene, (actor,), view, lambda t, act=act: (act(t),))))  # type: ignore[misc]
    return Film(call.name, call.script, call.set_seed, times(duration_s), tuple(takes), expected, dissolve_s=dissolve_s)


def cut_same_actor(call: Call) -> Film:
    return _cut(call, True, False, rejected("motion.cut", why="a hard cut to another scene"))


def cut_other_actor(call: Call) -> Film:
    expected = rejected("motion.cut", "identity.mean_similarity", "motion.one_identity", why="a hard cut to another person")
    return _cut(call, False, call.number == 1, expected)


def dissolve_other(call: Call) -> Film:
    expected = rejected("motion.cut", "identity.mean_similarity", "motion.one_identity", why="a slow dissolve to another person")
    return _cut(call, False, call.number == 1, expected, duration_s=5.0, dissolve_s=1.0)


def _two(call: Call, second: Callable[[Acting], Callable[[float], Moment | None]], why: str, duration_s: float) -> Film:
    rng = call.rng()
    actors = call.actor(), call.actor(1)
    first = shift(speaking(rng, 0.5), x_m=-0.48, heading_deg=18.0)
    other = second(speaking(rng, 0.3))
    tallest = max(actors, key=eye_height)
    view = framed(rng, 0.25, eye_height(tallest) + 0.3, 32.0)
    take = Take(call.scene(), actors, view, lambda t: (first(t), other(t)))
    return Film(call.name, call.script, call.set_seed, times(duration_s), ((0.0, take),), rejected("motion.one_person", "identity.one_face", why=why))


def second_enters(call: Call) -> Film:
    def second(talking: Acting) -> Callable[[float], Moment | None]:
        def act(t: float) -> Moment | None:
            x = max(0.5, 2.6 - WALK_M_S * 1.1 * t)
            arrived = ease(t, 1.6, 2.3)
            return replace(talking(t), x_m=x, y_m=0.1, heading_deg=-90 + 75 * arrived, stepping=1 - arrived, walked_m=2.6 - x)

        return act

    return _two(call, second, "a second person walks in", 4.5)


def two_people(call: Call) -> Film:
    return _two(call, lambda talking: shift(talking, x_m=0.45, heading_deg=-18.0), "two people all along", 3.5)


def nobody(call: Call) -> Film:
    rng = call.rng()
    view = framed(rng, 0.2, 1.9, 34.0, shake=2.5)
    take = Take(call.scene(), (), view, lambda t: ())
    return Film(call.name, call.script, call.set_seed, times(3.0), ((0.0, take),), rejected("identity.fit_faces", why="nobody is there"))


def from_behind(call: Call) -> Film:
    rng, actor = call.rng(), call.actor()
    act = shift(alive(rng), heading_deg=180.0 + rng.uniform(-12, 12))
    if call.number:
        still = act
        act = lambda t: replace(still(t), y_m=-0.9 + 0.6 * t, stepping=0.7, walked_m=0.6 * t)  # noqa: E731
    return solo(call, act, (whole if call.number else knees_up)(rng, actor), 3.5, rejected("identity.fit_faces", why="seen from behind all along: no face to compare"))


def far_away(call: Call) -> Film:
    rng, actor = call.rng(), call.actor()
    act = shift(speaking(rng, 0.6), heading_deg=10.0)
    view = framed(rng, -2.6, 3.9, 47.0 if call.number else 45.0, shake=0.3)
    return solo(call, act, view, 3.0, rejected("identity.fit_faces", why="the face is under 24 pixels"))


def very_dark(call: Call) -> Film:
    rng, actor = call.rng(), call.actor()
    return solo(call, speaking(rng), knees_up(rng, actor), 3.0, rejected("identity.fit_faces", why="too dark to see a face"), grade=Grade(exposure=0.010, noise=2.5))


def overexposed(call: Call) -> Film:
    rng, actor = call.rng(), call.actor()
    return solo(call, speaking(rng), knees_up(rng, actor), 3.0, rejected("identity.fit_faces", why="faces are burnt out"), grade=Grade(exposure=60.0, noise=1.0))


def low_resolution(call: Call) -> Film:
    rng, actor = call.rng(), call.actor()
    return solo(call, speaking(rng), knees_up(rng, actor), 3.0, rejected("intake.short_side", why="the short side is under 256 pixels"), width=320, height=180)


def one_second(call: Call) -> Film:
    rng, actor = call.rng(), call.actor()
    return solo(call, speaking(rng), bust(rng, actor), 1.0, rejected("intake.duration", why="shorter than two seconds"))


SCRIPTS: dict[str, tuple[Callable[[Call], Film], int]] = {
    "turn_standing": (turn_standing, 2),
    "turn_walking": (turn_walking, 2),
    "half_turn": (half_turn, 2),
    "talk_yaw": (talk_yaw, 2),
    "talk_pitch": (talk_pitch, 2),
    "expressions": (expressions, 2),
    "phone_rotated": (phone_rotated, 2),
    "variable_rate": (variable_rate, 2),
    "sixty_fps": (sixty_fps, 1),
    "walk_out": (walk_out, 2),
    "behind_occluder": (behind_occluder, 2),
    "cut_same_actor": (cut_same_actor, 2),
    "cut_other_actor": (cut_other_actor, 2),
    "dissolve_other": (dissolve_other, 2),
    "second_enters": (second_enters, 2),
    "two_people": (two_people, 2),
    "nobody": (nobody, 2),
    "from_behind": (from_behind, 2),
    "far_away": (far_away, 2),
    "very_dark": (very_dark, 1),
    "overexposed": (overexposed, 1),
    "low_resolution": (low_resolution, 1),
    "one_second": (one_second, 1),
}
"""Every script and how many clips of it a set has. New scripts go to the end: a clip's people hang on its place."""

NEAR_DUPLICATES = {"near_duplicate_1": "turn_standing_1", "near_duplicate_2": "talk_yaw_1"}
"""Clips made from another clip of the set: re-encoded and cropped by 2%."""


def calls(set_seed: int) -> list[Call]:
    """All clips of a set that are filmed (near duplicates are made from these)."""
    return [
        Call(f"{script}_{number + 1}", script, set_seed, number) for script, (_, count) in SCRIPTS.items() for number in range(count)
    ]


def film(call: Call) -> Film:
    return SCRIPTS[call.script][0](call)
