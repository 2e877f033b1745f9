"""Rows that serve again: a clip whose file moved has those of its former input, in another lot, and so its images."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from actor18m.ledger.attachments import KINDS, Kind, read_files
from actor18m.ledger.ledger import Ledger
from actor18m.ledger.rows import BESIDE, about
from actor18m.survey.chain import Link
from actor18m.survey.snapshot import Record
from actor18m.survey.survey import Settled


class Moved:
    """Knows the former lots of clips whose inputs were superseded."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._lots: dict[str, int] = {}

    def remember(self, settled: Settled) -> None:
        self._lots.update(zip(settled.former["key"].to_pylist(), settled.former["lot"].to_pylist(), strict=True))

    def rows(
        self, link: Link, lot: int, missing: Sequence[dict[str, object]]
    ) -> Iterator[tuple[pa.Table, dict[Kind, pa.Table]]]:
        """Of what is missing of a lot, what another one has, with the files beside it."""
        wanted: dict[int, dict[str, str]] = defaultdict(dict)
        files = self._record.files[link.name]
        for row in missing:
            key = str(row["key"])
            former = self._lots.get(key.partition("-")[0])
            if former is not None and former != lot and former in files:
                wanted[former][key] = str(row["input_digest"])
        for former, digests in wanted.items():
            ledger = link.ledger(self._record.store)
            rows = ledger.read_lot(files[former], with_beside=True)
            rows = rows.filter(pa.array([digests.get(key) == digest for key, digest in about(rows)], pa.bool_()))
            if rows.num_rows:
                yield rows.drop_columns(list(BESIDE.values())), _files_beside(ledger, former, rows)


def _files_beside(ledger: Ledger, lot: int, rows: pa.Table) -> dict[Kind, pa.Table]:
    """Those of these rows, which know their files."""
    found: dict[Kind, pa.Table] = {}
    for kind in KINDS:
        tables = []
        for digest in pc.unique(rows[BESIDE[kind]].drop_null()).to_pylist():
            mine = set(about(rows.filter(pc.equal(rows[BESIDE[kind]], digest))))
            files = read_files(ledger.shelf(kind, lot, digest))
            tables.append(files.filter(pa.array([each in mine for each in about(files)], pa.bool_())))
        if tables and (files := pa.concat_tables(tables)).num_rows:
            found[kind] = files
    return found
