"""Corrections of licence and consent: the latest one of an input counts, and what was said before stays to be seen.

`catalog/rights-000006.<digest>.parquet` has a row for each input that was corrected then, sorted by lot, with both as
they count.
"""

import pyarrow as pa
import pyarrow.compute as pc

from actor18m.catalog.catalog_files import CatalogFiles
from actor18m.catalog.presence import OfLots
from actor18m.inputs import RIGHTS

CORRECTIONS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("lot", pa.int32(), nullable=False),
        *(pa.field(name, pa.string()) for name in RIGHTS),
    ]
)


class Rights:
    """Read in order of lots."""

    def __init__(self, files: CatalogFiles, paths: list[str]) -> None:
        self._records = [OfLots.of(files, path) for path in paths]

    def applied(self, rows: pa.Table, lots: range) -> pa.Table:
        """Rows of the catalog that lie in these lots, with what counts now."""
        ids = rows["id"].combine_chunks()
        for record in self._records:
            said = record.within(lots)
            if said.num_rows:
                at = pc.index_in(ids, said["id"].combine_chunks())
                for name in {*RIGHTS} & {*rows.column_names}:
                    now = pc.take(said[name].combine_chunks(), at)
                    field = CORRECTIONS.field(name)
                    now = pc.if_else(pc.is_valid(at), now, rows[name])
                    rows = rows.set_column(rows.column_names.index(name), field, now)
        return rows
