"""How often a reference's mask is wrong, by how far a second segmenter agrees on it: on samples whose masks are known.

python -m tests.bench.mask_agreement [FOLDER ...]      folders of samples; those that ship, where none is named
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from actor18m.arrays import Bools, Frame
from actor18m.media.boxes import square, with_margin
from actor18m.media.video import frames
from actor18m.models.backends import load
from actor18m.samples.shipped import SHIPPED
from actor18m.samples.truth import Truth
from stages.looks.agreement import AgreementParameters, second_opinion
from stages.looks.clear import ClearParameters

BOUNDS = (0.0, 0.86, 0.88, 0.90, 0.92, 0.93, 0.94, 0.95, 0.96)
FRAMES = 10
"""Of each clip."""
_LEAST_IOU, _MOST_IN_SPOTS, _SPOT = 0.9, 0.05, 0.03
"""A mask is wrong below this overlap with the truth, or with more than this share of the person wrong in spots that are
broader than this share of the square root of the person's pixels: what an eye sees, and no thin fringe."""


@dataclass(frozen=True)
class Found:
    region: str
    agreement: float
    is_wrong: bool


def crops(folder: Path) -> Iterator[tuple[str, Frame, Bools, Bools]]:
    """Region, picture, mask and true mask, as references would be cut, of clips of one person."""
    clear, segmenter = ClearParameters(), load("mediapipe-pose")
    for path in sorted(folder.glob("*.json")):
        truth = Truth.read(path)
        if len(truth.actors) > 1 or truth.expected.state != "accepted":
            continue
        (actor,) = truth.actors
        shown = list(frames(str(path.with_suffix(".mp4")), fps=8))
        for sample in range(0, min(len(shown), len(truth.mask_frames)), max(1, len(shown) // FRAMES)):
            at, size = truth.mask_frames[sample], (truth.width, truth.height)
            body, face, counts = actor.body_box[at], actor.face_box[at], actor.body_masks[sample]
            if body is None or counts is None:
                continue
            (mask,) = segmenter.masks([(shown[sample][1], tuple(map(float, body)))])
            if mask is None:
                continue
            places = {"body": with_margin(body, clear.body_margin, *size)}
            is_clear = (actor.face_visible[at] or 0) >= clear.min_face_visibility
            if face is not None and is_clear and min(face[2] - face[0], face[3] - face[1]) >= clear.min_face_px:
                places["face"] = square(face, clear.face_margin, *size)
            for region, place in places.items():
                part = slice(place["y0"], place["y1"]), slice(place["x0"], place["x1"])
                whole = truth.mask(counts)
                if mask[part].any() and whole[part].any():
                    yield region, np.ascontiguousarray(shown[sample][1][part]), mask[part], whole[part]


def is_wrong(mask: Bools, true: Bools) -> bool:
    person = float(true.sum())
    px = max(3, round(_SPOT * np.sqrt(person)) | 1)
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (px, px))
    spots = cv2.morphologyEx((mask ^ true).astype(np.uint8), cv2.MORPH_OPEN, disk)
    overlap = (mask & true).sum() / (mask | true).sum()
    return bool(overlap < _LEAST_IOU or spots.sum() / person > _MOST_IN_SPOTS)


def table(found: Sequence[Found], region: str) -> None:
    own = [each for each in found if each.region == region]
    print(f"{region}: {len(own)} crops, {100 * np.mean([each.is_wrong for each in own]):.1f}% wrong")
    for bound in BOUNDS:
        kept = [each for each in own if each.agreement >= bound]
        wrong = sum(each.is_wrong for each in kept) / max(1, len(kept))
        print(f"  from {bound:.2f} on: {len(kept):4d} ({len(kept) / len(own):4.0%}), {wrong:6.1%} wrong")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, default=[SHIPPED])
    second, found = load("selfie-segmenter"), list[Found]()
    for folder in parser.parse_args().folders:
        for region, picture, mask, true in crops(folder):
            _, agreement = second_opinion(second, picture, mask, AgreementParameters())
            found.append(Found(region, agreement, is_wrong(mask, true)))
    for region in ("face", "body"):
        table(found, region)


if __name__ == "__main__":
    main()
