"""Folding: all that was committed for a lot becomes one file, and rows that held in it hold for ever."""

import json
from collections.abc import Iterator, Mapping

from actor18m.ledger.ledger import COVERS, Ledger, LotFiles, number_of
from actor18m.storage.lease import Lease
from actor18m.storage.parquet import to_bytes
from actor18m.storage.sealed import digest_of


def fold_lot(lease: Lease, ledger: Ledger, files: LotFiles, at_least_parts: int = 1) -> str | None:
    """The new fold's path; None when fewer parts are in no fold yet. Its bytes depend on which parts there are and on
    the fold before, not on the order in which they came.
    """
    if len(files.parts) < at_least_parts:
        return None
    rows, loose = ledger.latest(files)
    if len(loose) < at_least_parts:
        return None
    covers = set(loose)
    for before in files.latest_folds:
        covers |= ledger.read_fold(files.lot, before, [])[1]
    content = to_bytes(rows.drop_columns(["is_folded"]), {COVERS: json.dumps(sorted(covers))})
    number = number_of(files.folds[-1]) + 1 if files.folds else 1
    path = ledger.path(files.lot, f"g{number}.{digest_of(content)}")
    lease.create(path, content)
    return path


def fold(lease: Lease, ledger: Ledger, at_least_parts: int = 1, files: Mapping[int, LotFiles] | None = None) -> int:
    """Folds every lot that has so many parts in no fold; how many lots they were. `files`, where somebody looked."""
    lots = (ledger.files() if files is None else files).values()
    return sum(fold_lot(lease, ledger, each, at_least_parts) is not None for each in lots)


def superseded(ledger: Ledger, listed: Mapping[int, LotFiles] | None = None) -> Iterator[str]:
    """Paths that no reader needs any more, for gc: parts that the latest fold covers, and earlier folds. `listed`: the
    files, where somebody looked.
    """
    for files in (ledger.files() if listed is None else listed).values():
        if not files.folds or not (files.parts or files.folds[1:]):
            continue
        latest = files.latest_folds
        covered = frozenset[str]().union(*(ledger.read_fold(files.lot, fold, [])[1] for fold in latest))
        for part in files.parts:
            if part in covered:
                yield ledger.path(files.lot, part)
        for fold in files.folds:
            if fold not in latest:
                yield ledger.path(files.lot, fold)
