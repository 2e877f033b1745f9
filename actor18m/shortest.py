"""float32 as the float64 that is spelt alike: 0.9874, and not 0.9873999953269958, in JSON and where people look."""

from typing import Any

import pyarrow as pa


def shortest(table: pa.Table) -> pa.Table:
    """The table with each float32 in it, also within lists and structs, as float64."""
    columns = [shortest_column(table[name]) for name in table.column_names]
    return pa.table(columns, names=table.column_names)


def shortest_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pa.chunked_array([_array(chunk) for chunk in column.chunks], _type(column.type))


def _array(values: Any) -> Any:
    kind = values.type
    if pa.types.is_float32(kind):
        # Arrow spells a float32 with as few digits as tell it from its neighbours.
        return values.cast(pa.string()).cast(pa.float64())
    if pa.types.is_list(kind):
        mask = values.is_null() if values.null_count else None
        return pa.ListArray.from_arrays(_from_zero(values), _array(values.flatten()), type=_type(kind), mask=mask)
    if pa.types.is_struct(kind):
        mask = values.is_null() if values.null_count else None
        inner = [_array(each) for each in values.flatten()]
        return pa.StructArray.from_arrays(inner, fields=list(_type(kind)), mask=mask)
    return values


def _from_zero(lists: Any) -> Any:
    """Offsets into what `flatten()` gives, which leaves out what lies before a slice and under nulls."""
    lengths = lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    return pa.array([0, *lengths.cumsum()], pa.int32())


def _type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_float32(kind):
        return pa.float64()
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_type(kind.value_type)))
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_type(field.type)) for field in kind])
    return kind
