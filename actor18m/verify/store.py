"""Every file of a store against the digest in its name, what rows say is beside them, and what must be there at all."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import pyarrow as pa

from actor18m import stopping
from actor18m.amounts import amount
from actor18m.catalog.catalog import Catalog
from actor18m.catalog.catalog_files import FOLDER, WAY_OUT, CatalogFiles
from actor18m.execute.journal import is_entry
from actor18m.ledger.index import Index
from actor18m.ledger.ledger import Ledger, LotFiles, ledgers
from actor18m.ledger.rows import BESIDE as DIGESTS_BESIDE
from actor18m.models.weights import damaged
from actor18m.policy.words import read_words
from actor18m.storage.disk import PRIVATE, Disk
from actor18m.storage.sealed import DIGITS, digest_in
from actor18m.storage.store import Store, StoreError, open_store, sha256_of
from actor18m.survey.catalog_gone import end_gone, lots_gone
from actor18m.survey.runs import FINISHED, accounts, is_account, lost_words, stages_of
from actor18m.verify.finding import DELETE_IT, FOREIGN, Finding, Kind
from actor18m.verify.known_files import ACCOUNT, BEAT, BESIDE, CATALOG, CLAIM, JOURNAL, LOG, MARK, ROWS, What, what

_NOT_ITS_BYTES = "is damaged: its bytes are not those its name says"
_INDEX = re.compile(r"index/([a-z][a-z0-9_-]*)/([0-9a-z]+)/seg-[^/]+\.parquet")
_MEASURED_ANEW = "Put a copy back; else the next build measures anew what it needs of it."
_MADE_AGAIN = "It is a cache: the next build makes it again."


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
        yield from self._of_catalog()
        for ledger in self._ledgers():
            yield from self._of_ledger(ledger)
        yield from self._whole_ledgers()
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

    def _of_catalog(self) -> Iterator[Finding]:
        """Files that have gone: between others, or at the end of all."""
        measured = self._measured()  # listed before the catalog: a build registers a lot before it measures it
        gone = end_gone(self._store)
        trouble = CatalogFiles(self._store).trouble()
        for sentence in trouble:
            subject, _, wrong = sentence.partition(" has ")
            yield Finding("missing", subject, f"has {wrong.partition('. ')[0]}", wrong.partition(". ")[2])
        if gone is None and not trouble and not any(what(path) is CATALOG for path in self._damaged):
            gone = lots_gone(measured, Catalog(self._store).lots())
        if gone is not None:
            yield self._finding("missing", FOLDER, gone, WAY_OUT)

    def _measured(self) -> int:
        """The last lot of which there are rows, or files beside them, or of which an index tells."""
        lots = [-1]
        for path in self._names:
            if match := ROWS.pattern.fullmatch(path):
                lots.append(int(match.group(3)))
            elif match := BESIDE.pattern.fullmatch(path):
                lots.append(int(match.group(4)))
        for ledger in self._ledgers():
            lots += self._counts(ledger.stage, ledger.fingerprint)
        return max(lots)

    def _ledgers(self) -> list[Ledger]:
        """Those that have files, and those of which only an index is left."""
        there = {(each.stage, each.fingerprint) for each in ledgers(self._store)}
        there |= {(match[1], match[2]) for path in self._names if (match := _INDEX.fullmatch(path))}
        return [Ledger(self._store, *names) for names in sorted(there)]

    def _whole_ledgers(self) -> Iterator[Finding]:
        """Those of the latest build that have gone together with their index: only the accounts of builds tell."""
        ended = [run for run in accounts(self._store) if run["how"] == FINISHED and stages_of(run)]
        there = {(each.stage, each.fingerprint) for each in ledgers(self._store)}
        for stage, told in stages_of(ended[-1]).items() if ended else ():
            fingerprint = told["fingerprint"]
            if (stage, fingerprint) in there or self._counts(stage, fingerprint):
                continue
            same = (each for run in ended if (each := stages_of(run).get(stage, {})).get("fingerprint") == fingerprint)
            if measured := sum(int(each.get("measured", 0)) for each in same):
                wrong = f"has gone, with all of {amount(measured, 'row')} that builds measured in stage {stage}"
                yield self._finding("missing", f"ledger/{stage}/{fingerprint}", wrong, _MEASURED_ANEW)

    def _is_whole(self, path: str) -> bool:
        with self._store.open(path) as stream:
            return sha256_of(stream).hex()[:DIGITS] == digest_in(path)

    def _of_damaged(self, path: str) -> Finding:
        kind = what(path)
        way_out = _MADE_AGAIN
        if kind is CATALOG:
            way_out = WAY_OUT
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
            counts = dict[int, int]()
            for table in tables:  # a lot is in two segments while one takes the place of the other
                for lot, rows in Counter(table["lot"].to_pylist()).items():
                    counts[lot] = max(rows, counts.get(lot, 0))
            self._counted[stage, fingerprint] = counts
        return self._counted[stage, fingerprint]

    @cached_property
    def _counted(self) -> dict[tuple[str, str], dict[int, int]]:
        return {}

    def _of_ledger(self, ledger: Ledger) -> Iterator[Finding]:
        """Lots that have gone, whole or in part, and files that rows say are beside them and are not."""
        files = ledger.files()
        for lot, rows in self._counts(ledger.stage, ledger.fingerprint).items():
            if lot not in files:
                wrong = f"has gone, with {amount(rows, 'row')} that stage {ledger.stage} had in lot {lot}"
                yield self._lost(ledger, lot, wrong)
        for lot, there in files.items():
            stopping.check()
            if not any(ledger.path(lot, name) in self._damaged for name in (*there.parts, *there.folds)):
                yield from self._beside(ledger, there)

    def _beside(self, ledger: Ledger, files: LotFiles) -> Iterator[Finding]:
        rows = ledger.read_lot(files, [], with_beside=True)
        known = self._counts(ledger.stage, ledger.fingerprint).get(files.lot, 0)
        if rows.num_rows < known:  # no row is ever taken from a ledger but by gc, which takes its index, too
            wrong = f"has {amount(rows.num_rows, 'row')} of {known} that stage {ledger.stage} had in lot {files.lot}"
            yield self._lost(ledger, files.lot, f"{wrong}: files have gone")
        for kind, column in DIGESTS_BESIDE.items():
            for digest, count in _counted(rows[column]).items():
                path = f"{kind}/{ledger.stage}/{ledger.fingerprint}/lot-{files.lot:06d}.{digest}.parquet"
                if path not in self._there:
                    delete = f"{self._store.url}/{ledger.folder}/lot-{files.lot:06d}.*"
                    way_out = self._measured_again(ledger.stage, ledger.fingerprint, files.lot, delete)
                    yield self._finding(
                        "missing", path, f"is missing: {amount(count, 'row names', 'rows name')} it", way_out
                    )

    def _lost(self, ledger: Ledger, lot: int, wrong: str) -> Finding:
        way_out = (
            f"{_MEASURED_ANEW} If no pipeline has the stage like that any more, delete "
            f"{self._store.url}/index/{ledger.stage}/{ledger.fingerprint}, which remembers it."
        )
        return self._finding("missing", f"{ledger.folder}/lot-{lot:06d}.*", wrong, way_out)

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
