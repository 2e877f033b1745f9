"""A contact sheet of a subset whose images are made from others: each source, and beside it all that was asked for."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from actor18m.dataset import Version
from actor18m.ledger.attachments import files_of_row
from actor18m.ledger.ledger import Ledger
from actor18m.ledger.rows import BESIDE, OK
from actor18m.media.encoded import decoded
from actor18m.media.tile import PAPER, Pixels
from actor18m.report.tiles import (
    GREEN,
    GREY,
    LABEL_WIDTH,
    RED,
    TILE_HEIGHT,
    TILE_WIDTH,
    WHITE,
    YELLOW,
    Row,
    asked,
    name_of,
    outlined,
    text,
    tile,
    view,
    write,
)  # fmt: skip
from actor18m.storage.store import Store

WANTED = "view", "environment", "lighting", "expression", "motion"
"""Columns of requests that say in a word what is wanted."""
LINES = 4
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
    made = sorted(
        (row for row in rows if row["subset"] == subset), key=lambda row: (row["clip"], row["source_key"] or "")
    )
    lines = [list(some) for _, some in groupby(made, key=lambda row: (row["clip"], row["source_key"]))]
    write(out, (_line(version, store, by_key, some) for some in lines))
    return len({row["clip"] for row in made})


def _line(version: Version, store: Store | None, by_key: Mapping[str, Row], rows: Sequence[Row]) -> Pixels:
    """The source, and what was made from it."""
    clip, source = rows[0]["clip"], by_key.get(rows[0]["source_key"])
    shown = None if source is None else _picture(version, store, source)
    told = [
        (name_of(rows[0]["uri"]), WHITE),
        (clip, GREY),
        ((rows[0]["source_key"] or "").removeprefix(f"{clip}-"), GREY),
    ]
    if source is not None:
        told.append((view(source, "") or view(source, "seen_"), GREY))
    head = np.vstack([_blank() if shown is None else tile(shown), text(told, 16 * LINES + 6, TILE_WIDTH, 16)])
    head = np.pad(head, ((0, 0), (0, LABEL_WIDTH - TILE_WIDTH), (0, 0)), constant_values=PAPER)
    return np.hstack([head, *(_made(version, store, row) for row in rows)])


def _made(version: Version, store: Store | None, row: Row) -> Pixels:
    shown = _picture(version, store, row)
    wanted = ", ".join(str(row[name]) for name in WANTED if row.get(name))
    word = "" if row.get("verdict") is None else f"{row['verdict']} {row['confidence']:.2f}"
    why = f"{row['stage']}.{row['rule']}" if row["rule"] else row["stage"] or ""
    lines = [
        (wanted or row["key"].partition("-")[2], WHITE),
        (f"{row.get('how') or ''} seen {view(row, 'seen_') or 'nothing'}" if shown is not None else "", GREY),
        (word, GREY),
        (f"{row['state']} {why}".strip(), _INK.get(row["state"], GREY)),
    ]
    return np.vstack([_blank() if shown is None else tile(shown), text(lines, 16 * LINES + 6, TILE_WIDTH, 16)])


def _picture(version: Version, store: Store | None, row: Row) -> Pixels | None:
    if row["shard"] is not None:
        return outlined(version, row)
    return _left_out(store, row) if store is not None and row["state"] == "rejected" else None


def _left_out(store: Store, row: Row) -> Pixels | None:
    """The picture of one that was made and not kept, from its last attempt; None where the store has it no more."""
    ledger = Ledger(store, row["maker"], row["fingerprint"])
    for files in ledger.files((row["lot"],)).values():
        rows = ledger.read_lot(files, [], with_beside=True)
        mine = rows.filter(pc.and_(pc.equal(rows["key"], row["key"]), pc.equal(rows["state"], OK))).to_pylist()
        for last in mine[-1:]:
            shelf = ledger.shelf("images", row["lot"], last[BESIDE["images"]])
            return decoded(files_of_row(shelf, last["key"], last["input_digest"])["webp"])
    return None


def _blank() -> Pixels:
    return np.full((TILE_HEIGHT, TILE_WIDTH, 3), PAPER + 12, np.uint8)
