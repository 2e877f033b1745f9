"""A contact sheet of a subset whose images are made from others: each source, and beside it all that was asked for."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np

from actor18m.dataset import Version
from actor18m.media.tile import PAPER, Pixels
from actor18m.report.from_store import FromStore
from actor18m.report.tiles import (
    GREEN,
    GREY,
    RED,
    TILE_HEIGHT,
    TILE_WIDTH,
    WHITE,
    YELLOW,
    Ink,
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
from actor18m.storage.store import Store

_TEXT_HEIGHT = 150
"""Nine lines: what was wanted and from what, how it was made, what was judged and why it was rejected may take two
each."""
_INK = {"kept": GREEN, "rejected": RED, "unavailable": YELLOW}


def subsets_made(version: Version) -> list[str]:
    """Those whose images have a source of their own."""
    if not version.parts("references"):
        return []
    sql = "SELECT DISTINCT subset FROM read_parquet($tables) WHERE source_key IS NOT NULL ORDER BY subset"
    return [row["subset"] for row in asked(version, "references", sql)]


def subset_sheet(version: Version, store: Store | None, subset: str, out: Path, most: int) -> int:
    """Of so many clips at most; how many there are. Images that were not kept are drawn from the store, if it is
    given, and where the version's table tells of them (`publish: {images: all}`)."""
    sql = """
        SELECT * FROM read_parquet($tables) WHERE clip IN (
            SELECT DISTINCT clip FROM read_parquet($tables) WHERE subset = $subset ORDER BY clip LIMIT $most
        ) ORDER BY uri, clip, key
    """
    rows = asked(version, "references", sql, most=most, subset=subset)
    by_key = {row["key"]: row for row in rows}
    made = [row for row in rows if row["subset"] == subset and row["source_key"] is not None]
    by_clip = [list(some) for _, some in groupby(made, key=lambda row: (row["uri"], row["clip"]))]
    left_out = None if store is None else FromStore(store)
    write(out, (_clip(version, left_out, by_key, some) for some in by_clip))
    return len(by_clip)


def _clip(version: Version, store: FromStore | None, by_key: Mapping[str, Row], rows: Sequence[Row]) -> Pixels:
    """Each source, and what was made from it. A source that is in no subset the store alone has: without it there is no
    picture to show, and the image tells its source's name."""
    tiles = list[Pixels]()
    unseen = False
    for key, some in groupby(sorted(rows, key=_source), key=_source):
        of_key, source = list(some), by_key.get(key)
        is_seen = source is not None or store is not None
        if is_seen:
            tiles.append(_of_source(version, store, key, of_key[0]["lot"], source))
        tiles += [_made(version, store, row, "" if is_seen else f"made from {_named(key)}") for row in of_key]
        unseen = unseen or not is_seen
    told = [(name_of(rows[0]["uri"]), WHITE), (rows[0]["clip"], GREY)]
    told += [("sources that are in no subset are shown with --store", YELLOW)] if unseen else []
    return np.hstack([np.pad(label(told), ((0, _TEXT_HEIGHT), (0, 0), (0, 0)), constant_values=PAPER), *tiles])


def _source(row: Row) -> str:
    return str(row["source_key"])


def _of_source(version: Version, store: FromStore | None, key: str, lot: int, source: Row | None) -> Pixels:
    told = [("made from", GREY), (_named(key), WHITE)]
    if source is not None:
        shown = _picture(version, store, source)
        told.append((view(source, "") or view(source, "seen_"), GREY))
    else:
        shown = None if store is None else store.of_key(key, lot)
    return _over(shown, told)


def _named(key: str) -> str:
    return key.partition("-")[2]


def _made(version: Version, store: FromStore | None, row: Row, made_from: str) -> Pixels:
    shown = _picture(version, store, row)
    made = " ".join(str(row[name]) for name in ("method", "how") if row.get(name))
    word = "" if row.get("verdict") is None else f"{row['verdict']} {row['confidence']:.2f}"
    why = f"{row['stage']}.{row['rule']}" if row["rule"] else row["stage"] or ""
    lines = [
        (wanted(row), WHITE),
        *([(made_from, GREY)] if made_from else []),
        ("" if shown is None else f"{made} {seen_in(row)}".strip(), GREY),
        (" ".join(filter(None, (word, masked(row)))), GREY),
        (f"{row['state']} {why}".strip(), _INK.get(row["state"], GREY)),
    ]
    return _over(shown, lines, (row.get("why") or "").partition(": ")[2])


def _over(shown: Pixels | None, lines: Sequence[tuple[str, Ink]], why: str = "") -> Pixels:
    """Why there is no picture stands in its place."""
    upper = text([(why, GREY)], TILE_HEIGHT, TILE_WIDTH, 16) + np.uint8(12) if shown is None else tile(shown)
    return np.vstack([upper, text(lines, _TEXT_HEIGHT, TILE_WIDTH, 16)])


def _picture(version: Version, store: FromStore | None, row: Row) -> Pixels | None:
    if row["shard"] is not None:
        return outlined(version, row)
    return store.of_row(row) if store is not None and row["state"] == "rejected" else None
