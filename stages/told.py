"""How stages tell what they measured: one after the other, and numbers as rows hold them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar, overload

from actor18m.arrays import Box
from actor18m.media.source import MediaError
from actor18m.stage import Clip, Failure, Image, Row

DIGITS = 4
"""After the point, of every number in a row: what a machine adds beyond is noise."""
SIDES = ("x0", "y0", "x1", "y1")


Unit = TypeVar("Unit", Clip, Image)


def one_by_one(units: Iterable[Unit], measured: Callable[[Unit], Row | Failure]) -> Iterator[Row | Failure]:
    """A file that is at fault fails its own clip or image."""
    for unit in units:
        try:
            yield measured(unit)
        except MediaError as error:
            yield Failure(unit.key, error.kind, str(error))


@overload
def rounded(value: float) -> float: ...
@overload
def rounded(value: None) -> None: ...
@overload
def rounded(value: float | None) -> float | None: ...
def rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)


def rounded_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those that are no whole numbers, text or the like."""
    return {name: rounded(value) if isinstance(value, float) else value for name, value in values.items()}


def box_of(told: Mapping[str, float]) -> Box:
    """Of what a row tells of something that has one."""
    return told["x0"], told["y0"], told["x1"], told["y1"]


def sides(box: Box) -> dict[str, float]:
    """A box as a row tells it."""
    return dict(zip(SIDES, box, strict=True))
