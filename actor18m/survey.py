"""What is known of every input, and what is missing: the one question behind build, plan, status and publish.

Lots are surveyed in order. An input that is split, or waits to be, does not enter (entry.py). Another is found in the
first stage's rows by its version; the rows tell which clip it is, and whether that clip repeats an earlier one. A clip
is then followed from stage to stage for as long as its rows are there and pass their rules.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from actor18m.chain import CLIP, DURATION, SIGNATURE, Link
from actor18m.duplicates import Duplicates
from actor18m.entry import ENTRY, NO_FILE, PENDING, REMOVED, SPLIT, SUPERSEDED, found, joined
from actor18m.overrides import LastWord, override
from actor18m.policy import by_name, judge
from actor18m.relations import MEMBERS
from actor18m.rows import OK

ACCEPTED, REJECTED, DUPLICATE = "accepted", "rejected", "duplicate"
STATES = (ACCEPTED, REJECTED, "failed", "quarantined", DUPLICATE, SPLIT, SUPERSEDED, REMOVED, PENDING)
"""Every input is in one of them."""

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


@dataclass(frozen=True)
class Settled:
    """Inputs of some lots after the first stage."""

    inputs: pa.Table
    """Those given, with `clip`."""
    stopped: pa.Table
    """`number` and FATE of the inputs that go no further."""
    clips: pa.Table
    """Of the inputs that are the first of a clip that stands: `number`, `key`, `lot`, `intake@` (the input digest of
    the first stage's row) and `intake>identity` (what that row gives to the digest of another stage).
    """
    missing: pa.Table
    measured: pa.Table
    """The judged rows of the inputs that were read, with `number`."""
    former: pa.Table
    """`key` and `lot` of clips of inputs that are superseded, removed or split, whose rows may serve again."""

    def of_lot(self, lot: int) -> "Settled":
        """The part of one lot."""
        inside = np.flatnonzero(self.inputs["lot"].to_numpy() == lot)
        start, count = int(inside[0]), len(inside)

        def part(table: pa.Table) -> pa.Table:
            number = table["number"].to_numpy()
            rows = table.filter(pa.array((number >= start) & (number < start + count)))
            return rows.set_column(0, "number", pc.subtract(rows["number"], start))

        inputs = self.inputs.slice(start, count)
        rest = part(self.missing), part(self.measured), self.former.slice(0, 0)
        return Settled(inputs, part(self.stopped), part(self.clips), *rest)


@dataclass(frozen=True)
class Surveyed:
    inputs: pa.Table
    """Those given, with `clip` and the columns of FATE."""
    missing: dict[str, pa.Table]
    """By stage."""
    measured: dict[str, pa.Table]
    """By stage, the judged rows that decided, with `number`."""


class Surveyor:
    """Follows lots through the chain; each lot is settled once, in order, since duplicates are told by it."""

    def __init__(self, chain: Sequence[Link], duplicates: Duplicates, overrides: Sequence[LastWord] = ()) -> None:
        self.chain = chain
        self.duplicates = duplicates
        self._overrides = overrides

    def judged(self, link: Link, known: pa.Table) -> pa.Table:
        """With a verdict for each row that was measured."""
        is_ok = pc.equal(known["state"], OK)
        rows = known.filter(is_ok)
        verdicts = judge(rows, by_name(link.rules))
        if self._overrides:
            clips = rows[f"_{CLIP}"] if link is self.chain[0] else rows["key"]
            verdicts = override(verdicts.set_column(0, "key", clips), self._overrides)
        for name in VERDICT:
            rows = rows.append_column(name, verdicts[name])
        return pa.concat_tables([rows, known.filter(pc.invert(is_ok))], promote_options="default")

    def unread(self, inputs: pa.Table, known: pa.Table) -> pa.Table:
        """What is missing of the first stage."""
        digests = pc.fill_null(inputs["version"], NO_FILE)
        enters = pc.is_null(inputs["entry_state"])
        missing = pc.and_(enters, pc.is_null(found(known, inputs["id"], digests)["state"]))
        number = pa.array(np.flatnonzero(missing.to_numpy()))
        absent = [inputs["id"], inputs["lot"], digests]
        return pa.table([number, *(column.take(number) for column in absent)], names=list(MISSING))

    def settle(self, inputs: pa.Table, known: pa.Table) -> Settled:
        """After the first stage, whose judged rows are `known`. Lots are given in order, each once."""
        first = self.chain[0]
        number = np.arange(inputs.num_rows, dtype=np.int64)
        enters = pc.is_null(inputs["entry_state"]).to_numpy()
        digests = pc.fill_null(inputs["version"], NO_FILE)
        rows = found(known, inputs["id"], digests)
        former = rows.filter(pa.array(~enters))
        here = _here(number[enters], rows.filter(pa.array(enters)), first.name)
        going = number[enters][here.going]
        lots = inputs["lot"].take(going)
        clips, repeats = self._stand(here.passing.append_column("number", pa.array(going)), lots)
        going = clips["number"].to_numpy()
        return Settled(
            inputs=inputs.drop_columns(ENTRY.names).append_column("clip", _clips(inputs, rows)),
            stopped=pa.concat_tables([_outside(inputs), *here.stopped, repeats]),
            clips=pa.table(
                {"number": going, "key": clips[f"_{CLIP}"], "lot": inputs["lot"].take(going)}
                | {f"{first.name}@": clips["input_digest"]}
                | {f"{first.name}>{reader}": clips[f"_for_{reader}"] for reader in first.readers}
            ),
            missing=self.unread(inputs, known),
            measured=here.measured,
            former=pa.table({"key": former[f"_{CLIP}"], "lot": inputs["lot"].filter(pa.array(~enters))}).drop_null(),
        )

    def follow(self, settled: Settled, known: Known) -> Surveyed:
        """From stage to stage; `known` has the judged rows of the stages after the first."""
        first, stopped, clips = self.chain[0].name, [settled.stopped], settled.clips
        missing, measured = {first: settled.missing}, {first: settled.measured}
        for link in self.chain[1:]:
            read = [clips[f"{needed}>{link.name}"] for needed in link.needs]
            digests = joined(read) if read else _nothing_read(clips.num_rows)
            clips = clips.append_column(f"{link.name}@", digests)
            here = _here(clips["number"].to_numpy(), found(known[link.name], clips["key"], digests), link.name)
            stopped += here.stopped
            measured[link.name] = here.measured
            wanted = clips.append_column("input_digest", digests).filter(pa.array(here.missing))
            missing[link.name] = wanted.select([*MISSING, *(f"{needed}@" for needed in link.needs)])
            clips = clips.filter(pa.array(here.going))
            for reader in link.readers:
                clips = clips.append_column(f"{link.name}>{reader}", here.passing[f"_for_{reader}"])
        stopped.append(_stopped(clips["number"].to_numpy(), ACCEPTED))
        fates = pa.concat_tables(stopped).sort_by("number")
        return Surveyed(_with(settled.inputs, fates.drop_columns(["number"])), missing, measured)

    def _stand(self, passing: pa.Table, lots: pa.ChunkedArray) -> tuple[pa.Table, pa.Table]:
        """Of clips that pass the first stage those that stand, and the fates of those that repeat another."""
        allowed = pa.array([each.key for each in self._overrides if each.verdict == "allow"], pa.string())
        signatures = pc.if_else(pc.is_in(passing[f"_{CLIP}"], allowed), None, passing[f"_{SIGNATURE}"])
        members = [lots, passing[f"_{CLIP}"], signatures, passing[f"_{DURATION}"]]
        of = self.duplicates.repeated(pa.table(members, schema=MEMBERS))
        repeats = passing.filter(pc.is_valid(of))
        fates = _stopped(repeats["number"].to_numpy(), DUPLICATE, stage=self.chain[0].name, duplicate_of=of.drop_null())
        return passing.filter(pc.is_null(of)), fates


@dataclass(frozen=True)
class _Here:
    """Who stops at a stage, and who goes on: of those that were asked for."""

    stopped: list[pa.Table]
    missing: Mask
    going: Mask
    passing: pa.Table
    """Rows of those that go on."""
    measured: pa.Table


def _here(number: Indices, found: pa.Table, stage: str) -> _Here:
    state = found["state"]
    is_missing = pc.is_null(state).to_numpy()
    passed = pc.fill_null(found["passed"], False).to_numpy()
    is_ok = pc.fill_null(pc.equal(state, OK), False).to_numpy()
    broken, failing = ~is_missing & ~is_ok, is_ok & ~passed
    ended = found.select(["state", "error_kind"]).filter(pa.array(broken))
    out = found.select(["rule", "value", "bound"]).filter(pa.array(failing))
    stopped = [
        _stopped(number[is_missing], PENDING, stage=stage),
        _stopped(number[broken], ended["state"], stage=stage, error_kind=ended["error_kind"]),
        _stopped(number[failing], REJECTED, stage=stage, **{name: out[name] for name in out.column_names}),
    ]
    going = is_ok & passed
    judged = found.select([name for name in found.column_names if not name.startswith("_")])
    measured = judged.filter(pa.array(is_ok)).add_column(0, "number", pa.array(number[is_ok]))
    return _Here(stopped, is_missing, going, found.filter(pa.array(going)), measured)


def _stopped(number: Indices, state: str | pa.ChunkedArray, **told: object) -> pa.Table:
    values = {"state": state} | told

    def column(field: pa.Field) -> pa.ChunkedArray | pa.Array:
        value = values.get(field.name)
        if value is None or isinstance(value, str):
            return pa.array([value] * len(number), field.type)
        return value

    columns = {"number": pa.array(number)} | {field.name: column(field) for field in FATE}
    return pa.table(columns, schema=pa.schema([("number", pa.int64()), *FATE]))


def _outside(inputs: pa.Table) -> pa.Table:
    """The fates of inputs that do not enter."""
    number = np.flatnonzero(pc.is_valid(inputs["entry_state"]).to_numpy())
    told = {name.removeprefix("entry_"): inputs[name].take(number) for name in ENTRY.names}
    return _stopped(number, told.pop("state"), **told)


def _clips(inputs: pa.Table, rows: pa.Table) -> pa.ChunkedArray:
    """Which clip each input is, or was before it was superseded or removed. One that is split is none, whatever it was
    before.
    """
    is_one = pc.or_kleene(
        pc.is_null(inputs["entry_state"]), pc.is_in(inputs["entry_state"], pa.array([SUPERSEDED, REMOVED]))
    )
    return pc.if_else(is_one, rows[f"_{CLIP}"], None)


def _nothing_read(count: int) -> pa.ChunkedArray:
    """The input digests of a stage that looks at the clip alone, whose key tells its content."""
    return pa.chunked_array([pa.array([NO_ROWS] * count, pa.string())])


def _with(table: pa.Table, more: pa.Table) -> pa.Table:
    for name in more.column_names:
        table = table.append_column(more.schema.field(name), more[name])
    return table
