"""What changes the catalog: inputs are registered, taken back, relicensed, split into clips and looked at again."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from actor18m.catalog.catalog import CHILDREN, FIRST_LOT, LOT, PARENT, REMOVED, SCHEMA, Catalog
from actor18m.catalog.catalog_files import BATCH, OF_RIGHTS, OF_SPLIT, PRESENCE
from actor18m.catalog.compare_on_disk import ROWS_AT_ONCE, Comparison, once, spool
from actor18m.catalog.licences import weight
from actor18m.catalog.presence import WORDS
from actor18m.catalog.rights import CORRECTIONS
from actor18m.errors import ActorError
from actor18m.inputs import RIGHTS, Input
from actor18m.storage.file_versions import Listings, versions
from actor18m.storage.lease import Lease

_PLACE = pa.field("place", pa.int64(), nullable=False)
_MADE = pa.schema([*SCHEMA.remove(SCHEMA.get_field_index("lot")), PARENT, _PLACE])
_GIVEN = pa.schema(
    [
        *SCHEMA.remove(SCHEMA.get_field_index("lot")),
        pa.field("weight", pa.int32(), nullable=False),
        *(pa.field(f"states_{name}", pa.bool_(), nullable=False) for name in RIGHTS),
    ]
)
_MADE_BEFORE = pa.schema([*WORDS, REMOVED])
_KNOWN = pa.schema([*WORDS, REMOVED, *(SCHEMA.field(name) for name in RIGHTS), PARENT])
_ORDER = "uri, id, weight DESC, licence, consent, source, version NULLS LAST"
"""Of what is given, in its lots; of one file in two lists, the strictest licence counts."""


@dataclass(frozen=True)
class Registration:
    """What one registration, or one look at what is registered, found."""

    given: int
    """Rows, the same one twice counted twice."""
    added: int
    back: int
    gone: int
    changed: int
    """Known ones whose file has another version than the last one seen."""
    vanished: int
    """Known ones that are given, and whose file is not there now. What is known of them stays."""
    lots: range
    """The new ones."""
    otherwise: int = 0
    """Rows that are given with another licence or consent than is registered, which counts."""
    one_otherwise: str | None = None
    """The first of them, in words."""
    removed: Sequence[str] = ()
    """URIs of the inputs that are given and were removed, and stay so."""

    @property
    def is_as_before(self) -> bool:
        return not (self.added or self.back or self.gone)


@dataclass(frozen=True)
class Relicensed:
    given: int
    corrected: int
    """Inputs of which another licence or consent counts now; clips of sources counted, too."""
    unknown: Sequence[str]
    """URIs of rows that are not registered, by their cut and crop."""


class Register(Catalog):
    """The catalog, for its one writer; without a lease it tells what would change, and writes nothing."""

    def register(
        self,
        lease: Lease | None,
        inputs: Iterable[Input],
        sync: bool = False,
        memory_limit: str = "256MB",
        may_go: Callable[[int, int, int], None] | None = None,
    ) -> Registration:
        """Adds what is not known yet; with `sync`, what was not given is gone. Without a lease nothing is written.
        Memory stays bounded: rows are sorted and compared on disk, in the temporary folder. `may_go` is told before
        anything is written how many would be gone, how many come, and how many are there; it raises when that must not
        be.
        """
        with Comparison(memory_limit) as at:
            given = spool(at.given, _GIVEN, _given_tables(inputs))
            if sync and not given:
                raise ActorError(
                    "no input was found, and --sync would supersede all that is registered. Is a disk not mounted? "
                    "Nothing was changed."
                )
            spool(at.known, _KNOWN, self.read(columns=["id", *RIGHTS, "parent"], kind=BATCH))
            if sync and may_go is not None:
                would = self._write_words(None, at.folder, at.words(sync))
                added, _ = self._add(None, at, BATCH, _ORDER)
                may_go(would["gone"], added + would["back"], self._present())
            found = self._write_words(lease, at.folder, at.words(sync))
            added, lots = self._add(lease, at, BATCH, _ORDER)
            count, example = _counted(at.otherwise(at.batch))
            removed = [row["uri"] for table in at.removed() for row in table.to_pylist()]
        registration = Registration(given, added, *_found(found), lots)
        return replace(registration, otherwise=count, one_otherwise=example, removed=removed)

    def relicense(self, lease: Lease, inputs: Iterable[Input], memory_limit: str = "256MB") -> "Relicensed":
        """What the inputs say of licence and consent counts from here on, for inputs that are registered: they stay in
        their lots, and so do the clips that they were split into. Nothing is registered.
        """
        with Comparison(memory_limit) as at:
            given = spool(at.given, _GIVEN, _given_tables(inputs))
            spool(at.known, _KNOWN, self.read(columns=["id", *RIGHTS, "parent"]))
            corrected = spool(at.batch, CORRECTIONS, at.corrected())
            if corrected:
                self._files.add(lease, OF_RIGHTS, at.batch)
            unknown = [row["uri"] for table in at.unknown("uri, id") for row in table.select(["uri"]).to_pylist()]
        return Relicensed(given, corrected, unknown)

    def fan_out(
        self, lease: Lease | None, children: Iterable[pa.Table], waiting: Sequence[str], memory_limit: str = "256MB"
    ) -> Registration:
        """These are all the clips that sources are split into now, in order, but for sources that wait to be split:
        their clips stay as they are. `waiting` is read after the children. Without a lease nothing is written.
        """
        with Comparison(memory_limit) as at:
            given = spool(at.given, _MADE, _placed(children))
            undecided = pa.array(waiting, pa.string())
            known = self.read(columns=["id", "parent"], kind=OF_SPLIT)
            spool(
                at.known, _MADE_BEFORE, (each.filter(pc.invert(pc.is_in(each["parent"], undecided))) for each in known)
            )
            found = self._write_words(lease, at.folder, at.words(sync=True))
            added, lots = self._add(lease, at, OF_SPLIT, "place")
        return Registration(given, added, *_found(found), lots)

    def look_again(self, lease: Lease) -> Registration:
        """At the file of each input that was given and is present, for another version."""
        with tempfile.TemporaryDirectory(prefix="actor18m-look-") as folder:
            seen = 0

            def looked() -> Iterator[pa.Table]:
                nonlocal seen
                listings = Listings()
                for table in self.read(columns=["uri"], kind=BATCH):
                    table = table.filter(table["present"])
                    seen += table.num_rows
                    yield _compared(table, versions(table["uri"].to_pylist(), listings))

            found = self._write_words(lease, Path(folder), looked())
        return Registration(seen, 0, *_found(found), range(self.lots().stop, self.lots().stop))

    def _present(self) -> int:
        """How many inputs were given and not taken back."""
        return sum(pc.sum(table["present"]).as_py() or 0 for table in self.read(columns=["id"], kind=BATCH))

    def _add(self, lease: Lease | None, at: Comparison, kind: str, order: str) -> tuple[int, range]:
        first = self.lots().stop
        schema = (SCHEMA if kind == BATCH else CHILDREN).with_metadata({FIRST_LOT: str(first)})
        added = spool(at.batch, schema, _in_lots(once(at.unknown(order)), first))
        if added and lease is not None:
            self._files.add(lease, kind, at.batch)
        return added, range(first, first + -(-added // LOT))

    def _write_words(self, lease: Lease | None, folder: Path, looked: Iterable[pa.Table]) -> dict[str, int]:
        """How many there are of each kind. A file that is not there for now is no word: what was known stays."""
        counts = dict.fromkeys(("back", "gone", "changed", "vanished"), 0)

        def counted() -> Iterator[pa.Table]:
            for table in looked:
                for kind in counts:
                    counts[kind] += pc.sum(table[kind]).as_py() or 0
                is_word = pc.or_(pc.or_(table["back"], table["gone"]), table["changed"])
                yield table.filter(is_word).select(WORDS.names)

        record = folder / "presence.parquet"
        if spool(record, WORDS, counted()) and lease is not None:
            self._files.add(lease, PRESENCE, record)
        return counts


def _found(counts: Mapping[str, int]) -> tuple[int, int, int, int]:
    return counts["back"], counts["gone"], counts["changed"], counts["vanished"]


def _compared(table: pa.Table, now: list[str | None]) -> pa.Table:
    """Rows of read() with what became of them."""
    seen = pa.chunked_array([pa.array(now, pa.string())])
    before = pc.fill_null(table["version"], "")
    no = pa.array([False] * table.num_rows)
    return pa.table(
        {
            "id": table["id"],
            "lot": table["lot"],
            "present": table["present"],
            "version": pc.coalesce(seen, table["version"]),
            "back": no,
            "gone": no,
            "changed": pc.and_(pc.is_valid(seen), pc.not_equal(pc.fill_null(seen, ""), before)),
            "vanished": pc.and_(pc.is_null(seen), pc.is_valid(table["version"])),
        }
    )


def _given_tables(inputs: Iterable[Input]) -> Iterator[pa.Table]:
    rows = iter(inputs)
    while chunk := list(islice(rows, ROWS_AT_ONCE // 4)):
        columns = {
            "id": [row.id for row in chunk],
            "uri": [row.uri for row in chunk],
            "cut": [row.cut for row in chunk],
            "crop": [row.crop for row in chunk],
            "licence": [row.licence for row in chunk],
            "consent": [row.consent for row in chunk],
            "source": [row.source_json for row in chunk],
            "version": [row.version for row in chunk],
            "weight": [weight(row.licence) if row.licence else -1 for row in chunk],
            "states_licence": ["licence" in row.states for row in chunk],
            "states_consent": ["consent" in row.states for row in chunk],
        }
        yield pa.table(columns, schema=_GIVEN)


def _counted(otherwise: Iterable[pa.Table]) -> tuple[int, str | None]:
    """How many there are, and the first in words."""
    count, example = 0, None
    for table in otherwise:
        count += table.num_rows
        for row in table.slice(0, 1 if example is None else 0).to_pylist():
            given, registered = ({name: row[f"{kind}{name}"] for name in RIGHTS} for kind in ("", "registered_"))
            said = [f"{name} {given[name]!r}, registered {registered[name]!r}" for name in RIGHTS
                    if given[name] is not None and given[name] != registered[name]]  # fmt: skip
            example = f"{row['uri']}: {', '.join(said)}"
    return count, example


def _in_lots(tables: Iterable[pa.Table], first: int) -> Iterator[pa.Table]:
    done = 0
    for table in tables:
        lots = [first + row // LOT for row in range(done, done + table.num_rows)]
        done += table.num_rows
        yield table.append_column(SCHEMA.field("lot"), pa.array(lots, pa.int32()))


def _placed(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """With each row's place among all."""
    done = 0
    for table in tables:
        yield table.append_column(_PLACE, pa.array(range(done, done + table.num_rows), pa.int64()))
        done += table.num_rows
