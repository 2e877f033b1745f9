"""A contact sheet of a folder of samples: one row of stills a clip, with what should become of it."""

from pathlib import Path

import av
import cv2
import numpy as np

from actor18m.errors import ActorError
from actor18m.media.tile import PAPER, Pixels, tile_of, write_png
from actor18m.samples.truth import Truth

STILLS = 6
FINENESS = np.uint8(0b11110000)
STILL_HEIGHT, STILL_WIDTH = 90, 160
LABEL_WIDTH, COLUMNS = 150, 2
INK = {"accepted": (90, 200, 110), "rejected": (230, 110, 90), "duplicate": (230, 190, 80), "failed": (230, 80, 160)}


def contact_sheet(folder: Path, out: Path) -> None:
    """Writes a PNG with evenly spaced stills of every clip in the folder."""
    truths = [Truth.read(p) for p in sorted(folder.glob("*.json"))]
    if not truths:
        raise ActorError(f"no samples in {folder}: a sheet needs videos with their truth beside them")
    rows = [_row(folder / f"{t.name}.mp4", t) for t in sorted(truths, key=lambda t: (t.expected.state, t.name))]
    rows += [np.full_like(rows[0], PAPER)] * (-len(rows) % COLUMNS)
    height = len(rows) // COLUMNS
    sheet = np.hstack([np.vstack(rows[k * height : (k + 1) * height]) for k in range(COLUMNS)])
    write_png(sheet & FINENESS, out)  # what is left out is mostly sensor noise, which PNG cannot make small


def _row(video: Path, truth: Truth) -> Pixels:
    wanted = set(np.linspace(0, truth.frame_count - 1, STILLS).round().astype(int).tolist())
    with av.open(str(video)) as container:
        stills = [
            tile_of(np.rot90(f.to_ndarray(format="rgb24"), f.rotation // 90), STILL_HEIGHT, STILL_WIDTH)
            for i, f in enumerate(container.decode(video=0))
            if i in wanted
        ]
    label: Pixels = np.full((STILL_HEIGHT, LABEL_WIDTH, 3), PAPER, np.uint8)
    rule = truth.expected.rules[0] if truth.expected.rules else ""
    lines = [(truth.name, (235, 235, 235)), (truth.expected.state, INK[truth.expected.state]), (rule, (170, 170, 170))]
    for k, (text, ink) in enumerate(lines):
        cv2.putText(label, text, (6, 24 + 22 * k), cv2.FONT_HERSHEY_SIMPLEX, 0.42, ink, 1, cv2.LINE_AA)
    return np.hstack([label, *stills])
