"""A lot under way: its inputs, and what was asked for of it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actor18m.execute.messages import Read, Todo, ToImage
from actor18m.stage import Stage
from actor18m.survey.chain import Link
from actor18m.survey.snapshot import FOR_WORK, Block
from actor18m.survey.survey import Settled


@dataclass
class Lot:
    """A lot under way."""

    number: int
    inputs: pa.Table
    known: dict[str, pa.Table]
    """What was known when it began, and of the first stage also what was learned until it was settled."""
    settled: Settled | None = None
    asked: set[tuple[str, str, str]] = field(default_factory=set)
    """Stage, key and input digest of what was handed out or queued."""
    parts: dict[tuple[str, str, str], str] = field(default_factory=dict)
    """Stage, key and input digest of what was measured in this run -> its part of the ledger."""
    under_way: int = 0

    def todo(self, link: Link, row: Mapping[str, Any], first: str) -> Todo:
        """Of a row that is missing; `first` is the stage whose rows have the input's id for a key."""
        given = self._given[row["number"]]
        is_of_images = link.stage_class.of != "clips"
        clip = row["clip"] if is_of_images else row["key"]
        about_images = {needed.writes.name for needed in link.stage_class.needs if needed.of != "clips"}
        reads = []
        for needed in link.needs:
            key = given["id"] if needed == first else row["key"] if needed in about_images else clip
            reads.append(Read(needed, self.number, key, row[f"{needed}@"]))
        cut, crop = (None if given[name] is None else tuple(given[name]) for name in ("cut", "crop"))
        return Todo(
            row["key"],
            row["input_digest"],
            given["uri"],
            cut,
            crop,
            tuple(reads),
            version=given["version"],
            image=self._to_image(link.stage_class, row) if is_of_images else None,
        )

    @cached_property
    def _given(self) -> list[dict[str, Any]]:
        given: list[dict[str, Any]] = self.inputs.select(FOR_WORK).to_pylist()
        return given

    def _to_image(self, stage: type[Stage[Any]], row: Mapping[str, Any]) -> ToImage:
        makes = stage.of == "requests"
        asked = Read(row["asked_by"], self.number, row["clip"], row["asked@"])
        made = None if makes else Read(row["maker"], self.number, row["key"], row["made@"])
        source = None
        if row["source_image"] is not None:
            source = Read(row["source_maker"], self.number, row["source_image"], row["source@"])
        return ToImage(
            asked=asked if makes or stage.reads_request else None,
            made=made,
            source=source if makes or stage.reads_source_image else None,
            candidate=row["candidate"],
        )


def lots_of(block: Block, numbers: Iterable[int]) -> Iterator[Lot]:
    """Lots of a block, each with its own rows."""
    tables = {stage: rows.sort_by("lot") for stage, rows in block.known.items()}
    at = {stage: rows["lot"].to_numpy() for stage, rows in tables.items()}
    inputs = block.inputs["lot"].to_numpy()
    for number in numbers:
        yield Lot(
            number,
            block.inputs.slice(*_stretch(inputs, number)),
            {stage: rows.slice(*_stretch(at[stage], number)) for stage, rows in tables.items()},
        )


def _stretch(lots: npt.NDArray[np.int32], lot: int) -> tuple[int, int]:
    """Where a lot begins in sorted lots, and how long it is."""
    begin, end = np.searchsorted(lots, [lot, lot + 1])
    return int(begin), int(end - begin)
