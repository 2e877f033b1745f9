"""Every file of a store against the digest in its name, what rows say is beside them, and what must be there at all."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import pyarrow as pa

from actor18m import stopping
from actor18m.amounts import amount
from actor18m.catalog.catalog_files import CatalogFiles
from actor18m.execute.journal import is_entry
from actor18m.ledger.index import Index
from actor18m.ledger.ledger import Ledger, LotFiles, ledgers
from actor18m.ledger.rows import BESIDE as DIGESTS_BESIDE
from actor18m.models.weights import damaged
from actor18m.policy.words import read_words
from actor18m.storage.disk import PRIVATE, Disk
from actor18m.storage.sealed import DIGITS, digest_in
from actor18m.storage.store import Store, StoreError, open_store, sha256_of
from actor18m.survey.runs import is_account, lost_words
from actor18m.verify.finding import DELETE_IT, FOREIGN, Finding, Kind
from actor18m.verify.known_files import ACCOUNT, BEAT, BESIDE, CATALOG, CLAIM, JOURNAL, LOG, MARK, ROWS, What, what

_NOT_ITS_BYTES = "is damaged: its bytes are not those its name says"
_MADE_AGAIN = "It is a cache: the next build makes it again."
_ONLY_COPY = (
    "Put a copy of it back: nothing else knows which inputs were registered, and in which lots. Without one, build "
    "into a new store."
)


def verify_store(url: str, looked_at: Callable[[int], None] = lambda count: None) -> Iterator[Finding]:
    """Reads all of it, and changes nothing. `looked_at` is told how many files it were so far."""
    store = open_store(url)
    yield from _Look(store, looked_at).findings()


class _Look:
    def __init__(self, store: Store, looked_at: Callable[[int], None]) -> None:
        self._store, self._looked_at = store, looked_at
        self._names = store.names("")
        self._there = frozenset(self._names)
        self._damaged: set[str] = set()

    def findings(self) -> Iterator[Finding]:
        for count, path in enumerate(self._names, 1):
            stopping.check()
            self._looked_at(count)
            kind = what(path)
            if kind is None:
                yield self._finding("foreign", path, FOREIGN, DELETE_IT)
            elif kind.is_sealed and not self._is_whole(path):
                self._damaged.add(path)
        for path in sorted(self._damaged):
            yield self._of_damaged(path)
        for sentence in CatalogFiles(self._store).trouble():
            subject, _, wrong = sentence.partition(" has ")
            yield Finding("missing", subject, f"has {wrong.partition('. ')[0]}", wrong.partition(". ")[2])
        for ledger in ledgers(self._store):
            yield from self._of_ledger(ledger)
        try:
            if (lost := lost_words(self._store, read_words(self._store))) is not None:
                yield self._finding("missing", "words", lost, "Restore the folder from a backup.")
        except StoreError as error:
            subject, _, wrong = str(error).partition(" is ")
            wrong, _, way_out = wrong.partition(", ")
            yield Finding("damaged", subject, f"is {wrong}", f"{way_out[:1].upper()}{way_out[1:]}")
        for path in self._names:
            yield from self._of_small(path, what(path))
        yield from self._open()
        for weights in damaged():
            wrong = "is not the file that the model lock names: no stage measures with it"
            yield Finding("damaged", str(weights), wrong, "`actor18m models pull` fetches it again.")

    def _is_whole(self, path: str) -> bool:
        with self._store.open(path) as stream:
            return sha256_of(stream).hex()[:DIGITS] == digest_in(path)

    def _of_damaged(self, path: str) -> Finding:
        kind = what(path)
        way_out = _MADE_AGAIN
        if kind is CATALOG:
            way_out = _ONLY_COPY
        elif kind is ROWS and (match := ROWS.pattern.fullmatch(path)):
            stage, fingerprint, lot = match.groups()
            way_out = self._measured_again(stage, fingerprint, int(lot), "it")
        elif kind is BESIDE and (match := BESIDE.pattern.fullmatch(path)):
            _, stage, fingerprint, lot = match.groups()
            rows = f"it and {self._store.url}/ledger/{stage}/{fingerprint}/lot-{lot}.*"
            way_out = self._measured_again(stage, fingerprint, int(lot), rows)
        return self._finding("damaged", path, _NOT_ITS_BYTES, way_out)

    def _measured_again(self, stage: str, fingerprint: str, lot: int, delete: str) -> str:
        known = self._counts(stage, fingerprint).get(lot)
        clips = "the clips" if known is None else amount(known, "clip")
        return (
            f"Put a copy of it back; or delete {delete}: stage {stage} then measures {clips} of lot {lot} again, as "
            "far as their files are still there."
        )

    def _counts(self, stage: str, fingerprint: str) -> dict[int, int]:
        """By lot, how many rows the index tells of."""
        if (stage, fingerprint) not in self._counted:
            tables = Index(Ledger(self._store, stage, fingerprint), files={}).remembered()
            lots = (lot for table in tables for lot in table["lot"].to_pylist())
            self._counted[stage, fingerprint] = dict(Counter(lots))
        return self._counted[stage, fingerprint]

    @cached_property
    def _counted(self) -> dict[tuple[str, str], dict[int, int]]:
        return {}

    def _of_ledger(self, ledger: Ledger) -> Iterator[Finding]:
        """Lots that have gone, and files that rows say are beside them and are not."""
        files = ledger.files()
        for lot, rows in self._counts(ledger.stage, ledger.fingerprint).items():
            if lot not in files:
                way_out = f"Put a copy back; else the next build measures {amount(rows, 'clip')} of it again."
                yield self._finding("missing", f"{ledger.folder}/lot-{lot:06d}.*", "has gone", way_out)
        for lot, there in files.items():
            stopping.check()
            if not any(ledger.path(lot, name) in self._damaged for name in (*there.parts, *there.folds)):
                yield from self._beside(ledger, there)

    def _beside(self, ledger: Ledger, files: LotFiles) -> Iterator[Finding]:
        rows = ledger.read_lot(files, [], with_beside=True)
        for kind, column in DIGESTS_BESIDE.items():
            for digest, count in _counted(rows[column]).items():
                path = f"{kind}/{ledger.stage}/{ledger.fingerprint}/lot-{files.lot:06d}.{digest}.parquet"
                if path not in self._there:
                    delete = f"{self._store.url}/{ledger.folder}/lot-{files.lot:06d}.*"
                    way_out = self._measured_again(ledger.stage, ledger.fingerprint, files.lot, delete)
                    yield self._finding(
                        "missing", path, f"is missing: {amount(count, 'row names', 'rows name')} it", way_out
                    )

    def _of_small(self, path: str, kind: What | None) -> Iterator[Finding]:
        """Files without a digest, that a build can do without."""
        if kind is MARK:
            marked = self._there.intersection(path.removesuffix("mark") + suffix for suffix in ("parquet", "json"))
            if marked and self._store.read(path) not in {f"{name}\n".encode() for name in marked}:
                yield self._finding("damaged", path, "does not name the file that it is the mark of", _DISPENSABLE)
        elif kind is JOURNAL:
            *lines, _ = self._store.read(path).split(b"\n")
            if not all(map(is_entry, lines)):
                way_out = f"{_DISPENSABLE} At worst a clip that killed the last build is met without care."
                yield self._finding("damaged", path, "has lines that say nothing", way_out)
        elif kind is LOG:
            *lines, _ = self._store.read(path).split(b"\n")
            if not all(isinstance(_json(line), dict) for line in lines):
                yield self._finding("damaged", path, "has lines that are no JSON objects", _DISPENSABLE)
        elif kind is ACCOUNT and not is_account(_json(self._store.read(path))):
            way_out = f"{_DISPENSABLE} At worst the next build does not know with which flags the latest one was built."
            yield self._finding("damaged", path, "is damaged: it does not tell of a run", way_out)
        elif kind in (CLAIM, BEAT) and not isinstance(_json(self._store.read(path)), dict):
            yield self._finding("damaged", path, "is damaged: it is no JSON object", _DISPENSABLE)

    def _open(self) -> Iterator[Finding]:
        """Folders and files of embeddings that others may read."""
        if not isinstance(self._store.place, Disk):
            return
        root = self._store.place.root / PRIVATE
        for path in sorted([root, *root.rglob("*")]) if root.is_dir() else ():
            if path.stat().st_mode & 0o077:
                name = path.relative_to(self._store.place.root).as_posix()
                way_out = f"Embeddings of faces lie there: `chmod -R go= {root}`."
                yield self._finding("open", name, "can be read by others than its owner", way_out)
                return

    def _finding(self, kind: Kind, path: str, wrong: str, way_out: str) -> Finding:
        return Finding(kind, f"{self._store.url}/{path}", wrong, way_out)


_DISPENSABLE = "Builds go on without it; delete it."


def _counted(column: pa.ChunkedArray) -> dict[str, int]:
    return {each["values"]: each["counts"] for each in column.drop_null().value_counts().to_pylist()}


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None
