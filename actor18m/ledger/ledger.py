"""The ledger: what was measured, in whole files that are written once.

One commit is `ledger/<stage>/<fingerprint>/lot-000017.<part>.parquet`, where the part is a digest of the file's bytes.
A fold is `lot-000017.g3.<digest>.parquet`: the rows that hold of all parts so far, whose names it carries (fold.py). To
read a lot is to read its latest fold and the parts that the fold does not name. Each file is checked when it is read.

A row that holds knows for ever what is beside it (attachments.py): the digest of each file of its commit.
"""

import hashlib
import json
import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa

from actor18m.ledger.attachments import Kind, Shelf, as_bytes
from actor18m.ledger.rows import BESIDE, OUTCOME, checked, hold
from actor18m.storage import sealed
from actor18m.storage.lease import Lease
from actor18m.storage.parquet import from_bytes, to_bytes
from actor18m.storage.sealed import DIGEST
from actor18m.storage.store import Store, StoreError

COVERS = "covers"
"""In a fold's metadata: the parts whose rows it holds, as JSON."""

_STAGE, _FINGERPRINT = r"[a-z][a-z0-9_-]*", r"[0-9a-z]+"
_FILE = re.compile(rf"lot-(\d{{6,}})\.(?:(g\d+\.{DIGEST})|({DIGEST}))\.parquet")
_PATH = re.compile(rf"ledger/({_STAGE})/({_FINGERPRINT})/{_FILE.pattern}")
_READ_AGAIN = 3


@dataclass(frozen=True)
class LotFiles:
    """The files of one lot, as they were listed."""

    lot: int
    parts: tuple[str, ...] = ()
    folds: tuple[str, ...] = ()
    """`g3.<digest>`, the latest last."""
    stamp: str = ""
    """Changes whenever one of them is written to, or another file takes its place."""

    @property
    def digest(self) -> str:
        """Changes whenever a file comes, goes or is not the one it was."""
        return hashlib.sha256("\n".join([*self.parts, *self.folds, self.stamp]).encode()).hexdigest()[:16]

    @property
    def latest_folds(self) -> tuple[str, ...]:
        """One; two, if a writer that was taken over folded to the end on an object store."""
        return tuple(fold for fold in self.folds if number_of(fold) == number_of(self.folds[-1]))


@dataclass(frozen=True)
class Ledger:
    """The rows of one stage with one fingerprint."""

    store: Store
    stage: str
    fingerprint: str

    def __post_init__(self) -> None:
        if not (re.fullmatch(_STAGE, self.stage) and re.fullmatch(_FINGERPRINT, self.fingerprint)):
            raise ValueError(f"not a stage and a fingerprint: {self.stage!r}, {self.fingerprint!r}")

    @property
    def folder(self) -> str:
        return f"ledger/{self.stage}/{self.fingerprint}"

    def commit(self, lease: Lease, lot: int, rows: pa.Table, files: Mapping[Kind, pa.Table] = {}) -> str:
        """Durable when this returns, files first; the part's name. Rows have the columns of OUTCOME and all of the
        stage's own. The same rows again are the same part.
        """
        beside = {kind: as_bytes(table) for kind, table in files.items()}
        digests = {kind: sealed.digest_of(content) for kind, content in beside.items()}
        for kind, content in beside.items():
            lease.create(self.shelf(kind, lot, digests[kind]).path, content)
        content = to_bytes(checked(rows), {BESIDE[kind]: digest for kind, digest in digests.items()})
        part = sealed.digest_of(content)
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
        folds: dict[int, list[str]] = {}
        stamps: dict[int, list[str]] = {}
        for path, stamp in self.store.stamps(self.folder).items():
            match = _FILE.fullmatch(path, len(self.folder) + 1)
            if match is None:
                continue
            number, fold, part = match.groups()
            lot = int(number)
            if lots is not None and lot not in lots:
                continue
            stamps.setdefault(lot, []).append(stamp)
            if fold is None:
                parts.setdefault(lot, []).append(part)
            else:
                folds.setdefault(lot, []).append(fold)
        return {
            lot: LotFiles(
                lot,
                tuple(parts.get(lot, ())),
                tuple(sorted(folds.get(lot, ()), key=lambda fold: (number_of(fold), fold))),
                hashlib.sha256("\n".join(stamps[lot]).encode()).hexdigest()[:16],
            )
            for lot in sorted(stamps)
        }

    def read_lot(self, files: LotFiles, columns: list[str] | None = None, with_beside: bool = False) -> pa.Table:
        """The rows that hold; also which files are beside each, with `with_beside`. When a file has gone since it was
        listed, a newer fold covers it: the lot is listed again.
        """
        wanted = None if columns is None else [*OUTCOME.names, "part", *BESIDE.values(), *columns]
        for _ in range(_READ_AGAIN):
            try:
                rows, _ = self.latest(files, wanted)
            except FileNotFoundError:
                files = self.files((files.lot,)).get(files.lot, LotFiles(files.lot))
            else:
                return rows.drop_columns(["part", "is_folded", *(() if with_beside else BESIDE.values())])
        raise StoreError(f"files of lot {files.lot} in {self.store.url}/{self.folder} vanish while they are read.")

    def latest(self, files: LotFiles, columns: list[str] | None = None) -> tuple[pa.Table, list[str]]:
        """The rows that hold, with `part`, BESIDE and `is_folded`, and the names of the parts that were read for the
        first time, in no fold yet. Raises FileNotFoundError when a file has gone.
        """
        tables = []
        covered: set[str] = set()
        for fold in files.latest_folds:
            folded, covers = self.read_fold(files.lot, fold, columns)
            covered |= covers
            tables.append(_marked(folded, True, {}))
        loose = [part for part in files.parts if part not in covered]
        for part in loose:
            rows, about = from_bytes(self._content(files.lot, part), columns)
            tables.append(_marked(rows, False, about | {"part": part}))
        if not tables:
            raise FileNotFoundError(f"lot {files.lot} has no files")
        try:
            return hold(tables), loose
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise StoreError(
                f"files of lot {files.lot} in {self.store.url}/{self.folder} have different columns under one "
                f"fingerprint ({error}). A stage that writes other columns needs a higher version."
            ) from error

    def read_fold(self, lot: int, fold: str, columns: list[str] | None = None) -> tuple[pa.Table, frozenset[str]]:
        """Its rows, and the parts it covers."""
        table, metadata = from_bytes(self._content(lot, fold), columns)
        return table, frozenset(json.loads(metadata[COVERS]))

    def _content(self, lot: int, file: str) -> bytes:
        return sealed.read(
            self.store,
            self.path(lot, file),
            f"Put a copy of it back, or delete it: stage {self.stage} then measures the clips of lot {lot} again. "
            f"`actor18m verify {self.store.url}` says how many, and looks for more.",
        )

    def shelf(self, kind: Kind, lot: int, digest: str) -> Shelf:
        """Where the files beside a commit are."""
        return Shelf(self.store, kind, self.stage, self.fingerprint, lot, digest)

    def path(self, lot: int, file: str) -> str:
        return f"{self.folder}/lot-{lot:06d}.{file}.parquet"


def ledgers(store: Store, stage: str | None = None) -> list[Ledger]:
    """All that have files; of one stage, if it is named."""
    matches = map(_PATH.fullmatch, store.names("ledger" if stage is None else f"ledger/{stage}"))
    return [Ledger(store, *names) for names in sorted({match.group(1, 2) for match in matches if match})]


def number_of(fold: str) -> int:
    """`g3.<digest>` is the third."""
    return int(fold.partition(".")[0].removeprefix("g"))


def _marked(table: pa.Table, is_folded: bool, told: Mapping[str, str]) -> pa.Table:
    """Folded rows know their part and what is beside them; loose ones are told."""
    for name in () if is_folded else ("part", *BESIDE.values()):
        table = table.append_column(name, pa.array([told.get(name)] * table.num_rows, pa.string()))
    return table.append_column("is_folded", pa.array([is_folded] * table.num_rows, pa.bool_()))
