"""How far the colours of a composite's edge are from a true one, on digital actors drawn before other places.

python -m tests.bench.composite_edges [--seed 18]
"""

import argparse
from collections.abc import Sequence

import cv2
import numpy as np

from actor18m.arrays import Bools, Floats
from actor18m.models.backends import load
from stages.composites import CompositesParameters
from stages.looks.matte import Band, person_colours, soft_matte
from tests.bench.edge_truth import Cutout, cutouts

NAMES = ["talk_yaw_1", "talk_pitch_2", "expressions_1", "turn_standing_1", "turn_walking_2", "half_turn_2"]
TIMES_S = (0.5, 2.0)
PLACES = {"bright": (226, 232, 236), "green": (84, 122, 60), "dark": (24, 24, 32)}
WAYS = ("pasted", "matted", "without spill")
"""What is compared: the mask's pixels as they are; mixed by the matte; and in the person's own colours."""


def edge(matte: Floats) -> Bools:
    """bool[H, W]: the pixels that the person covers in part, and those beside them."""
    partly = ((matte > 0.02) & (matte < 0.98)).astype(np.uint8)
    return cv2.dilate(partly, np.ones((3, 3), np.uint8)) > 0


def errors(cutout: Cutout, mask: Bools, place: Sequence[float], second: Bools | None = None) -> dict[str, float]:
    """By way, the mean difference from the truth in the edge, in steps of 255."""
    matte = soft_matte(cutout.seen, mask, Band(), second)
    person, share, behind = person_colours(cutout.seen, matte), matte[..., None], np.array(place, np.float32)
    true = cutout.own + (1 - cutout.matte[..., None]) * behind
    made = {
        "pasted": np.where(mask[..., None], cutout.seen, behind),
        "matted": share * cutout.seen + (1 - share) * behind,
        "without spill": share * person + (1 - share) * behind,
    }
    at_edge = edge(cutout.matte)
    return {way: float(np.abs(picture - true)[at_edge].mean()) for way, picture in made.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=18, help="other seeds give other people and places")
    args = parser.parse_args()
    segmenters = load("mediapipe-pose"), load("selfie-segmenter")
    found = list[tuple[str, str, dict[str, float]]]()
    print(f"{'sample':<18}{'mask':<11}{'before':<9}" + "".join(f"{way:>15}" for way in WAYS))
    for cutout in cutouts(NAMES, args.seed, TIMES_S):
        rows, columns = (np.flatnonzero(cutout.mask.any(axis=axis)) for axis in (1, 0))
        box = float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)
        seen, other = (next(each.masks([(cutout.seen, box)])) for each in segmenters)
        agrees = (seen & other).sum() >= CompositesParameters().least_agreement * (seen | other).sum()
        if agrees and cutout.mask[-1].any():
            masks = [("true", cutout.mask, None), ("by one", seen, None), ("by two", seen, other)]
        else:
            masks = [("true", cutout.mask, None), ("by one only", seen, None)]
        for kind, mask, second in masks:
            for name, place in PLACES.items():
                found.append((kind, name, errors(cutout, mask, place, second)))
                print(f"{cutout.name:<18}{kind:<11}{name:<9}" + "".join(f"{found[-1][2][w]:>15.1f}" for w in WAYS))
    for kind in dict.fromkeys(kind for kind, *_ in found):
        means = [np.mean([each[way] for of, _, each in found if of == kind]) for way in WAYS]
        print(f"{'mean':<18}{kind:<11}{'':<9}" + "".join(f"{mean:>15.1f}" for mean in means))


if __name__ == "__main__":
    main()
