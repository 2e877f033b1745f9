"""Scripts that a right pipeline rejects, each for one reason."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from actor18m.samples.truth import Expected
from studio.acting import Acting, alive, bust, eye_height, framed, knees_up, shift, speaking, whole
from studio.calls import Call, rejected, solo, times
from studio.film import Film, Grade, Take
from studio.motion import Moment, ease
from studio.scenery.sets import Kind, occluder

MaybeActing = Callable[[float], Moment | None]

WALK_M_S = 1.05


def walk_out(call: Call) -> Film:
    rng, actor = call.rng(), call.actor()
    way = 1 if call.number else -1
    still = alive(rng)

    def act(t: float) -> Moment:
        walking = ease(t, 0.5, 1.0)
        gone = WALK_M_S * max(0.0, t - 0.75) * 1.15
        return replace(
            still(t), x_m=way * (gone - 0.5), heading_deg=way * 90 * ease(t, 0.4, 1.1), stepping=walking, walked_m=gone
        )

    expected = rejected(
        "motion.occlusion",
        "bodies.mask_share",
        "motion.one_person",
        why="the person leaves the frame for over a third of the clip",
    )
    return solo(call, act, whole(rng, actor), 4.5, expected)


def behind_occluder(call: Call) -> Film:
    rng, actor = call.rng(), call.actor()
    way = 1 if call.number else -1
    kind: Kind = "outdoor" if call.number else "room"
    still = alive(rng)
    scene = call.scene(kind=kind)
    scene = replace(scene, surfaces=(*scene.surfaces, occluder(rng, kind)))

    def act(t: float) -> tuple[Moment]:
        m = replace(still(t), heading_deg=way * 78, head_yaw_deg=-way * 30, stepping=1.0, walked_m=WALK_M_S * t)
        return (replace(m, x_m=way * WALK_M_S * (t - 2.0), y_m=0.25),)

    take = Take(scene, (actor,), framed(rng, -0.1, eye_height(actor) + 0.35, 32.0, shake=0.5), act)
    expected = rejected("motion.occlusion", why="the whole body is hidden for more than half a second")
    return Film(call.name, call.script, call.set_seed, times(4.0), ((0.0, take),), expected)


def _cut(
    call: Call, same_actor: bool, same_scene: bool, expected: Expected, duration_s: float = 4.0, dissolve_s: float = 0.0
) -> Film:
    rng = call.rng()
    people = [call.actor(), call.actor() if same_actor else call.actor(1)]
    scenes = [call.scene(), call.scene() if same_scene else call.scene(2)]

    def take(k: int) -> Take:
        act = speaking(rng, 0.5)
        view = (bust if (k + call.number) % 2 else knees_up)(rng, people[k])
        return Take(scenes[k], (people[k],), view, lambda t: (act(t),))

    second_starts_s = duration_s * (0.5 + 0.08 * call.number)
    takes = (0.0, take(0)), (second_starts_s, take(1))
    return Film(call.name, call.script, call.set_seed, times(duration_s), takes, expected, dissolve_s=dissolve_s)


def cut_same_actor(call: Call) -> Film:
    return _cut(call, True, False, rejected("motion.cut", why="a hard cut to another scene"))


def cut_other_actor(call: Call) -> Film:
    expected = rejected(
        "motion.cut", "identity.mean_similarity", "motion.one_identity", why="a hard cut to another person"
    )
    return _cut(call, False, call.number == 1, expected)


def dissolve_other(call: Call) -> Film:
    expected = rejected(
        "motion.cut", "identity.mean_similarity", "motion.one_identity", why="a slow dissolve to another person"
    )
    return _cut(call, False, call.number == 1, expected, duration_s=5.0, dissolve_s=1.0)


def _two(call: Call, second: Callable[[Acting], MaybeActing], why: str, duration_s: float) -> Film:
    rng = call.rng()
    actors = call.actor(), call.actor(1)
    first = shift(speaking(rng, 0.5), x_m=-0.48, heading_deg=18.0)
    other = second(speaking(rng, 0.3))
    tallest = max(actors, key=eye_height)
    view = framed(rng, 0.25, eye_height(tallest) + 0.3, 32.0)
    take = Take(call.scene(), actors, view, lambda t: (first(t), other(t)))
    return Film(
        call.name,
        call.script,
        call.set_seed,
        times(duration_s),
        ((0.0, take),),
        rejected("motion.one_person", "identity.one_face", why=why),
    )


def second_enters(call: Call) -> Film:
    def second(talking: Acting) -> MaybeActing:
        def act(t: float) -> Moment | None:
            x = max(0.5, 2.6 - WALK_M_S * 1.1 * t)
            arrived = ease(t, 1.6, 2.3)
            return replace(
                talking(t), x_m=x, y_m=0.1, heading_deg=-90 + 75 * arrived, stepping=1 - arrived, walked_m=2.6 - x
            )

        return act

    return _two(call, second, "a second person walks in", 4.5)


def two_people(call: Call) -> Film:
    return _two(call, lambda talking: shift(talking, x_m=0.45, heading_deg=-18.0), "two people all along", 3.5)


def nobody(call: Call) -> Film:
    rng = call.rng()
    view = framed(rng, 0.2, 1.9, 34.0, shake=2.5)
    take = Take(call.scene(), (), view, lambda t: ())
    return Film(
        call.name,
        call.script,
        call.set_seed,
        times(3.0),
        ((0.0, take),),
        rejected("identity.fit_faces", why="nobody is there"),
    )


def from_behind(call: Call) -> Film:
    rng, actor = call.rng(), call.actor()
    still = shift(alive(rng), heading_deg=180.0 + rng.uniform(-12, 12))

    def walking_off(t: float) -> Moment:
        return replace(still(t), y_m=-0.9 + 0.6 * t, stepping=0.7, walked_m=0.6 * t)

    expected = rejected("identity.fit_faces", why="seen from behind all along: no face to compare")
    if call.number:
        return solo(call, walking_off, whole(rng, actor), 3.5, expected)
    return solo(call, still, knees_up(rng, actor), 3.5, expected)


def far_away(call: Call) -> Film:
    rng = call.rng()
    act = shift(speaking(rng, 0.6), heading_deg=10.0)
    view = framed(rng, -2.6, 3.9, 47.0 if call.number else 45.0, shake=0.3)
    return solo(call, act, view, 3.0, rejected("identity.fit_faces", why="the face is under 24 pixels"))


def _standing(call: Call, rule: str, why: str, **film: Any) -> Film:
    rng, actor = call.rng(), call.actor()
    return solo(call, speaking(rng), knees_up(rng, actor), 3.0, rejected(rule, why=why), **film)


def very_dark(call: Call) -> Film:
    return _standing(call, "identity.fit_faces", "too dark to see a face", grade=Grade(exposure=0.005, noise=2.0))


def overexposed(call: Call) -> Film:
    return _standing(call, "identity.fit_faces", "faces are burnt out", grade=Grade(exposure=200.0, noise=1.0))


def low_resolution(call: Call) -> Film:
    why = "the short side is under 256 pixels"
    return _standing(call, "intake.short_side", why, width=320, height=180)


def one_second(call: Call) -> Film:
    rng, actor = call.rng(), call.actor()
    return solo(call, speaking(rng), bust(rng, actor), 1.0, rejected("intake.duration", why="shorter than two seconds"))
