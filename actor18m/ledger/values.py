"""Values as stages give them, as columns that are stored: what is refused would come back as something else."""

import math
import re
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

NAME = re.compile(r"[a-z][a-z0-9_]*")
"""Of a stage, a column, or a field of a struct."""
_PLAIN = (str, int, bool, bytes)
"""Most values are; what else they may be takes a while to find out."""
_SCALARS = frozenset(
    (pa.bool_(), pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.float32(), pa.float64(), pa.string(),
     pa.binary())
)  # fmt: skip


def array(column: pa.Field, values: list[object]) -> pa.Array:
    try:
        return pa.array([_plain(value, column.type) for value in values], column.type)
    except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
        raise ValueError(f"column {column.name} takes {column.type}: {error}") from error


def _plain(value: Any, kind: pa.DataType) -> object:
    """NumPy's arrays and numbers as Python's, and NaN as None. Refuses what Arrow would quietly cut."""
    if value is None or type(value) in _PLAIN:
        return value
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple) and pa.types.is_list(kind):
        return [_plain(inner, kind.value_type) for inner in value]
    if isinstance(value, Mapping) and pa.types.is_struct(kind):
        if value.keys() != set(kind.names):
            raise ValueError(f"has the fields {', '.join(sorted(value))}")
        return {name: _plain(inner, kind.field(name).type) for name, inner in value.items()}
    if isinstance(value, float):
        if math.isnan(value):
            return None
        if pa.types.is_integer(kind):
            raise ValueError(f"{value} is no integer")
    return value


def can_be_stored(kind: pa.DataType) -> bool:
    if pa.types.is_list(kind):
        return can_be_stored(kind.value_type)
    if pa.types.is_struct(kind):
        return all(NAME.fullmatch(inner.name) and can_be_stored(inner.type) for inner in kind)
    return kind in _SCALARS
