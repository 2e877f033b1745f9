"""Cells of lists as people write them: file names, whole numbers, words, and whatever else JSON can hold."""

import math
import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime, time

from actor18m.errors import ActorError
from actor18m.redact import is_secret_name, without_secrets


def file_name(value: object) -> str:
    if isinstance(value, bytes):
        return os.fsdecode(value)
    if value is None or isinstance(value, str):
        return value or ""
    raise ActorError(f"{_brief(value)} is no file name")


def word(row: Mapping[str, object], column: str | None) -> str | None:
    value = None if column is None else plain_value(row[column])
    return None if value in (None, "") else without_secrets(str(value).strip()) or None


def whole_numbers(row: Mapping[str, object], names: tuple[str, ...]) -> tuple[int, ...]:
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


def plain_value(value: object) -> object:
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
                str(plain_value(str(name))): plain_value(inner)
                for name, inner in value.items()
                if not is_secret_name(str(name))
            }
        case list() | tuple():
            return [plain_value(inner) for inner in value]
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
