"""What gc takes of inputs that were removed: what was measured of them, and what lies beside that.

A lot is written anew without their rows: a further fold, and the files beside it. Then what came before goes. So a gc
that was killed is finished by the next one.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from actor18m.ledger.attachments import KINDS, Kind, as_bytes, read_files
from actor18m.ledger.fold import superseded
from actor18m.ledger.ledger import COVERS, Ledger, LotFiles, ledgers, number_of
from actor18m.ledger.rows import BESIDE, owners
from actor18m.storage.block_cache import LOTS_PER_SEGMENT
from actor18m.storage.lease import Lease
from actor18m.storage.parquet import to_bytes
from actor18m.storage.sealed import digest_of
from actor18m.storage.store import Store
from actor18m.survey.contents import contents

_CACHE = re.compile(r"(?:index|relations|restricted/identities)/.+/seg-(\d+)\.[^/]+")


@dataclass(frozen=True)
class Unwanted:
    """Keys of rows that belong to removed inputs, and to none that is there."""

    inputs: int
    keys: frozenset[str]
    """Of clips, and ids of inputs."""
    clips: frozenset[str]
    lots: frozenset[int]


@dataclass
class Purged:
    rows: int = 0
    files: int = 0
    """Images and templates."""


def unwanted(store: Store) -> Unwanted:
    """By all that is registered."""
    removed: set[str] = set()
    clips: set[str] = set()
    lots: set[int] = set()
    for table in contents(store):
        gone = table.filter(table["removed"])
        removed.update(gone["id"].to_pylist())
        clips.update(gone["clip"].drop_null().to_pylist())
        lots.update(gone["lot"].to_pylist())
    if not removed:
        return Unwanted(0, frozenset(), frozenset(), frozenset())
    candidates, ids = pa.array(sorted(clips), pa.string()), set(removed)
    for table in contents(store):
        alike = table.filter(pc.and_not(pc.is_in(table["clip"], candidates), table["removed"]))
        clips.difference_update(alike.filter(alike["present"])["clip"].to_pylist())
    for table in contents(store):
        # a superseded input of the same content goes along: it is what the removed one was before it was moved
        former = table.filter(pc.is_in(table["clip"], pa.array(sorted(clips), pa.string())))
        ids.update(former["id"].to_pylist())
        lots.update(former["lot"].to_pylist())
    return Unwanted(len(removed), frozenset(ids | clips), frozenset(clips), frozenset(lots))


def purge(store: Store, lease: Lease | None, found: Unwanted) -> Purged:
    """Without a lease it only tells."""
    done = Purged()
    if not found.lots:
        return done
    keys = pa.array(sorted(found.keys), pa.string())
    for ledger in ledgers(store):
        for files in ledger.files(found.lots).values():
            _purge_lot(lease, ledger, files, keys, done)
        if lease is not None:
            for path in superseded(ledger):
                lease.delete(path)
            for path in _beside_nothing(ledger, found.lots):
                lease.delete(path)
    if lease is not None and done.rows:
        for path in _caches(store, found.lots):
            lease.delete(path)
    return done


def _purge_lot(lease: Lease | None, ledger: Ledger, files: LotFiles, keys: pa.Array, done: Purged) -> None:
    rows, loose = ledger.latest(files)
    is_unwanted = pc.is_in(owners(rows["key"]), keys)
    gone = pc.sum(is_unwanted).as_py() or 0
    if not gone:
        return
    done.rows += gone
    kept = rows.filter(pc.invert(is_unwanted)).drop_columns(["is_folded"])
    for kind in KINDS:
        column = BESIDE[kind]
        renamed = {
            digest: _without(lease, ledger, kind, files.lot, digest, keys, done)
            for digest in pc.unique(rows.filter(is_unwanted)[column]).drop_null().to_pylist()
        }
        digests = [renamed.get(digest, digest) for digest in kept[column].to_pylist()]
        kept = kept.set_column(kept.column_names.index(column), column, pa.array(digests, pa.string()))
    if lease is not None:
        covers = set(loose).union(*(ledger.read_fold(files.lot, fold, [])[1] for fold in files.latest_folds))
        content = to_bytes(kept, {COVERS: json.dumps(sorted(covers))})
        number = number_of(files.folds[-1]) + 1 if files.folds else 1
        lease.create(ledger.path(files.lot, f"g{number}.{digest_of(content)}"), content)


def _without(
    lease: Lease | None, ledger: Ledger, kind: Kind, lot: int, digest: str, keys: pa.Array, done: Purged
) -> str | None:
    """The name of a file beside rows without what is beside these; None when nothing else was in it."""
    content = read_files(ledger.shelf(kind, lot, digest))
    is_unwanted = pc.is_in(owners(content["key"]), keys)
    done.files += pc.sum(is_unwanted).as_py() or 0
    kept = content.filter(pc.invert(is_unwanted))
    if not kept.num_rows:
        return None
    written = as_bytes(kept)
    if lease is not None:
        lease.create(ledger.shelf(kind, lot, digest_of(written)).path, written)
    return digest_of(written)


def _beside_nothing(ledger: Ledger, lots: frozenset[int]) -> Iterator[str]:
    """Paths of files in these lots that no row knows."""
    known: set[str] = set()
    for lot, files in ledger.files(lots).items():
        rows = ledger.read_lot(files, [], with_beside=True)
        for kind in KINDS:
            digests = pc.unique(rows[BESIDE[kind]]).drop_null().to_pylist()
            known |= {ledger.shelf(kind, lot, digest).path for digest in digests}
    for kind in KINDS:
        for path in ledger.store.names(f"{kind}/{ledger.stage}/{ledger.fingerprint}"):
            match = re.search(r"/lot-(\d+)\.[^/]+$", path)
            if match and int(match[1]) in lots and path not in known:
                yield path


def _caches(store: Store, lots: frozenset[int]) -> Iterator[str]:
    """Which are made again from what is left."""
    blocks = {lot // LOTS_PER_SEGMENT for lot in lots}
    folders: Sequence[str] = ("index", "relations", "restricted/identities")
    for path in (path for folder in folders for path in store.names(folder)):
        match = _CACHE.fullmatch(path)
        if match and int(match[1]) in blocks:
            yield path
