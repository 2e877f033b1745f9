"""How clips and images go from stage to stage: as far as their rows are there and pass."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from actor18m.ledger.rows import OK
from actor18m.survey.admission import PENDING, found, joined, where
from actor18m.survey.chain import Link

REJECTED = "rejected"

FATE = pa.schema(
    [
        pa.field("state", pa.string(), nullable=False),
        pa.field("stage", pa.string()),
        pa.field("rule", pa.string()),
        pa.field("value", pa.string()),
        pa.field("bound", pa.string()),
        pa.field("duplicate_of", pa.string()),
        pa.field("error_kind", pa.string()),
    ]
)
"""What became of an input, and at which stage it stands."""
VERDICT = ("passed", "rule", "value", "bound")
NO_ROWS = "clip"
"""Stands for the digest of rows that are read, where a stage reads none."""
MISSING = ("number", "key", "lot", "input_digest")
"""Columns of the rows that are not there yet: `number` is the input that they are about. For each stage that is read,
`identity@` is the input digest of the row to read.
"""

Indices = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Known = Mapping[str, pa.Table]
"""stage -> what the index tells of its rows, judged."""


Judge = Callable[[str, pa.Table], pa.Table]
"""Judges a stage's rows by other rules than the stage's own."""


@dataclass(frozen=True)
class Way:
    """Clips, or images, on their way through some stages."""

    clips: pa.Table
    """Those that came through, with what later stages read of the rows that they met."""
    stopped: list[pa.Table]
    missing: dict[str, pa.Table]
    measured: dict[str, pa.Table]


def follow(clips: pa.Table, links: Sequence[Link], known: Known, judged: Judge | None = None) -> Way:
    """Through these stages, as far as rows are there and pass: all rules, or what `judged` says of a stage's rows."""
    way = Way(clips, [], {}, {})
    for link in links:
        digests = read_digests(clips, link)
        rows = found(known[link.name], clips["key"], digests)
        if judged is not None:
            rows = judged(link.name, rows)
        clips = clips.append_column(f"{link.name}@", digests)
        here = here_of(clips["number"].to_numpy(), rows, link.name)
        way.stopped.append(stops(clips, here))
        way.measured[link.name] = here.measured
        wanted = where(clips.append_column("input_digest", digests), pa.array(here.missing))
        way.missing[link.name] = wanted.select([*MISSING, *(f"{needed}@" for needed in link.needs)])
        clips = passed_on(clips, link, here)
    return replace(way, clips=clips)


def read_digests(clips: pa.Table, link: Link) -> pa.ChunkedArray:
    """Of each clip, what the stage reads of the rows before."""
    read = [clips[f"{needed}>{link.name}"] for needed in link.needs]
    return joined(read) if read else _nothing_read(clips.num_rows)


def passed_on(clips: pa.Table, link: Link, here: "Here") -> pa.Table:
    """Those that go on, with what the stage's readers are told."""
    clips = where(clips, pa.array(here.going))
    for reader in link.readers:
        clips = clips.append_column(f"{link.name}>{reader}", here.passing[f"_for_{reader}"])
    if link.stage_class.requests is not None:
        clips = clips.append_column(f"{link.name}?", here.passing["_requests"])
    return clips


@dataclass(frozen=True)
class Here:
    """What became at one stage of those that came to it."""

    fates: pa.Table
    """FATE of each, in their order; nulls of those that go on."""
    missing: Mask
    failing: Mask
    """Who is rejected by a rule."""
    going: Mask
    passing: pa.Table
    """Rows of those that go on."""
    measured: pa.Table
    """The rows that were judged, with `number`."""


def here_of(number: Indices, found: pa.Table, stage: str) -> Here:
    """`found` has the row of each, nulls where there is none."""
    state = found["state"]
    is_missing = pc.is_null(state)
    is_ok = pc.fill_null(pc.equal(state, OK), False)
    passed = pc.fill_null(found["passed"], False)
    going, failing = pc.and_(is_ok, passed), pc.and_not(is_ok, passed)
    # one after the other: not measured, not measurable, rejected
    ended = pc.if_else(is_missing, PENDING, pc.if_else(failing, REJECTED, state))
    fates = {
        "state": pc.if_else(going, None, ended),
        "stage": pc.if_else(going, None, pa.scalar(stage)),
        "duplicate_of": pa.nulls(found.num_rows, pa.string()),
        "error_kind": pc.if_else(is_ok, None, found["error_kind"]),
    } | {name: pc.if_else(failing, found[name], None) for name in ("rule", "value", "bound")}
    judged = found.select([name for name in found.column_names if not name.startswith("_")])
    ok, on = is_ok.to_numpy(), going.to_numpy()
    return Here(
        fates=pa.table([fates[field.name] for field in FATE], names=FATE.names),
        missing=is_missing.to_numpy(),
        failing=failing.to_numpy(),
        going=on,
        passing=where(found, pa.array(on)),
        measured=where(judged, pa.array(ok)).add_column(0, "number", pa.array(number[ok])),
    )


def stops(clips: pa.Table, here: Here) -> pa.Table:
    """`number` and FATE of those that go no further."""
    told = where(here.fates.add_column(0, "number", clips["number"]), pa.array(~here.going))
    return told.cast(pa.schema([("number", pa.int64()), *FATE]))


def stopped(number: Indices, state: str | pa.ChunkedArray, **told: object) -> pa.Table:
    values = {"state": state} | told

    def column(field: pa.Field) -> pa.ChunkedArray | pa.Array:
        value = values.get(field.name)
        if value is None or isinstance(value, str):
            return pa.array([value] * len(number), field.type)
        return value

    columns = {"number": pa.array(number)} | {field.name: column(field) for field in FATE}
    return pa.table(columns, schema=pa.schema([("number", pa.int64()), *FATE]))


def _nothing_read(count: int) -> pa.ChunkedArray:
    """The input digests of a stage that looks at the clip alone, whose key tells its content."""
    return pa.chunked_array([pa.array([NO_ROWS] * count, pa.string())])
