"""What contact sheets are drawn of: tiles, labels, and rows of a version's tables with their pictures."""

import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import cv2
import duckdb
import numpy as np

from actor18m.dataset import DatasetError, Version
from actor18m.media.encoded import decoded
from actor18m.media.tile import PAPER, Pixels, tile_of, write_png

Ink = tuple[int, int, int]
Row = Mapping[str, Any]

_FONT, _SIZE, _MARGIN = cv2.FONT_HERSHEY_SIMPLEX, 0.4, 4
TILE_HEIGHT, TILE_WIDTH, LABEL_WIDTH = 150, 150, 230
WHITE, GREY, GREEN, RED, YELLOW = (235, 235, 235), (170, 170, 170), (90, 200, 110), (230, 110, 90), (230, 190, 80)

WANTED = "view", "environment", "lighting", "expression", "motion"
"""Columns of requests that say in a word what is wanted."""


def asked(version: Version, table: str, sql: str, **told: object) -> list[Row]:
    """Rows of a table, which the query calls `read_parquet($tables)`."""
    with duckdb.connect() as db, version.near(version.parts(table)) as tables:
        found = db.execute(sql, {"tables": [*map(str, tables)], **told})
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def picture(version: Version, row: Row, member: str) -> Pixels:
    """A member of a published reference."""
    where = row[f"{member}_offset"], row[f"{member}_size"]
    content = version.dataset.place.read_part(version.path(row["shard"]), *where)
    if sha256(content).hexdigest() != row["sha256" if member == "image" else f"{member}_sha256"]:
        raise DatasetError(
            f"{version.url_of(row['shard'])} is damaged: the {member} of {row['key']} is not the one that the table "
            "tells of. Build again: the next version has it right."
        )
    return decoded(content)


def outlined(version: Version, row: Row) -> Pixels:
    """A published reference with its mask's outline."""
    image = picture(version, row, "image")
    if row.get("mask_offset") is not None:
        mask = cv2.cvtColor(picture(version, row, "mask"), cv2.COLOR_RGB2GRAY)
        outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(image, outlines, -1, GREEN, max(1, max(image.shape) // TILE_WIDTH))
    return image


def masked(row: Row) -> str:
    """Whether a published image has a mask, and how far two segmenters agree on it; nothing where nobody asked."""
    agreement = row.get("agreement")
    if agreement is None or row["shard"] is None:
        return ""
    return f"{'no mask' if row.get('mask_offset') is None else 'mask'} {agreement:.2f}"


def view(row: Row, of: str) -> str:
    """Viewpoint and angles as whoever asked for the image told them, or who looked at it; nothing where nobody did."""
    viewpoint, yaw, pitch = (row.get(f"{of}{name}") for name in ("viewpoint", "yaw_deg", "pitch_deg"))
    if yaw is None:
        return ""
    if of and viewpoint in ("up", "down") and pitch is not None:
        return f"{viewpoint} {pitch:.0f}"
    return f"{viewpoint or 'at'} {yaw:.0f}" + ("" if of or pitch is None else f"/{pitch:.0f}")


def wanted(row: Row) -> str:
    """What a request says in a word of what is wanted: of a view, that alone. Else the image's own name."""
    if row.get("view"):
        return str(row["view"])
    return ", ".join(str(row[name]) for name in WANTED if row.get(name)) or str(row["key"]).partition("-")[2]


def seen_in(row: Row) -> str:
    """What was seen in it; of a sheet, in its panels."""
    seen = view(row, "seen_") or ", ".join(row.get("seen_views") or ())
    return f"seen {seen}" if seen else ""


def name_of(uri: str) -> str:
    return uri.rpartition("/")[2]


def tile(shown: Pixels) -> Pixels:
    return tile_of(shown, TILE_HEIGHT, TILE_WIDTH)


def label(lines: Sequence[tuple[str, Ink]]) -> Pixels:
    return text(lines, TILE_HEIGHT, LABEL_WIDTH, 22)


def text(lines: Sequence[tuple[str, Ink]], height: int, width: int, step: int) -> Pixels:
    """What does not fit beside the edge goes on in the next line."""
    paper: Pixels = np.full((height, width, 3), PAPER, np.uint8)
    folded = [(part, ink) for line, ink in lines for part in (_folded(line, width - 2 * _MARGIN) if line else [""])]
    for number, (line, ink) in enumerate(folded):
        cv2.putText(paper, line, (_MARGIN, 14 + step * number), _FONT, _SIZE, ink, 1, cv2.LINE_AA)
    return paper


def _folded(line: str, width: int) -> list[str]:
    """Broken after a space or a dot that is in no number; a word that is too long even so, where it must be."""
    lines = [""]
    for word in re.findall(r"(?:[^ .]|\.(?=\d))*[ .]?", line):
        if lines[-1] and _wide(lines[-1] + word.rstrip()) > width:
            lines.append("")
        lines[-1] += word
        while _wide(lines[-1].rstrip()) > width:
            fits = next(end for end in range(len(lines[-1]) - 1, 0, -1) if end == 1 or _wide(lines[-1][:end]) <= width)
            lines[-1:] = [lines[-1][:fits], lines[-1][fits:]]
    return [each.rstrip() for each in lines]


def _wide(line: str) -> int:
    (width, _), _ = cv2.getTextSize(line, _FONT, _SIZE, 1)
    return int(width)


def write(out: Path, rows: Iterable[Pixels]) -> None:
    """One below the other."""
    drawn = list(rows)
    if not drawn:
        return
    width = max(row.shape[1] for row in drawn)
    write_png(np.vstack([_padded(row, width) for row in drawn]), out)


def _padded(row: Pixels, width: int) -> Pixels:
    return np.pad(row, ((0, 4), (0, width - row.shape[1]), (0, 0)), constant_values=PAPER)
