"""What a stage is: it is given clips with their upstream rows, and returns one row or one failure for each.

A stage measures and never decides: what it writes is compared with thresholds elsewhere. It keeps nothing between
calls, and its result for a clip does not depend on the clips beside it.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pyarrow as pa

from actor18m.errors import instead_of
from actor18m.keys import fingerprint
from actor18m.redact import redact
from actor18m.rows import BESIDE, FAILED, OK, OUTCOME
from actor18m.yaml_file import Section

NAME = re.compile(r"[a-z][a-z0-9_]*")
_RESERVED = frozenset([*OUTCOME.names, "part", *BESIDE.values()])
_PLAIN = (str, int, bool, bytes)
"""Most values are; what else they may be takes a while to find out."""
_SCALARS = frozenset(
    (pa.bool_(), pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.float32(), pa.float64(), pa.string(),
     pa.binary())
)  # fmt: skip


class Parameters(Section):
    """Every number that `measure` uses and that could be another one. All are part of the fingerprint."""


@dataclass(frozen=True)
class Clip:
    """One video window, and what the stages before measured of it: `clip.upstream["intake"]["duration_s"]`."""

    key: str
    uri: str
    cut: tuple[int, int] | None = None
    """First frame, and the one after the last."""
    crop: tuple[int, int, int, int] | None = None
    """x0, x1, y0, y1 in pixels."""
    upstream: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    images: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)
    """Files of the stages in `needs_images`, by stage and name."""


@dataclass(frozen=True)
class Row:
    """What was measured of one clip: a value for each column of the stage; None where there is none."""

    key: str
    values: Mapping[str, object]
    images: Mapping[str, bytes] = field(default_factory=dict)
    """Files kept beside the row, by name. The values say something of each that tells its bytes apart (a digest), so
    that who reads the values is measured again when the images change."""
    restricted: Mapping[str, bytes] = field(default_factory=dict)
    """Likewise what must never be published, such as embeddings of faces."""


@dataclass(frozen=True)
class Failure:
    """Why one clip could not be measured, and would not be if it were tried again."""

    key: str
    kind: str
    """One word to count by, such as an exception's name."""
    message: str


@dataclass(frozen=True)
class Schema:
    """A stage's name and the columns that it writes."""

    name: str
    columns: pa.Schema

    def table(self, outcomes: Sequence[Row | Failure], input_digests: Mapping[str, str]) -> pa.Table:
        """Outcomes as the ledger takes them. NaN is null: a value that is not there has one spelling."""
        rows = [self._row(outcome) | {"input_digest": input_digests[outcome.key]} for outcome in outcomes]
        whole = pa.schema([*OUTCOME, *self.columns])
        arrays = [_array(column, [row.get(column.name) for row in rows]) for column in whole]
        return pa.Table.from_arrays(arrays, schema=whole)

    def _row(self, outcome: Row | Failure) -> dict[str, object]:
        if isinstance(outcome, Failure):
            return {"key": outcome.key, "state": FAILED, "error_kind": outcome.kind, "error": redact(outcome.message)}
        self._knows(outcome)
        return {"key": outcome.key, "state": OK, **outcome.values}

    def _knows(self, row: Row) -> None:
        names = set(self.columns.names)
        for name in sorted(row.values.keys() - names):
            raise ValueError(f"stage {self.name} has no column {name}; {instead_of(name, names)}")
        if missing := sorted(names - row.values.keys()):
            raise ValueError(f"a row of stage {self.name} lacks {', '.join(missing)}; None stands for no value")


def schema(name: str, **columns: pa.DataType) -> Schema:
    """The columns of a stage, in the order they are shown: `schema("identity", similarity=list_(float32()))`."""
    if not NAME.fullmatch(name):
        raise ValueError(f"a stage's name has lower-case letters, digits and _, not {name!r}")
    for column, kind in columns.items():
        if not NAME.fullmatch(column) or column in _RESERVED:
            raise ValueError(f"{name}: a column cannot be called {column!r}")
        if not _can_be_stored(kind):
            raise ValueError(f"{name}: column {column} cannot be a {kind}")
    return Schema(name, pa.schema(list(columns.items())))


class Stage:
    """A measurement of clips. Subclasses say what they need, and define `measure`."""

    version: ClassVar[int]
    needs: ClassVar[Mapping[type["Stage"], Sequence[str]]] = {}
    """The stages before it, and which of their columns it reads: only those are given to it, and only they count when
    a row is looked up again."""
    needs_images: ClassVar[Sequence[type["Stage"]]] = ()
    """Those of `needs` whose images it looks at."""
    reads_source: ClassVar[bool] = True
    """False: it measures rows and images alone, never the clip's file, which may have gone meanwhile."""
    roles: ClassVar[Mapping[str, type]] = {}
    writes: ClassVar[Schema]
    parameters: Parameters = Parameters()
    """A subclass assigns its own, with every default: `parameters = IdentityParameters()`."""

    def __init__(self, parameters: Parameters | None = None, **backends: Any) -> None:
        """Takes one backend for each role: `Identity(faces=CenterFace(...), identity=DlibFace(...))`."""
        wanted = type(self).parameters
        if parameters is not None:
            if type(parameters) is not type(wanted):
                raise TypeError(f"{self.writes.name} takes {type(wanted).__name__}, not {type(parameters).__name__}")
            self.parameters = parameters
        for role in sorted(backends.keys() - self.roles.keys()):
            raise TypeError(f"{self.writes.name} has no role {role}; {instead_of(role, self.roles)}")
        if unplayed := sorted(self.roles.keys() - backends.keys()):
            raise TypeError(f"{self.writes.name} needs a backend for {', '.join(unplayed)}")
        self.backends: Mapping[str, Any] = backends

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        """One outcome for each clip, in any order."""
        raise NotImplementedError

    @classmethod
    def fingerprint(cls, parameters: Parameters, backends: Mapping[str, tuple[str, str]]) -> str:
        """What a row depends on besides its input; `backends` is role -> (name, digest of its weights)."""
        if backends.keys() != cls.roles.keys():
            raise ValueError(f"{cls.writes.name} has the roles {sorted(cls.roles)}, not {sorted(backends)}")
        return fingerprint(cls.writes.name, cls.version, parameters.model_dump(mode="json"), backends)


def _array(column: pa.Field, values: list[object]) -> pa.Array:
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


def _can_be_stored(kind: pa.DataType) -> bool:
    if pa.types.is_list(kind):
        return _can_be_stored(kind.value_type)
    if pa.types.is_struct(kind):
        return all(NAME.fullmatch(inner.name) and _can_be_stored(inner.type) for inner in kind)
    return kind in _SCALARS
