"""Lists of clips: CSV, TSV, JSON lines, Parquet, and text with a path on each line.

A column names the file: `uri`, `path`, `url`, `video` or `file`; a relative path begins in the list's folder. These are
understood if they are there: `cut_start` and `cut_end` (frames, the second one past the end), `crop_x0`, `crop_x1`,
`crop_y0` and `crop_y1` (pixels), `licence`, `consent`. All others are kept as the input's source, but for those whose
names say that they hold a secret.
"""

import csv
import io
import json
import logging
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from difflib import get_close_matches
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from actor18m.errors import ActorError
from actor18m.far_file import open_uri
from actor18m.inputs import RIGHTS, Input, beside, shown
from actor18m.redact import is_secret_name, without_secrets
from actor18m.sources.refused import Row

_URI = ("uri", "path", "url", "video", "file")
_LICENCE = ("licence", "license")
_CONSENT = ("consent",)
_CUT = ("cut_start", "cut_end")
_CROP = ("crop_x0", "crop_x1", "crop_y0", "crop_y1")
_ROWS = 4096
_LONGEST_LINE = 1 << 20

_log = logging.getLogger(__name__)


def read_csv(uri: str) -> Iterator[Row]:
    return _read_text(uri, ",")


def read_tsv(uri: str) -> Iterator[Row]:
    return _read_text(uri, "\t")


def read_paths(uri: str) -> Iterator[Row]:
    """A path or URL on each line; blank lines are skipped."""
    columns = _Columns("path", None, None, (), (), ())
    with _as_text(open_uri(uri)) as text:
        for number, line in enumerate(_lines(uri, text), start=1):
            if line.strip() and not line.startswith("# "):
                yield _row(uri, f"line {number}", columns, {"path": line.rstrip("\r\n")})


def read_jsonl(uri: str) -> Iterator[Row]:
    """An object on each line, whose fields are the columns; fields may differ from line to line."""
    known: dict[tuple[str, ...], _Columns] = {}
    with _as_text(open_uri(uri)) as text:
        for number, line in enumerate(_lines(uri, text), start=1):
            if not line.strip():
                continue
            fields = _fields(uri, number, line)
            names = tuple(fields)
            if names not in known:
                known = {**known, names: _columns(uri, names)} if len(known) < _ROWS else {names: _columns(uri, names)}
            yield _row(uri, f"line {number}", known[names], fields)


def read_parquet(uri: str) -> Iterator[Row]:
    """Columns of bytes, images for example, are left unread, except the one with the file names."""
    with open_uri(uri) as stream:
        try:
            with pq.ParquetFile(stream, buffer_size=1 << 20, pre_buffer=False) as file:
                columns = _columns(uri, file.schema_arrow.names)
                unread = {field.name for field in file.schema_arrow if "binary" in str(field.type)} - {columns.uri}
                columns = replace(columns, rest=tuple(name for name in columns.rest if name not in unread))
                wanted = [name for name in file.schema_arrow.names if name not in unread]
                number = 0
                for batch in file.iter_batches(_ROWS, columns=wanted, use_threads=False):
                    for row in batch.to_pylist():
                        number += 1
                        yield _row(uri, f"row {number}", columns, row)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise ActorError(f"the list {shown(uri)} cannot be read as Parquet: {error}") from error


@dataclass(frozen=True)
class _Columns:
    """How the list spells them."""

    uri: str
    licence: str | None
    consent: str | None
    cut: tuple[str, ...]
    crop: tuple[str, ...]
    rest: tuple[str, ...]

    @property
    def states(self) -> tuple[str, ...]:
        """Of the rights those that the list has a column for."""
        return tuple(name for name in RIGHTS if getattr(self, name) is not None)


def _read_text(uri: str, delimiter: str) -> Iterator[Row]:
    """Bytes that are no UTF-8 survive in file names."""
    with _as_text(open_uri(uri)) as text:
        rows = csv.reader(_lines(uri, text), delimiter=delimiter, strict=True)
        try:
            header = next(rows, None)
            if header is None:
                raise ActorError(f"the list {shown(uri)} is empty; its first line names the columns, uri for one")
            columns = _columns(uri, header)
            for values in rows:
                if not values:
                    continue
                if len(values) != len(header):
                    raise ActorError(
                        f"the list {shown(uri)}, line {rows.line_num}: {len(values)} values for {len(header)} columns. "
                        "A value with a separator or a line break in it must stand in quotes."
                    )
                yield _row(uri, f"line {rows.line_num}", columns, dict(zip(header, values, strict=True)))
        except csv.Error as error:
            raise ActorError(f"the list {shown(uri)}, line {rows.line_num}: {error}") from error


def _as_text(stream: IO[bytes]) -> io.TextIOWrapper:
    return io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")


def _lines(uri: str, text: IO[str]) -> Iterator[str]:
    """One at a time, and none that would fill the memory."""
    number = 0
    while line := text.readline(_LONGEST_LINE):
        number += 1
        if len(line) == _LONGEST_LINE and not line.endswith(("\n", "\r")):
            raise ActorError(
                f"the list {shown(uri)}, line {number}: is longer than {_LONGEST_LINE:,} characters; is it a list?"
            )
        yield line


def _fields(uri: str, number: int, line: str) -> Mapping[str, object]:
    where = f"the list {shown(uri)}, line {number}"
    try:
        fields = json.loads(line, object_pairs_hook=_once_each)
    except RecursionError as error:
        raise ActorError(f"{where}: is nested too deeply") from error
    except ValueError as error:
        raise ActorError(f"{where}: is no JSON object: {error}") from error
    if not isinstance(fields, Mapping):
        raise ActorError(f"{where}: is no JSON object with a field uri")
    return fields


def _once_each(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the field {next(name for name in names if names.count(name) > 1)!r} stands in it twice")
    return fields


def _columns(uri: str, header: Sequence[str]) -> _Columns:
    """Whatever the case they are written in."""
    spelt: dict[str, str] = {}
    for name in header:
        if (low := name.strip().lower()) in spelt:
            raise ActorError(
                f"the list {shown(uri)} has two columns {low!r}, and only one can be meant: rename or remove one"
            )
        spelt[low] = name

    def one_of(names: Sequence[str]) -> str | None:
        return next((spelt[name] for name in names if name in spelt), None)

    def all_of(names: Sequence[str]) -> tuple[str, ...]:
        found = tuple(spelt[name] for name in names if name in spelt)
        if found and len(found) < len(names):
            lacking = ", ".join(name for name in names if name not in spelt)
            raise ActorError(f"the list {shown(uri)} has the column {found[0]} but not {lacking}: give all or none")
        return found

    named = one_of(_URI)
    if named is None:
        close = [(name, match) for name in header for match in get_close_matches(name.strip().lower(), _URI, n=1)]
        raise ActorError(
            f"the list {shown(uri)} has no column that names the files ({', '.join(_URI)}); it has: "
            f"{', '.join(map(repr, header))}"
            + "".join(f". Did you mean {match} by {name!r}?" for name, match in close[:1])
        )
    licence, consent = one_of(_LICENCE), one_of(_CONSENT)
    cut, crop = all_of(_CUT), all_of(_CROP)
    understood = {named, licence, consent, *cut, *crop}
    rest = tuple(name for name in spelt.values() if name not in understood)
    if secret := [name for name in rest if is_secret_name(name)]:
        named_so = ", ".join(map(repr, secret))
        _log.warning("the list %s: %s is left out: its name says that it holds a secret", shown(uri), named_so)
        rest = tuple(name for name in rest if name not in secret)
    return _Columns(named, licence, consent, cut, crop, rest)


def _row(list_uri: str, where: str, columns: _Columns, row: Mapping[str, object]) -> Row:
    return where, _input(list_uri, where, columns, row)


def _input(list_uri: str, where: str, columns: _Columns, row: Mapping[str, object]) -> Input:
    try:
        cut, crop = _whole(row, columns.cut), _whole(row, columns.crop)
        for low, high in zip((cut + crop)[::2], (cut + crop)[1::2], strict=True):
            if not 0 <= low < high:
                raise ActorError(f"from {low} to {high} is nothing; a start is 0 or more, and less than its end")
        return Input(
            beside(list_uri, _name(row[columns.uri])),
            (cut[0], cut[1]) if cut else None,
            (crop[0], crop[1], crop[2], crop[3]) if crop else None,
            _word(row, columns.licence),
            _word(row, columns.consent),
            {name: value for name in columns.rest if (value := _plain(row[name])) not in (None, "")},
            states=columns.states,
        )
    except (ActorError, UnicodeError) as error:
        raise ActorError(f"the list {shown(list_uri)}, {where}: {error}") from error
    except RecursionError as error:
        raise ActorError(f"the list {shown(list_uri)}, {where}: is nested too deeply") from error


def _name(value: object) -> str:
    if isinstance(value, bytes):
        return os.fsdecode(value)
    if value is None or isinstance(value, str):
        return value or ""
    raise ActorError(f"{_brief(value)} is no file name")


def _word(row: Mapping[str, object], column: str | None) -> str | None:
    value = None if column is None else _plain(row[column])
    return None if value in (None, "") else without_secrets(str(value).strip()) or None


def _whole(row: Mapping[str, object], names: tuple[str, ...]) -> tuple[int, ...]:
    """Numbers, or nothing when all are empty. Tables with empty cells often have whole numbers written as 12.0."""
    values = [row[name] for name in names]
    if all(value is None or value == "" or value != value for value in values):
        return ()
    return tuple(_integer(name, value) for name, value in zip(names, values, strict=True))


def _integer(name: str, value: object) -> int:
    if isinstance(value, str | int | float):
        with suppress(ValueError, OverflowError):
            number = float(value)
            if number.is_integer() and abs(number) < 2**53:
                return int(number)
    raise ActorError(f"{name} is {_brief(value)}, which is no whole number")


def _plain(value: object) -> object:
    """As JSON can hold it: no bytes, no NaN, times as text. And no secrets."""
    match value:
        case str():
            return without_secrets(value.encode(errors="backslashreplace").decode())
        case bool() | int() | None:
            return value
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {
                str(_plain(str(name))): _plain(inner) for name, inner in value.items() if not is_secret_name(str(name))
            }
        case list() | tuple():
            return [_plain(inner) for inner in value]
        case datetime() | date() | time():
            return value.isoformat()
        case bytes():
            return None
        case _:
            return str(value)


def _brief(value: object) -> str:
    try:
        told = repr(value)
    except ValueError:  # Python does not spell out a number of thousands of digits
        return "a number of thousands of digits"
    return told if len(told) <= 100 else f"{told[:100]}…"
