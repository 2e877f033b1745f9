"""The lots that are under way: what is known of each, and what was asked for."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actor18m.chain import Link
from actor18m.execute.work import Read, Todo
from actor18m.record import FOR_WORK, Block
from actor18m.survey import Settled


@dataclass
class Lot:
    """A lot under way."""

    number: int
    inputs: pa.Table
    known: dict[str, pa.Table]
    settled: Settled | None = None
    asked: set[tuple[str, str, str]] = field(default_factory=set)
    """Stage, key and input digest of what was handed out or queued."""
    parts: dict[tuple[str, str, str], str] = field(default_factory=dict)
    """Stage, key and input digest of what was measured in this run -> its part of the ledger."""
    under_way: int = 0

    def todo(self, link: Link, row: Mapping[str, object], first: str) -> Todo:
        """Of a row that is missing; `first` is the stage whose rows have the input's id for a key."""
        number = row["number"]
        assert isinstance(number, int)
        given = {name: self.inputs[name][number].as_py() for name in FOR_WORK}
        reads = tuple(
            Read(needed, self.number, given["id"] if needed == first else str(row["key"]), str(row[f"{needed}@"]))
            for needed in link.needs
        )
        cut, crop = (None if given[name] is None else tuple(given[name]) for name in ("cut", "crop"))
        return Todo(str(row["key"]), str(row["input_digest"]), given["uri"], cut, crop, reads, version=given["version"])


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
