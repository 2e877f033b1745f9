"""A store with all stages' rows of any number of clips, as a build leaves it: made in minutes, without building."""

import json
import os
from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import sha256
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from actor18m.catalog.catalog import LOT
from actor18m.catalog.register import Register
from actor18m.inputs import Input
from actor18m.keys import input_digest
from actor18m.ledger.ledger import COVERS, Ledger
from actor18m.ledger.rows import BESIDE, IDENTITY, OUTCOME
from actor18m.stage import Stage
from actor18m.storage.disk import Disk
from actor18m.storage.lease import Lease
from actor18m.storage.parquet import to_bytes
from actor18m.storage.sealed import digest_of
from actor18m.survey.project import Project
from tests.bench.long_chain import (
    IMAGES_A_CLIP,
    RULE,
    SHADES,
    STAGES,
    Asks,
    Numbers,
    clip_of,
    duration_of,
    is_broken,
    key_of,
    like,
    next_shade,
    picture_of,
    request_of,
    score_of,
    shade_of,
    signature_of,
    uri_of,
)

_AT_ONCE = 256 * LOT


def inputs(rows: int) -> Iterator[Input]:
    for n in range(rows):
        yield Input(uri_of(n), licence="CC-BY-4.0", version=f"{n}-1")


def register(project: Project, lease: Lease, rows: int) -> None:
    Register(project.store).register(lease, inputs(rows))


def write_rows(project: Project, rows_a_part: int) -> None:
    """The folds of a store whose inputs are registered. They are not synced, which makes the store sooner, and reading
    it no faster.
    """
    ledgers = [link.ledger(project.store) for link in project.links]
    with_images = len(ledgers) > len(STAGES)
    catalog = Register(project.store)
    with patch.object(os, "fsync", lambda handle: None):
        start = 0
        for ids in catalog.read(columns=["id"]):
            for offset in range(0, ids.num_rows, _AT_ONCE):
                some = ids["id"].slice(offset, _AT_ONCE)
                numbers = np.arange(start, start + len(some), dtype=np.int64)
                for ledger, (number, table) in zip(ledgers, _stages(numbers, some, with_images), strict=True):
                    _write_folds(ledger, number, table, rows_a_part)
                start += len(some)


def _stages(n: Numbers, ids: pa.ChunkedArray, with_images: bool) -> Iterator[tuple[Numbers, pa.Table]]:
    """For each stage the inputs that its rows are about, and the rows."""
    own, broken = clip_of(n), is_broken(n)
    shade = shade_of(own)
    keys = pa.array([key_of(int(number)) for number in own])
    ok = pa.array(~broken)
    first = {
        "key": ids.combine_chunks(),
        "input_digest": pa.array([f"{number}-1" for number in n]),
        "state": pc.if_else(ok, "ok", "failed"),
        "error_kind": pc.if_else(ok, pa.scalar(None, pa.string()), "unreadable"),
        "error": pa.array(
            [f"{uri_of(int(number))} is no video" if broken[at] else None for at, number in enumerate(n)]
        ),
        "clip": pc.if_else(ok, keys, None),
        "content_sha256": pc.if_else(ok, keys, None),
        "signature": pa.array([None if broken[at] else signature_of(int(number)) for at, number in enumerate(own)]),
        "duration_s": pc.if_else(ok, pa.array(duration_of(own)), None),
        "shade": pc.if_else(ok, pa.array(shade.astype(np.int32)), None),
        "score": pc.if_else(ok, pa.array(score_of(shade)), None),
    }
    yield n, pa.table(first)
    going = ~broken & (own == n) & _passes(shade) & ((like(n) == n) | ~_passes(shade_of(like(n))))
    n, shade, key = n[going], shade[going], keys.filter(pa.array(going))
    shades = {"first": shade}
    for number, stage in enumerate(STAGES[1:], 1):
        digests = [_digests(stage, needed, columns, shades) for needed, columns in stage.needs.items()]
        shade = next_shade(shade, number)
        shades[stage.writes.name], score = shade, score_of(shade)
        ends = pa.array(np.arange(0, 12 * len(n) + 1, 12, dtype=np.int32))
        table = {
            "shade": pa.array(shade.astype(np.int32)),
            "score": pa.array(score),
            "scores": pa.ListArray.from_arrays(ends, pa.array(np.repeat(score, 12))),
        }
        joined = digests[0] if len(digests) == 1 else pc.binary_join_element_wise(*digests, "-")
        yield n, pa.table(_ok(key, joined) | table)
        going = _passes(shade)
        n, shade, key = n[going], shade[going], key.filter(pa.array(going))
        shades = {name: each[going] for name, each in shades.items()}
    if with_images:
        yield from _images(n, key, shade)


def _images(n: Numbers, key: pa.Array, shade: Numbers) -> Iterator[tuple[Numbers, pa.Table]]:
    """Of clips that pass all rules: what they ask for, what is made and what is seen."""
    asked = [[request_of(each, number) for number in range(IMAGES_A_CLIP)] for each in range(SHADES)]
    wanted = pa.array(asked, Asks.writes.columns.field("wanted").type).take(pa.array(shade))
    yield n, pa.table(_ok(key, _digest_of_each(("shade",)).take(pa.array(shade))) | {"wanted": wanted})
    names = pa.array([f"face-made-{number:02d}" for number in range(IMAGES_A_CLIP)] * len(n))
    keys = pc.binary_join_element_wise(key.take(pa.array(np.repeat(np.arange(len(n)), IMAGES_A_CLIP))), names, "-")
    number = np.tile(np.arange(IMAGES_A_CLIP), len(n))
    requests = pa.array([input_digest(each) + "-" for row in asked for each in row])
    digests = requests.take(pa.array(np.repeat(shade, IMAGES_A_CLIP) * IMAGES_A_CLIP + number))
    shown = (np.repeat(shade, IMAGES_A_CLIP) + number) % SHADES
    hashes = pa.array([sha256(picture_of(each)).hexdigest() for each in range(SHADES)])
    n = np.repeat(n, IMAGES_A_CLIP)
    yield n, pa.table(_ok(keys, digests) | {"sha256": hashes.take(pa.array(shown))})
    seen = pc.utf8_slice_codeunits(hashes, 0, 16).take(pa.array(shown))
    yield n, pa.table(_ok(keys, seen) | {"brightness": pa.array(shown.astype(np.int32))})


def _ok(key: pa.Array, digests: pa.Array) -> dict[str, pa.Array]:
    return {
        "key": key,
        "input_digest": digests,
        "state": pa.array(["ok"] * len(key), pa.string()),
        "error_kind": pa.nulls(len(key), pa.string()),
        "error": pa.nulls(len(key), pa.string()),
    }


def _passes(shade: Numbers) -> np.ndarray:
    return score_of(shade) >= np.float32(RULE)


def _digests(stage: type[Stage], needed: type[Stage], columns: Sequence[str], shades: dict[str, Numbers]) -> pa.Array:
    return _digest_of_each(tuple(columns)).take(pa.array(shades[needed.writes.name]))


@cache
def _digest_of_each(columns: tuple[str, ...]) -> pa.Array:
    """For each shade the digest of a row that is read."""
    rows = [{"shade": shade, "score": float(score_of(np.asarray(shade)))} for shade in range(SHADES)]
    return pa.array([input_digest({column: row[column] for column in columns}) for row in rows])


def _write_folds(ledger: Ledger, n: Numbers, table: pa.Table, rows_a_part: int) -> None:
    place = ledger.store.place
    assert isinstance(place, Disk)
    folder = place.root / ledger.folder
    folder.mkdir(parents=True, exist_ok=True)
    strict = [field if field.name not in OUTCOME.names else OUTCOME.field(field.name) for field in table.schema]
    table, lots = table.cast(pa.schema(strict)), n // LOT
    starts = np.flatnonzero(np.diff(lots, prepend=-1))
    for start, stop in zip(starts, [*starts[1:], len(n)], strict=True):
        rows = table.slice(start, stop - start)
        parts = [sha256(b"%d %d" % (n[start], at)).hexdigest()[:16] for at in range(-(-rows.num_rows // rows_a_part))]
        named = pa.array(parts).take(pa.array(np.arange(rows.num_rows) // rows_a_part))
        rows = rows.append_column("part", named).sort_by([(name, "ascending") for name in IDENTITY])
        for name in BESIDE.values():
            rows = rows.append_column(name, pa.nulls(rows.num_rows, pa.string()))
        content = to_bytes(rows, {COVERS: json.dumps(sorted(parts))})
        (place.root / ledger.path(int(lots[start]), f"g1.{digest_of(content)}")).write_bytes(content)
