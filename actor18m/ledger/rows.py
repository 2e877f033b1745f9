"""What a row of the ledger is, and which of two rows holds."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

OK, FAILED, QUARANTINED = "ok", "failed", "quarantined"
IDENTITY = ("key", "input_digest")
"""With the stage and the fingerprint, what a row is about."""

OUTCOME = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("input_digest", pa.string(), nullable=False),
        pa.field("state", pa.string(), nullable=False),
        pa.field("error_kind", pa.string()),
        pa.field("error", pa.string()),
    ]
)
"""Columns that every row has; then come the stage's own, which are null when the state is not ok."""

BESIDE = {"images": "images_file", "restricted": "restricted_file"}
"""By kind, what folded rows tell of the file beside them: the digest in its name, null when there is none."""

_STATES = (OK, QUARANTINED, FAILED)
"""The one further to the left holds. A quarantine beats a failure, so that nobody is killed by a plain retry."""


def checked(rows: pa.Table) -> pa.Table:
    """Rows as they are committed: sorted, each (key, input digest) once, with a reason for each failure."""
    missing = [name for name in OUTCOME.names if name not in rows.column_names]
    if missing:
        raise ValueError(f"rows lack the columns {', '.join(missing)}")
    for name in (*IDENTITY, "state"):
        if rows[name].null_count:
            raise ValueError(f"rows without {name}")
    own = [field for field in rows.schema if field.name not in OUTCOME.names]
    rows = rows.select([*OUTCOME.names, *(field.name for field in own)]).cast(pa.schema([*OUTCOME, *own]))
    unknown = pc.unique(rows.filter(pc.invert(pc.is_in(rows["state"], pa.array(_STATES))))["state"]).to_pylist()
    if unknown:
        raise ValueError(f"unknown states: {', '.join(unknown)}")
    if not pc.all(pc.equal(pc.equal(rows["state"], OK), pc.is_null(rows["error_kind"])), min_count=0).as_py():
        raise ValueError("a row has an error_kind if and only if its state is not ok")
    rows = rows.sort_by([(name, "ascending") for name in IDENTITY])
    if not pc.all(_first_of_each(rows), min_count=0).as_py():
        raise ValueError("two rows of one commit share a key and an input digest")
    return rows


def hold(tables: list[pa.Table]) -> pa.Table:
    """One row for each (key, input digest), sorted. Tables have the columns `part` and `is_folded`: a success beats
    the rest, a folded success another one, then the lexicographically first part wins.
    """
    rows = pa.concat_tables(tables, promote_options="default")
    if len(tables) == 1:
        return rows
    ok = pc.equal(rows["state"], OK)
    rows = rows.append_column("_rank", pc.index_in(rows["state"], pa.array(_STATES)))
    rows = rows.append_column("_loose", pc.and_(ok, pc.invert(rows["is_folded"])))
    order = [(name, "ascending") for name in (*IDENTITY, "_rank", "_loose", "part")]
    rows = rows.sort_by(order)
    return rows.filter(_first_of_each(rows)).drop_columns(["_rank", "_loose"])


def about(rows: pa.Table) -> Iterator[tuple[str, str]]:
    """Key and input digest of each."""
    return zip(*(rows[name].to_pylist() for name in IDENTITY), strict=True)


def owners(keys: pa.ChunkedArray) -> pa.ChunkedArray:
    """Of each row the clip, or the input, that it belongs to: of an image's row the clip whose image it is."""
    return pc.replace_substring_regex(keys, "-.*$", "")


def _first_of_each(rows: pa.Table) -> pa.ChunkedArray:
    """True where (key, input digest) differs from the row above, in sorted rows."""
    if rows.num_rows < 2:
        return pa.chunked_array([[True] * rows.num_rows], pa.bool_())
    changes = [pc.not_equal(rows[name].slice(1), rows[name].slice(0, rows.num_rows - 1)) for name in IDENTITY]
    rest = pc.or_(*changes)
    return pa.chunked_array([pa.array([True]), *(rest.chunks if isinstance(rest, pa.ChunkedArray) else [rest])])
