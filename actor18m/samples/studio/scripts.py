"""The list of scripts, and the clips that make a set."""

from collections.abc import Callable

from actor18m.samples.studio import clean_scripts, flawed_scripts
from actor18m.samples.studio.calls import Call
from actor18m.samples.studio.film import Film

SCRIPTS: dict[str, tuple[Callable[[Call], Film], int]] = {
    "turn_standing": (clean_scripts.turn_standing, 2),
    "turn_walking": (clean_scripts.turn_walking, 1),
    "half_turn": (clean_scripts.half_turn, 2),
    "talk_yaw": (clean_scripts.talk_yaw, 2),
    "talk_pitch": (clean_scripts.talk_pitch, 2),
    "expressions": (clean_scripts.expressions, 1),
    "phone_rotated": (clean_scripts.phone_rotated, 2),
    "variable_rate": (clean_scripts.variable_rate, 1),
    "sixty_fps": (clean_scripts.sixty_fps, 1),
    "walk_out": (flawed_scripts.walk_out, 1),
    "behind_occluder": (flawed_scripts.behind_occluder, 2),
    "cut_same_actor": (flawed_scripts.cut_same_actor, 2),
    "cut_other_actor": (flawed_scripts.cut_other_actor, 2),
    "dissolve_other": (flawed_scripts.dissolve_other, 1),
    "second_enters": (flawed_scripts.second_enters, 1),
    "two_people": (flawed_scripts.two_people, 2),
    "nobody": (flawed_scripts.nobody, 2),
    "from_behind": (flawed_scripts.from_behind, 2),
    "far_away": (flawed_scripts.far_away, 1),
    "very_dark": (flawed_scripts.very_dark, 1),
    "overexposed": (flawed_scripts.overexposed, 1),
    "low_resolution": (flawed_scripts.low_resolution, 1),
    "one_second": (flawed_scripts.one_second, 1),
}
"""Every script and how many clips of it a set has."""

NEAR_DUPLICATES = {"near_duplicate_1": "turn_standing_1", "near_duplicate_2": "talk_yaw_1"}
"""Clips made from another clip of the set: re-encoded and cropped by 2%."""


def calls(set_seed: int) -> list[Call]:
    """All clips of a set that are filmed (near duplicates are made from these)."""
    return [
        Call(f"{script}_{number + 1}", script, set_seed, number)
        for script, (_, count) in SCRIPTS.items()
        for number in range(count)
    ]


def film(call: Call) -> Film:
    return SCRIPTS[call.script][0](call)
