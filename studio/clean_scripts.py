"""Scripts that a right pipeline accepts: one person, the same all along."""

from dataclasses import replace

import numpy as np

from studio.acting import alive, bust, eye_height, framed, knees_up, shift, speaking, whole
from studio.calls import Call, solo, times
from studio.film import Film
from studio.motion import EXPRESSIONS, Moment, blend, ease, express


def turn_standing(call: Call) -> Film:
    rng, actor = call.rng(), call.actor()
    way = 1 if call.number == 0 else -1
    still = alive(rng)

    def act(t: float) -> Moment:
        m, turned = still(t), way * 360 * ease(t, 0.5, 5.5)
        turning = min(ease(t, 0.4, 0.9), 1 - ease(t, 5.2, 5.7))
        return replace(
            m,
            heading_deg=turned,
            stepping=0.22 * turning,
            walked_m=t * 0.7,
            head_yaw_deg=m.head_yaw_deg + way * 8 * turning,
        )

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
        return replace(
            still(t),
            x_m=x - way * radius * np.cos(offset),
            y_m=y - way * radius * np.sin(offset),
            heading_deg=float(np.degrees(heading)),
            stepping=0.8,
            walked_m=pace * t,
        )

    return solo(call, act, framed(rng, -0.15, eye_height(actor) + 0.42, 30.0), 6.5)


def half_turn(call: Call) -> Film:
    rng, actor = call.rng(), call.actor()
    way = 1 if call.number else -1
    still = speaking(rng, 0.3)

    def act(t: float) -> Moment:
        back = 1 if call.number else 0
        turned = way * (90 - 180 * ease(t, 0.5, 3.4)) if not back else way * 180 * (1 - ease(t, 0.4, 3.0))
        return replace(
            still(t), heading_deg=turned, stepping=0.2 * min(ease(t, 0.3, 0.8), 1 - ease(t, 3.0, 3.5)), walked_m=0.7 * t
        )

    return solo(call, act, knees_up(rng, actor), 4.0)


def talk_yaw(call: Call) -> Film:
    rng, actor = call.rng(), call.actor()
    speech = speaking(rng, 0.25)
    way = 1 if call.number else -1

    def act(t: float) -> Moment:
        head, chest = (np.sin(2 * np.pi * (t - late) / 5.0) for late in (0.0, 0.15))
        return replace(speech(t), head_yaw_deg=way * 72 * head, heading_deg=way * 14 * chest)

    return solo(call, act, bust(rng, actor), 5.0)


def talk_pitch(call: Call) -> Film:
    rng, actor = call.rng(), call.actor()
    speech = speaking(rng, 0.2)
    way = 1 if call.number else -1

    def act(t: float) -> Moment:
        nod = way * np.sin(2 * np.pi * t / 4.0)
        return replace(speech(t), head_pitch_deg=34 * nod, lean_deg=-3 * nod)

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
        return replace(
            m, head_yaw_deg=0.6 * m.head_yaw_deg, expression=shown, face=blend(m.face, express(name, strength))
        )

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
    return solo(
        call, act, (knees_up if call.number else bust)(rng, actor), 4.0, times_s=tuple(float(t) for t in at[at < 4.0])
    )


def sixty_fps(call: Call) -> Film:
    rng, actor = call.rng(), call.actor()
    return solo(call, speaking(rng, 0.8), knees_up(rng, actor), 3.0, times_s=times(3.0, 60.0))
