"""Contact sheets of a version of a dataset: stills of its clips with what became of them, and its references with what
was measured of each."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any

import cv2
import duckdb
import numpy as np

from actor18m.dataset import DatasetError, Version
from actor18m.media.encoded import decoded
from actor18m.media.source import MediaError
from actor18m.media.tile import PAPER, Pixels, tile_of, write_png
from actor18m.media.video import frames_at, open_video

Ink = tuple[int, int, int]
Row = Mapping[str, Any]

STILLS = 8
TILE_HEIGHT, TILE_WIDTH, LABEL_WIDTH = 150, 150, 230
WHITE, GREY, GREEN, RED, YELLOW = (235, 235, 235), (170, 170, 170), (90, 200, 110), (230, 110, 90), (230, 190, 80)
INK = {"accepted": GREEN, "rejected": RED}


def clips_sheet(version: Version, out: Path, most: int) -> int:
    """Evenly spaced stills of accepted and rejected clips, as many of each; how many there are."""
    sql = """
        SELECT clip, uri, cut, crop, state, stage, rule, value, bound FROM read_parquet($tables)
        WHERE state IN ('accepted', 'rejected') AND clip IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY state ORDER BY clip) <= $most ORDER BY state, stage, rule, uri
    """
    rows = _asked(version, "inputs", sql, most=-(-most // 2))
    _write(out, (_clip(row) for row in rows))
    return len(rows)


def references_sheet(version: Version, out: Path, most: int) -> int:
    """All references of some clips, a line for each; how many clips."""
    sql = """
        SELECT * FROM read_parquet($tables) WHERE shard IS NOT NULL AND clip IN (
            SELECT DISTINCT clip FROM read_parquet($tables) WHERE shard IS NOT NULL ORDER BY clip LIMIT $most
        ) ORDER BY uri, clip, key
    """
    rows = _asked(version, "references", sql, most=most)
    by_clip = [list(some) for _, some in groupby(rows, key=lambda row: (row["uri"], row["clip"]))]
    _write(out, (_references(version, some) for some in by_clip))
    return len(by_clip)


def _asked(version: Version, table: str, sql: str, most: int) -> list[Row]:
    with duckdb.connect() as db, version.near(version.parts(table)) as tables:
        found = db.execute(sql, {"tables": [*map(str, tables)], "most": most})
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _clip(row: Row) -> Pixels:
    cut, crop = (None if row[name] is None else tuple(row[name]) for name in ("cut", "crop"))
    why = [] if row["rule"] is None else [f"{row['stage']}.{row['rule']}", f"{row['value']} not {row['bound']}"]
    lines = [
        (_name(row["uri"]), WHITE),
        (row["clip"], GREY),
        (row["state"], INK[row["state"]]),
        *((w, GREY) for w in why),
    ]
    try:
        with open_video(row["uri"], cut=cut) as video:
            times = np.linspace(0, max(0.0, video.window.times_s[-1]), STILLS).tolist()
        tiles = [_tile(frame) for frame in frames_at(row["uri"], times, cut, crop)]
    except MediaError as error:
        tiles = [_label([(str(error.kind), RED)])]
    return np.hstack([_label(lines), *tiles])


def _references(version: Version, rows: Sequence[Row]) -> Pixels:
    is_golden = {row.get("anchor") for row in rows} >= {"front", "side", "back"}
    lines = [(_name(rows[0]["uri"]), WHITE), (rows[0]["clip"], GREY), ("golden" if is_golden else "", YELLOW)]
    label = np.pad(_label(lines), ((0, 54), (0, 0), (0, 0)), constant_values=PAPER)
    return np.hstack([label, *(_reference(version, row) for row in rows)])


def _reference(version: Version, row: Row) -> Pixels:
    """The image with its mask's outline, over what is said of it and what is seen in it."""
    image = _image(version, row, "image")
    if row.get("mask_offset") is not None:
        mask = cv2.cvtColor(_image(version, row, "mask"), cv2.COLOR_RGB2GRAY)
        outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(image, outlines, -1, GREEN, max(1, max(image.shape) // TILE_WIDTH))
    said, seen = _view(row, "") or row["maker"], _view(row, "seen_")
    people = "" if row.get("seen_people") in (1, None) else f" {row['seen_people']} people"
    agrees = WHITE if not _view(row, "") or row.get("seen_viewpoint") == row["viewpoint"] else RED
    seen = f"seen {seen}" if seen else "not seen"
    notes = "" if row.get("time_s") is None else f"{row['time_s']:.1f}s q{row['quality']:.2f} {row['anchor']}"
    notes += " *" if row.get("is_clearest") else ""
    return np.vstack([_tile(image), _text([(said, WHITE), (seen + people, agrees), (notes, GREY)], 54, TILE_WIDTH, 16)])


def _view(row: Row, of: str) -> str:
    """Viewpoint and angles as whoever asked for the image told them, or who looked at it; nothing where nobody did."""
    viewpoint, yaw, pitch = (row.get(f"{of}{name}") for name in ("viewpoint", "yaw_deg", "pitch_deg"))
    if yaw is None:
        return ""
    return f"{viewpoint} {yaw:.0f}" + ("" if of or pitch is None else f"/{pitch:.0f}")


def _image(version: Version, row: Row, member: str) -> Pixels:
    where = row[f"{member}_offset"], row[f"{member}_size"]
    content = version.dataset.place.read_part(version.path(row["shard"]), *where)
    if sha256(content).hexdigest() != row["sha256" if member == "image" else f"{member}_sha256"]:
        raise DatasetError(
            f"{version.url_of(row['shard'])} is damaged: the {member} of {row['key']} is not the one that the table "
            "tells of. Build again: the next version has it right."
        )
    return decoded(content)


def _write(out: Path, rows: Iterable[Pixels]) -> None:
    drawn = list(rows)
    if not drawn:
        return
    width = max(row.shape[1] for row in drawn)
    write_png(np.vstack([_padded(row, width) for row in drawn]), out)


def _padded(row: Pixels, width: int) -> Pixels:
    return np.pad(row, ((0, 4), (0, width - row.shape[1]), (0, 0)), constant_values=PAPER)


def _name(uri: str) -> str:
    return uri.rpartition("/")[2]


def _tile(picture: Pixels) -> Pixels:
    return tile_of(picture, TILE_HEIGHT, TILE_WIDTH)


def _label(lines: Sequence[tuple[str, Ink]]) -> Pixels:
    return _text(lines, TILE_HEIGHT, LABEL_WIDTH, 22)


def _text(lines: Sequence[tuple[str, Ink]], height: int, width: int, step: int) -> Pixels:
    paper: Pixels = np.full((height, width, 3), PAPER, np.uint8)
    for number, (text, ink) in enumerate(lines):
        at = 4, 14 + step * number
        cv2.putText(paper, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.4, ink, 1, cv2.LINE_AA)
    return paper
