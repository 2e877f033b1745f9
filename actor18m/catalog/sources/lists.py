"""Lists of clips: CSV, TSV, JSON lines, Parquet, and text with a path on each line.

A column names the file: `uri`, `path`, `url`, `video` or `file`; a relative path begins in the list's folder. These are
understood if they are there: `cut_start` and `cut_end` (frames, the second one past the end), `crop_x0`, `crop_x1`,
`crop_y0` and `crop_y1` (pixels), `licence`, `consent`. All others are kept as the input's source, but for those whose
names say that they hold a secret. A row that cannot be understood fails alone; of columns that cannot, the list is
refused.
"""

import csv
import io
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from difflib import get_close_matches
from itertools import chain
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from actor18m.catalog.sources.cells import file_name, plain_value, whole_numbers, word
from actor18m.catalog.sources.refused import Row, no_input
from actor18m.errors import ActorError
from actor18m.inputs import RIGHTS, Input, beside, shown
from actor18m.redact import is_secret_name
from actor18m.storage.far_file import open_uri

_URI = ("uri", "path", "url", "video", "file")
_LICENCE = ("licence", "license")
_CONSENT = ("consent",)
_CUT = ("cut_start", "cut_end")
_CROP = ("crop_x0", "crop_x1", "crop_y0", "crop_y1")
_ROWS = 4096
_DELIMITERS = (",", ";", "\t")
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
            try:
                fields = _fields(line)
                names = tuple(fields)
                if names not in known:
                    known = {**(known if len(known) < _ROWS else {}), names: _columns(uri, names)}
            except ActorError as error:
                if not known:
                    raise ActorError(f"the list {shown(uri)}, line {number}: {error}") from error
                yield no_input(uri, f"line {number}", str(error))
                continue
            yield _row(uri, f"line {number}", known[names], fields)


def read_parquet(uri: str) -> Iterator[Row]:
    """Columns of bytes, images for example, are left unread, except the one with the file names."""
    with open_uri(uri) as stream:
        try:
            with pq.ParquetFile(stream, buffer_size=1 << 20, pre_buffer=False) as file:
                columns = _columns_of(uri, file.schema_arrow.names)
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
        lines = _lines(uri, text)
        first = next(lines, "")
        rows = csv.reader(chain([first] if first else [], lines), delimiter=_delimiter(first, delimiter), strict=True)
        try:
            header = next(rows, None)
            if header is None:
                raise ActorError(f"the list {shown(uri)} is empty; its first line names the columns, uri for one")
            columns = _columns_of(uri, header)
            for values in rows:
                if not values:
                    continue
                where = f"line {rows.line_num}"
                if len(values) != len(header):
                    wrong = (
                        f"{len(values)} values for {len(header)} columns. A value with a separator or a line break in "
                        "it must stand in quotes"
                    )
                    yield no_input(uri, where, wrong, columns.states)
                else:
                    yield _row(uri, where, columns, dict(zip(header, values, strict=True)))
        except csv.Error as error:
            raise ActorError(f"the list {shown(uri)}, line {rows.line_num}: {error}") from error


def _delimiter(header: str, usual: str) -> str:
    """What separates the columns so that one names files: in many countries spreadsheets write semicolons."""
    for delimiter in (usual, *_DELIMITERS):
        with suppress(csv.Error, StopIteration):
            names = next(csv.reader([header], delimiter=delimiter, strict=True))
            if any(name.strip().lower() in _URI for name in names):
                return delimiter
    return usual


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


def _fields(line: str) -> Mapping[str, object]:
    try:
        fields = json.loads(line, object_pairs_hook=_once_each)
    except RecursionError as error:
        raise ActorError("is nested too deeply") from error
    except ValueError as error:
        raise ActorError(f"is no JSON object: {error}") from error
    if not isinstance(fields, Mapping):
        raise ActorError("is no JSON object with a field uri")
    return fields


def _once_each(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the field {next(name for name in names if names.count(name) > 1)!r} stands in it twice")
    return fields


def _columns_of(uri: str, header: Sequence[str]) -> _Columns:
    """Of a list whose rows all have the same."""
    try:
        return _columns(uri, header)
    except ActorError as error:
        raise ActorError(f"the list {shown(uri)} {error}") from error


def _columns(uri: str, header: Sequence[str]) -> _Columns:
    """Whatever the case they are written in."""
    spelt: dict[str, str] = {}
    for name in header:
        if (low := name.strip().lower()) in spelt:
            raise ActorError(f"has two columns {low!r}, and only one can be meant: rename or remove one")
        spelt[low] = name

    def one_of(names: Sequence[str]) -> str | None:
        return next((spelt[name] for name in names if name in spelt), None)

    def all_of(names: Sequence[str]) -> tuple[str, ...]:
        found = tuple(spelt[name] for name in names if name in spelt)
        if found and len(found) < len(names):
            lacking = ", ".join(name for name in names if name not in spelt)
            raise ActorError(f"has the column {found[0]} but not {lacking}: give all or none")
        return found

    named = one_of(_URI)
    if named is None:
        close = [(name, match) for name in header for match in get_close_matches(name.strip().lower(), _URI, n=1)]
        raise ActorError(
            f"has no column that names the files ({', '.join(_URI)}); it has: "
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
    try:
        return where, _input(list_uri, columns, row)
    except (ActorError, UnicodeError) as error:
        return no_input(list_uri, where, str(error), columns.states)
    except RecursionError:
        return no_input(list_uri, where, "is nested too deeply", columns.states)


def _input(list_uri: str, columns: _Columns, row: Mapping[str, object]) -> Input:
    cut, crop = whole_numbers(row, columns.cut), whole_numbers(row, columns.crop)
    for low, high in zip((cut + crop)[::2], (cut + crop)[1::2], strict=True):
        if not 0 <= low < high:
            raise ActorError(f"from {low} to {high} is nothing; a start is 0 or more, and less than its end")
    return Input(
        beside(list_uri, file_name(row[columns.uri])),
        (cut[0], cut[1]) if cut else None,
        (crop[0], crop[1], crop[2], crop[3]) if crop else None,
        word(row, columns.licence),
        word(row, columns.consent),
        {name: value for name in columns.rest if (value := plain_value(row[name])) not in (None, "")},
        states=columns.states,
    )
