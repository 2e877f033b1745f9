"""The list of scripts, and the clips that make a set."""

from collections.abc import Callable

from studio import clean_scripts, flawed_scripts
from studio.calls import Call
from studio.film import Film

SCRIPTS: dict[str, Callable[[Call], Film]] = {
    "turn_standing": clean_scripts.turn_standing,
    "turn_walking": clean_scripts.turn_walking,
    "half_turn": clean_scripts.half_turn,
    "talk_yaw": clean_scripts.talk_yaw,
    "talk_pitch": clean_scripts.talk_pitch,
    "expressions": clean_scripts.expressions,
    "phone_rotated": clean_scripts.phone_rotated,
    "variable_rate": clean_scripts.variable_rate,
    "sixty_fps": clean_scripts.sixty_fps,
    "walk_out": flawed_scripts.walk_out,
    "behind_occluder": flawed_scripts.behind_occluder,
    "cut_same_actor": flawed_scripts.cut_same_actor,
    "cut_other_actor": flawed_scripts.cut_other_actor,
    "dissolve_other": flawed_scripts.dissolve_other,
    "second_enters": flawed_scripts.second_enters,
    "two_people": flawed_scripts.two_people,
    "nobody": flawed_scripts.nobody,
    "from_behind": flawed_scripts.from_behind,
    "far_away": flawed_scripts.far_away,
    "very_dark": flawed_scripts.very_dark,
    "overexposed": flawed_scripts.overexposed,
    "low_resolution": flawed_scripts.low_resolution,
    "one_second": flawed_scripts.one_second,
}
"""Every script. A set has two clips of each: other people in other places, and often another variant."""

CLIPS_OF_EACH = 2

NEAR_DUPLICATES = {"near_duplicate_1": "turn_standing_1", "near_duplicate_2": "talk_yaw_1"}
"""Clips made from another clip of the set: re-encoded and cropped by 2%."""


def calls(set_seed: int) -> list[Call]:
    """All clips of a set that are filmed (near duplicates are made from these)."""
    return [
        Call(f"{script}_{number + 1}", script, set_seed, number)
        for script in SCRIPTS
        for number in range(CLIPS_OF_EACH)
    ]


def film(call: Call) -> Film:
    return SCRIPTS[call.script](call)
