"""The ledger: what was measured, in whole files that are written once.

One commit is `ledger/<stage>/<fingerprint>/lot-000017.<part>.parquet`, where the part is a hash of the file's bytes. A
fold is `lot-000017.g3.parquet`: the rows that hold of all parts so far, whose names it carries (fold.py). To read a lot
is to read its latest fold and the parts that the fold does not name.
"""

import hashlib
import json
import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa

from actor18m.beside import Kind, Shelf, as_bytes
from actor18m.parquet import from_bytes, to_bytes
from actor18m.rows import OUTCOME, checked, hold
from actor18m.store import Store, StoreError
from actor18m.writer import Lease

COVERS = "covers"
"""In a fold's metadata: the parts whose rows it holds, as JSON."""

_FILE = re.compile(r"lot-(\d{6,})\.(?:g(\d+)|([0-9a-f]{16}))\.parquet")
_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_READ_AGAIN = 3


@dataclass(frozen=True)
class LotFiles:
    """The files of one lot, as they were listed."""

    lot: int
    parts: tuple[str, ...] = ()
    folds: tuple[int, ...] = ()

    @property
    def digest(self) -> str:
        """Changes whenever a file comes or goes."""
        names = [*self.parts, *(f"g{fold}" for fold in self.folds)]
        return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Ledger:
    """The rows of one stage with one fingerprint."""

    store: Store
    stage: str
    fingerprint: str

    def __post_init__(self) -> None:
        if not (_NAME.fullmatch(self.stage) and re.fullmatch(r"[0-9a-z]+", self.fingerprint)):
            raise ValueError(f"not a stage and a fingerprint: {self.stage!r}, {self.fingerprint!r}")

    @property
    def folder(self) -> str:
        return f"ledger/{self.stage}/{self.fingerprint}"

    def commit(self, lease: Lease, lot: int, rows: pa.Table, files: Mapping[Kind, pa.Table] = {}) -> str:
        """Durable when this returns, files first; the part's name. Rows have the columns of OUTCOME and all of the
        stage's own. The same rows again are the same part.
        """
        content = to_bytes(checked(rows))
        part = part_of(content)
        for kind, beside in files.items():
            lease.create(self.shelf(kind, lot, part).path, as_bytes(beside))
        lease.create(self.path(lot, part), content)
        return part

    def read(
        self, lots: Container[int] | None = None, columns: list[str] | None = None
    ) -> Iterator[tuple[int, pa.Table]]:
        """Lot by lot in order, the rows that hold, sorted by key. Of the stage's columns those named, else all."""
        for lot, files in self.files(lots).items():
            yield lot, self.read_lot(files, columns)

    def files(self, lots: Container[int] | None = None) -> dict[int, LotFiles]:
        """In order of lots."""
        parts: dict[int, list[str]] = {}
        folds: dict[int, list[int]] = {}
        for path in self.store.names(self.folder):
            match = _FILE.fullmatch(path, len(self.folder) + 1)
            if match is None:
                continue
            number, fold, part = match.groups()
            lot = int(number)
            if lots is not None and lot not in lots:
                continue
            if fold is None:
                parts.setdefault(lot, []).append(part)
            else:
                folds.setdefault(lot, []).append(int(fold))
        return {
            lot: LotFiles(lot, tuple(parts.get(lot, ())), tuple(sorted(folds.get(lot, ()))))
            for lot in sorted(parts.keys() | folds.keys())
        }

    def read_lot(self, files: LotFiles, columns: list[str] | None = None, with_part: bool = False) -> pa.Table:
        """When a file has gone since it was listed, a newer fold covers it: the lot is listed again."""
        wanted = None if columns is None else [*OUTCOME.names, "part", *columns]
        for _ in range(_READ_AGAIN):
            try:
                rows, _ = self.latest(files, wanted)
            except FileNotFoundError:
                files = self.files((files.lot,)).get(files.lot, LotFiles(files.lot))
            else:
                return rows.drop_columns(["is_folded"] if with_part else ["part", "is_folded"])
        raise StoreError(f"files of lot {files.lot} in {self.store.url}/{self.folder} vanish while they are read.")

    def latest(self, files: LotFiles, columns: list[str] | None = None) -> tuple[pa.Table, list[str]]:
        """The rows that hold, with `part` and `is_folded`, and the names of the parts that were read for the first
        time, in no fold yet. Raises FileNotFoundError when a file has gone.
        """
        tables = []
        covered: frozenset[str] = frozenset()
        if files.folds:
            folded, covered = self.read_fold(files.lot, files.folds[-1], columns)
            tables.append(_marked(folded, None))
        loose = [part for part in files.parts if part not in covered]
        for part in loose:
            tables.append(_marked(self._read_part(files.lot, part, columns), part))
        if not tables:
            raise FileNotFoundError(f"lot {files.lot} has no files")
        try:
            return hold(tables), loose
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise StoreError(
                f"files of lot {files.lot} in {self.store.url}/{self.folder} have different columns under one "
                f"fingerprint ({error}). A stage that writes other columns needs a higher version."
            ) from error

    def read_fold(self, lot: int, fold: int, columns: list[str] | None = None) -> tuple[pa.Table, frozenset[str]]:
        """Its rows, and the parts it covers."""
        table, metadata = from_bytes(self.store.read(self.path(lot, f"g{fold}")), columns)
        return table, frozenset(json.loads(metadata[COVERS]))

    def _read_part(self, lot: int, part: str, columns: list[str] | None) -> pa.Table:
        path = self.path(lot, part)
        content = self.store.read(path)
        if part_of(content) != part:
            raise StoreError(
                f"{self.store.url}/{path} is damaged: its bytes are not those its name says. Restore it from a backup, "
                "or delete it: its clips are then measured again."
            )
        return from_bytes(content, columns)[0]

    def shelf(self, kind: Kind, lot: int, part: str) -> Shelf:
        """Where the files beside a commit are."""
        return Shelf(self.store, kind, self.stage, self.fingerprint, lot, part)

    def path(self, lot: int, file: str) -> str:
        return f"{self.folder}/lot-{lot:06d}.{file}.parquet"


def part_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _marked(table: pa.Table, part: str | None) -> pa.Table:
    """Folded rows know their part; loose ones are told."""
    if part is not None:
        table = table.append_column("part", pa.array([part] * table.num_rows, pa.string()))
    return table.append_column("is_folded", pa.array([part is None] * table.num_rows, pa.bool_()))
