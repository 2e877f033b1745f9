"""Building blocks of scripts: people who stand and speak, and the hand-held cameras that film them."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from studio import body
from studio.actor import Actor
from studio.camera import Camera
from studio.motion import Moment, blend, blinks, talk, wander

Acting = Callable[[float], Moment]


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

    def shifted(t: float) -> Moment:
        m = act(t)
        return replace(m, **{name: getattr(m, name) + value for name, value in by.items()})

    return shifted


def eye_height(actor: Actor) -> float:
    mesh = body.mesh()
    floor = actor.shape.vertices[mesh.corner_vertex[mesh.triangles["skin"]].reshape(-1), 2].min()
    return float(actor.shape.bone_heads[mesh.bone_names.index("eye.L"), 2] - floor) + 0.008


def framed(
    rng: np.random.Generator,
    low_m: float,
    high_m: float,
    fov_deg: float = 30.0,
    shake: float = 1.0,
) -> Callable[[float], Camera]:
    """A hand-held camera that shows heights low to high at the actors' place, with a slow zoom and drift."""
    distance = (high_m - low_m) / 2 / np.tan(np.radians(fov_deg) / 2)
    aside = np.radians(rng.uniform(-4, 4))
    height = float(np.clip((low_m + high_m) / 2 + rng.uniform(-0.1, 0.25), 0.6, 1.75))
    drift = [wander(rng, p) for p in (5.0, 4.2, 6.0, 1.3, 1.1)]
    zoom, dolly = rng.uniform(-0.05, 0.05), rng.uniform(-0.12, 0.12)

    def camera(t: float) -> Camera:
        move = shake * distance / 4
        position = (
            distance * np.sin(aside) + dolly * t * move + 0.05 * move * drift[0](t),
            -distance * np.cos(aside) + 0.04 * move * drift[2](t),
            height + 0.03 * move * drift[1](t),
        )
        target = (0.02 * move * drift[3](t), 0.0, (low_m + high_m) / 2 + 0.015 * move * drift[4](t))
        return Camera(position, target, fov_deg * (1 + zoom * np.sin(0.5 * t)), roll_deg=0.4 * shake * drift[0](t))

    return camera


def whole(rng: np.random.Generator, actor: Actor, shake: float = 1.0) -> Callable[[float], Camera]:
    return framed(rng, -0.12, eye_height(actor) + 0.30, 28.0, shake)


def knees_up(rng: np.random.Generator, actor: Actor, shake: float = 1.0) -> Callable[[float], Camera]:
    return framed(rng, 0.45, eye_height(actor) + 0.26, 28.0, shake)


def bust(rng: np.random.Generator, actor: Actor, shake: float = 1.0) -> Callable[[float], Camera]:
    eyes = eye_height(actor)
    return framed(rng, eyes - 0.48, eyes + 0.26, 26.0, shake)
