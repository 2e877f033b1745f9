"""Writes the strangers against whom judges are tested: `python -m accuracy.strangers`. They are digital actors, so that
nobody's face is carried with the program, and of a seed of their own, so that no sample shows one of them.
"""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from accuracy.stills import Still, sources
from actor18m.media.encoded import encoded
from stages.strangers import FOLDER

SEED, CASTS = 12, 6
_LONGER_SIDE = 448


def main() -> None:
    for region, stills in sources(SEED, range(CASTS)):
        write(region, stills)


def write(region: str, stills: Iterable[Still], folder: Path = FOLDER) -> None:
    folder.mkdir(exist_ok=True)
    for number, still in enumerate(stills, start=1):
        scale = _LONGER_SIDE / max(still.mask.shape)
        picture = cv2.resize(still.picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        mask = cv2.resize(still.mask * np.uint8(255), picture.shape[1::-1], interpolation=cv2.INTER_AREA) > 127
        name = folder / f"{region}-{number:02d}"
        webp = encoded(".webp", picture.astype(np.uint8, copy=False), [cv2.IMWRITE_WEBP_QUALITY, 90])
        name.with_suffix(".webp").write_bytes(webp)
        png = encoded(".png", (mask * 255).astype(np.uint8), [cv2.IMWRITE_PNG_COMPRESSION, 9])
        name.with_suffix(".mask.png").write_bytes(png)


if __name__ == "__main__":
    main()
