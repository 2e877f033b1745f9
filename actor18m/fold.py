"""Folding: all that was committed for a lot becomes one file, and rows that held in it hold for ever."""

import json
from collections.abc import Iterator

from actor18m.ledger import COVERS, Ledger, LotFiles
from actor18m.parquet import to_bytes
from actor18m.writer import Lease


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
    if files.folds:
        covers |= ledger.read_fold(files.lot, files.folds[-1], [])[1]
    content = to_bytes(rows.drop_columns(["is_folded"]), {COVERS: json.dumps(sorted(covers))})
    path = ledger.path(files.lot, f"g{files.folds[-1] + 1 if files.folds else 1}")
    lease.create(path, content)
    return path


def fold(lease: Lease, ledger: Ledger, at_least_parts: int = 1) -> int:
    """Folds every lot that has so many parts in no fold; how many lots they were."""
    lots = ledger.files().values()
    return sum(fold_lot(lease, ledger, files, at_least_parts) is not None for files in lots)


def superseded(ledger: Ledger) -> Iterator[str]:
    """Paths that no reader needs any more, for gc: parts that the latest fold covers, and earlier folds."""
    for files in ledger.files().values():
        if not files.folds or not (files.parts or files.folds[1:]):
            continue
        _, covered = ledger.read_fold(files.lot, files.folds[-1], [])
        for part in files.parts:
            if part in covered:
                yield ledger.path(files.lot, part)
        for older in files.folds[:-1]:
            yield ledger.path(files.lot, f"g{older}")
