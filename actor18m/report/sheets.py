"""Contact sheets of a version of a dataset: stills of its clips with what became of them, and its references with what
was measured of each."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import numpy as np

from actor18m.dataset import Version
from actor18m.media.source import MediaError
from actor18m.media.tile import PAPER, Pixels
from actor18m.media.video import frames_at, open_video
from actor18m.report.tiles import (
    GREEN,
    GREY,
    RED,
    TILE_WIDTH,
    WHITE,
    YELLOW,
    Row,
    asked,
    label,
    masked,
    name_of,
    outlined,
    seen_in,
    text,
    tile,
    view,
    wanted,
    write,
)

STILLS = 8
INK = {"accepted": GREEN, "rejected": RED}
_WORDS_PX = 134
"""Below each reference."""


def clips_sheet(version: Version, out: Path, most: int) -> int:
    """Evenly spaced stills of accepted and rejected clips, as many of each; how many there are."""
    sql = """
        SELECT clip, uri, cut, crop, state, stage, rule, why FROM read_parquet($tables)
        WHERE state IN ('accepted', 'rejected') AND clip IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY state ORDER BY clip) <= $most ORDER BY state, stage, rule, uri
    """
    rows = asked(version, "inputs", sql, most=-(-most // 2))
    write(out, (_clip(row) for row in rows))
    return len(rows)


def references_sheet(version: Version, out: Path, most: int) -> int:
    """All references of some clips, a line for each; how many clips."""
    sql = """
        SELECT * FROM read_parquet($tables) WHERE shard IS NOT NULL AND clip IN (
            SELECT DISTINCT clip FROM read_parquet($tables) WHERE shard IS NOT NULL ORDER BY clip LIMIT $most
        ) ORDER BY uri, clip, subset, key
    """
    rows = asked(version, "references", sql, most=most)
    by_clip = [list(some) for _, some in groupby(rows, key=lambda row: (row["uri"], row["clip"]))]
    write(out, (_references(version, some) for some in by_clip))
    return len(by_clip)


def _clip(row: Row) -> Pixels:
    cut, crop = (None if row[name] is None else tuple(row[name]) for name in ("cut", "crop"))
    place, _, said = (row["why"] or "").partition(": ")
    lines = [
        (name_of(row["uri"]), WHITE),
        (row["clip"], GREY),
        (row["state"], INK[row["state"]]),
        *((words, GREY) for words in (place, said) if words),
    ]
    try:
        with open_video(row["uri"], cut=cut) as video:
            times = np.linspace(0, max(0.0, video.window.times_s[-1]), STILLS).tolist()
        tiles = [tile(frame) for frame in frames_at(row["uri"], times, cut, crop)]
    except MediaError as error:
        tiles = [label([(str(error.kind), RED)])]
    return np.hstack([label(lines), *tiles])


def _references(version: Version, rows: Sequence[Row]) -> Pixels:
    is_golden = {row.get("anchor") for row in rows} >= {"front", "side", "back"}
    lines = [(name_of(rows[0]["uri"]), WHITE), (rows[0]["clip"], GREY), ("golden" if is_golden else "", YELLOW)]
    head = np.pad(label(lines), ((0, _WORDS_PX), (0, 0), (0, 0)), constant_values=PAPER)
    return np.hstack([head, *(_reference(version, row) for row in rows)])


def _reference(version: Version, row: Row) -> Pixels:
    """The image with its mask's outline, over what is said of it and what is seen in it."""
    said, sees = view(row, "") or wanted(row), seen_in(row)
    people = "" if row.get("seen_people") in (1, None) or row.get("seen_views") else f" {row['seen_people']} people"
    agrees = WHITE if not view(row, "") or row.get("seen_viewpoint") == row["viewpoint"] else RED
    seen = sees or "no view seen"
    made = " ".join(filter(None, (row.get("method"), row.get("how"), masked(row))))
    notes = "" if row.get("time_s") is None else f"{row['time_s']:.1f}s"
    notes += "" if row.get("quality") is None else f" q{row['quality']:.2f} {row['anchor'] or ''}"
    notes += " *" if row.get("is_clearest") else ""
    share = row.get("copy_share")
    copied = ("" if share is None else f"a copy of {share:.0%}", YELLOW if row.get("copy_solves") else GREY)
    named = f"{row['subset']} {str(row['key']).partition('-')[2]}"
    lines = [(named, GREY), (said, WHITE), (made, GREY), (seen + people, agrees), (notes.strip(), GREY), copied]
    return np.vstack([tile(outlined(version, row)), text(lines, _WORDS_PX, TILE_WIDTH, 16)])
