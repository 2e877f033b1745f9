"""Makes a near duplicate of a rendered clip: cropped a little, encoded again, its truth moved along."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

from actor18m.samples.truth import ActorTruth, Box, Expected, Keypoint, Truth, encode_mask
from studio.encode import write_mp4
from studio.scripts import NEAR_DUPLICATES

Pixels = npt.NDArray[np.uint8]

CROPPED_SHARE = 0.02
CRF = 31


@dataclass(frozen=True)
class Crop:
    """The inner part of a frame, enlarged to the frame's size again."""

    width: int
    height: int

    @property
    def margin(self) -> tuple[int, int]:
        return round(self.width * CROPPED_SHARE / 2), round(self.height * CROPPED_SHARE / 2)

    def pixels(self, frame: Pixels, interpolation: int = cv2.INTER_AREA) -> Pixels:
        dx, dy = self.margin
        inner = frame[dy : self.height - dy, dx : self.width - dx]
        return np.asarray(cv2.resize(inner, (self.width, self.height), interpolation=interpolation), dtype=np.uint8)

    def point(self, x: int, y: int) -> tuple[int, int]:
        dx, dy = self.margin
        return (
            round((x - dx) * self.width / (self.width - 2 * dx)),
            round((y - dy) * self.height / (self.height - 2 * dy)),
        )

    def box(self, box: Box | None) -> Box | None:
        if box is None:
            return None
        (x0, y0), (x1, y1) = self.point(*box[:2]), self.point(*box[2:])
        inside = max(x0, 0), max(y0, 0), min(x1, self.width), min(y1, self.height)
        return inside if inside[0] < inside[2] and inside[1] < inside[3] else None

    def keypoint(self, point: Keypoint) -> Keypoint:
        x, y = self.point(*point[:2])
        return x, y, point[2] if 0 <= x < self.width and 0 <= y < self.height else 0


def near_duplicate(folder: Path, name: str) -> str:
    """Writes the near duplicate of this name beside the clip it repeats."""
    original = Truth.read(folder / f"{NEAR_DUPLICATES[name]}.json")
    crop = Crop(original.width, original.height)

    def frames() -> Iterator[Pixels]:
        with av.open(str(folder / f"{original.name}.mp4")) as container:
            for frame in container.decode(video=0):
                yield crop.pixels(np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8))

    def moved(actor: ActorTruth) -> ActorTruth:
        def mask(counts: str | None) -> str | None:
            if counts is None:
                return None
            whole = original.mask(counts).astype(np.uint8)
            return encode_mask(crop.pixels(whole, cv2.INTER_NEAREST).astype(np.bool_))

        return actor.model_copy(
            update={
                "body_box": [crop.box(b) for b in actor.body_box],
                "face_box": [crop.box(b) for b in actor.face_box],
                "keypoints": [None if f is None else [crop.keypoint(p) for p in f] for f in actor.keypoints],
                "body_masks": [mask(c) for c in actor.body_masks],
                "face_masks": [mask(c) for c in actor.face_masks],
            }
        )

    write_mp4(folder / f"{name}.mp4", frames(), original.times_s, CRF)
    expected = Expected(
        state="duplicate",
        rules=["intake.duplicate"],
        why="re-encoded and cropped by 2%",
        duplicate_of=original.name,
    )
    changed = {
        "name": name,
        "script": "near_duplicate",
        "expected": expected,
        "actors": [moved(a) for a in original.actors],
    }
    original.model_copy(update=changed).write(folder / f"{name}.json")
    return name
