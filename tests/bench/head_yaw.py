"""How far the yaw of faces is off, on clips of digital actors, by how far the heads are turned.

python -m tests.bench.head_yaw [FOLDER ...]      # folders of clips with their truth; without any, those that ship

`points` is the detector's five alone; `faces` is what the stage tells by mesh and points, and the others what it tells
with a model of head poses beside them: MediaPipe's body points, or FSA-Net, where ACTOR18M_WEIGHTS has it. `alone` is
that model's own word, and `cut out` the stage's on a square about the face, as images have it.
"""

import argparse
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from actor18m.arrays import Box, Frame
from actor18m.inputs import canonical_uri
from actor18m.media.boxes import square
from actor18m.media.geometry import cut_out, square_around
from actor18m.media.video import frames
from actor18m.media.views import angle_between
from actor18m.models.backends import load
from actor18m.models.onnx_network import OnnxNetwork, OnnxParameters
from actor18m.models.roles import Face, Head
from actor18m.samples.shipped import SHIPPED
from actor18m.samples.truth import Truth
from stages.identity import rough_yaw_deg
from stages.looks.clear import ClearParameters
from stages.looks.face import FaceParameters, FaceReader

BANDS = (0, 30, 60, 75, 90, 105, 120, 180)
SCRIPTS = ("talk_yaw", "turn_standing", "turn_walking", "half_turn", "walk_out", "from_behind")
"""Those in which heads turn."""


class FsaNet:
    """HeadPose: the mean of two small networks that know heads up to 99 degrees."""

    def __init__(self, weights: Path) -> None:
        names = (f"fsanet-{kind}-iter-688590.onnx" for kind in ("1x1", "var"))
        self._networks = [OnnxNetwork(weights / name, OnnxParameters(device="cpu")) for name in names]

    def heads(self, frames: Sequence[Frame], people: Sequence[Box], faces: Sequence[Face]) -> list[Head | None]:
        return [self._head(cut_out(f, square_around(face.box, 1.4))) for f, face in zip(frames, faces, strict=True)]

    def _head(self, look: Frame) -> Head:
        small = cv2.resize(look, (64, 64), interpolation=cv2.INTER_AREA)[..., ::-1].astype(np.float32)
        seen = ((small - np.float32(127.5)) / np.float32(128)).transpose(2, 0, 1)[None]
        yaw, pitch, roll = np.mean([network(seen)[0][0] for network in self._networks], axis=0).tolist()
        return Head(-yaw, pitch, roll)


def measured(
    place: Path, readers: Mapping[str, FaceReader], models: Mapping[str, Any]
) -> Iterator[tuple[float, dict[str, float]]]:
    """The true yaw of each face that is found, and what each tells."""
    truth = Truth.read(place.with_suffix(".json"))
    (actor,) = truth.actors
    reader = next(iter(readers.values()))
    for (_, frame), at in zip(frames(canonical_uri(place), fps=8), truth.mask_frames, strict=False):
        yaw, box = actor.head_yaw_deg[at], actor.body_box[at]
        (face,) = reader.find([frame], [box]) if yaw is not None and box is not None else (None,)
        if face is None or yaw is None or box is None:
            continue
        told: dict[str, float] = {"points": rough_yaw_deg(face.points)}
        for name, each in readers.items():
            told[name] = each.read([frame], [face], [box])[0][0]["yaw_deg"]
        for name, model in models.items():
            (head,) = model.heads([frame], [box], [face])
            if head is not None:
                told[f"{name} alone"] = head.yaw_deg
        yield yaw, told | _cut_out(frame, face, readers)


def _cut_out(frame: Frame, face: Face, readers: Mapping[str, FaceReader]) -> dict[str, float]:
    sides = square(face.box, ClearParameters().face_margin, frame.shape[1], frame.shape[0])
    look = np.ascontiguousarray(frame[sides["y0"] : sides["y1"], sides["x0"] : sides["x1"]])
    whole = 0.0, 0.0, float(look.shape[1]), float(look.shape[0])
    told = {}
    for name, each in readers.items():
        (found,) = each.find([look], [whole])
        if found is not None:
            told[f"{name}, cut out"] = each.read([look], [found], [whole])[0][0]["yaw_deg"]
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, default=[SHIPPED])
    folders: list[Path] = parser.parse_args().folders
    players = {"faces": "centerface", "mesh": "mediapipe-face", "parsing": "mesh-parsing"}
    loaded: dict[str, Any] = {role: load(name) for role, name in players.items()}
    loaded["expression"] = load("blendshape-expression")
    readers = {"faces": FaceReader(loaded, FaceParameters())}
    models: dict[str, Any] = {"body points": load("mediapipe-pose")}
    if weights := os.environ.get("ACTOR18M_WEIGHTS"):
        models["FSA-Net"] = FsaNet(Path(weights))
    readers |= {name: FaceReader({**loaded, "heads": model}, FaceParameters()) for name, model in models.items()}
    errors: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
    clips = [place for folder in folders for place in sorted(folder.glob("*.mp4"))]
    for place in (place for place in clips if place.stem.rpartition("_")[0] in SCRIPTS):
        for yaw, told in measured(place, readers, models):
            band = sum(abs(yaw) >= edge for edge in BANDS[1:-1])
            for name, value in told.items():
                errors[name, band].append(angle_between(value, yaw))
    names = list(dict.fromkeys(name for name, _ in errors))
    print(f"{'median / p90 of n':<26}" + "".join(f"{f'{a} to {b}':>19}" for a, b in pairwise(BANDS)))
    for name in names:
        cells = [_cell(errors.get((name, band), [])) for band in range(len(BANDS) - 1)]
        print(f"{name:<26}" + "".join(f"{cell:>19}" for cell in cells))


def _cell(found: Sequence[float]) -> str:
    return f"{np.median(found):.1f} / {np.percentile(found, 90):.1f} of {len(found)}" if found else "-"


if __name__ == "__main__":
    main()
