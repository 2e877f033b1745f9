"""What is known of every input, and what is missing: the one question behind build, plan, status and publish.

Lots are surveyed in order. An input that is split, or waits to be, does not enter (admission.py). Another is found in
the first stage's rows by its version; the rows tell which clip it is, and whether that clip repeats an earlier one. A
clip is then followed from stage to stage for as long as its rows are there and pass their rules: through the chain, and
through the branches of subsets, each with a gate of its own. Images are followed likewise (images.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from actor18m.ledger.rows import OK
from actor18m.policy.overrides import LastWord, override
from actor18m.policy.rules import Rules, by_name, deciding, judge
from actor18m.relations.cache import MEMBERS
from actor18m.relations.duplicates import Duplicates
from actor18m.survey.admission import ENTRY, NO_FILE, PENDING, REMOVED, SPLIT, SUPERSEDED, found, where
from actor18m.survey.chain import CLIP, DURATION, SIGNATURE, Branch, Chain, Link
from actor18m.survey.following import MISSING, REJECTED, VERDICT, Known, Way, here_of, stopped, stops
from actor18m.survey.following import follow as follow_through
from actor18m.survey.image_requests import requested
from actor18m.survey.images import Images, survey_images

ACCEPTED, DUPLICATE = "accepted", "duplicate"
STATES = (ACCEPTED, REJECTED, "failed", "quarantined", DUPLICATE, SPLIT, SUPERSEDED, REMOVED, PENDING)
"""Every input is in one of them."""


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
    admitted: dict[str, pa.Table]
    """By subset, `number`, `key` and `lot` of the clips that passed its gate and its own stages."""
    held: dict[str, pa.Table]
    """By subset, `number` and FATE of the clips that have none of its images since they ended before they asked for
    any: those that passed its gate, in its own stages; and those of which the gate could not decide, where the chain
    says something else of them."""
    images: pa.Table
    """All that were asked for, IMAGES and the columns of who looks at them."""
    requested: dict[str, int]
    """By subset, how many images were asked for, as the rows that ask for them count."""

    def images_of(self, branch: Branch) -> pa.Table:
        """IMAGES of a subset: by its makers, of the clips that it takes in."""
        of_makers = where(self.images, pc.is_in(self.images["maker"], value_set=pa.array(branch.makers, pa.string())))
        admitted = self.admitted[branch.subset]["key"].combine_chunks()
        return where(of_makers, pc.is_in(of_makers["clip"], value_set=admitted))


@dataclass(frozen=True)
class _Branched:
    """What one subset takes in, and what it does not."""

    admitted: pa.Table
    stopped: Sequence[pa.Table]
    """By its own stages."""
    at_gate: Sequence[pa.Table]
    """On the way through a gate of its own."""


class Surveyor:
    """Follows lots through the stages; each lot is settled once, in order, since duplicates are told by it."""

    def __init__(
        self,
        chain: Chain,
        duplicates: Duplicates,
        overrides: Sequence[LastWord] = (),
        denied_images: frozenset[str] = frozenset(),
    ) -> None:
        """`denied_images` are keys of images, and digests of what is in them."""
        self.chain = chain.clips
        self.stages = chain
        self.duplicates = duplicates
        self._overrides = overrides
        self._denied_images = denied_images

    def judged(self, link: Link, known: pa.Table) -> pa.Table:
        """With a verdict for each row that was measured."""
        is_ok = pc.equal(known["state"], OK)
        rows = where(known, is_ok)
        verdicts = judge(rows, by_name(deciding(link.rules)))
        if self._overrides:
            clips = rows[f"_{CLIP}"] if link is self.chain[0] else rows["key"]
            verdicts = override(verdicts.set_column(0, "key", clips), self._overrides)
        for name in VERDICT:
            rows = rows.append_column(name, verdicts[name])
        return pa.concat_tables([rows, where(known, pc.invert(is_ok))], promote_options="default")

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
        entered = pa.table({"number": number[enters]})
        here = here_of(number[enters], rows.filter(pa.array(enters)), first.name)
        going = number[enters][here.going]
        lots = inputs["lot"].take(going)
        clips, repeats = self._stand(here.passing.append_column("number", pa.array(going)), lots)
        going = clips["number"].to_numpy()
        return Settled(
            inputs=inputs.drop_columns(ENTRY.names).append_column("clip", _clips(inputs, rows)),
            stopped=pa.concat_tables([_outside(inputs), stops(entered, here), repeats]),
            clips=pa.table(
                {"number": going, "key": clips[f"_{CLIP}"], "lot": inputs["lot"].take(going)}
                | {"id": inputs["id"].take(going)}
                | {f"{first.name}@": clips["input_digest"]}
                | {f"{first.name}>{reader}": clips[f"_for_{reader}"] for reader in first.readers}
            ),
            missing=self.unread(inputs, known),
            measured=here.measured,
            former=pa.table({"key": former[f"_{CLIP}"], "lot": inputs["lot"].filter(pa.array(~enters))}).drop_null(),
        )

    def follow(self, settled: Settled, known: Known) -> Surveyed:
        """From stage to stage; `known` has the judged rows of the stages after the first."""
        first = self.chain[0].name
        ways, branches, images = self._ways(settled.clips, known)
        chain, admitted = ways[0], {subset: each.admitted for subset, each in branches.items()}
        accepted = stopped(chain.clips["number"].to_numpy(), ACCEPTED)
        fates = pa.concat_tables([settled.stopped, *chain.stopped, accepted]).sort_by("number")
        # a branch may have measured clips that the chain rejected before: decisions are the chain's
        measured = {link.name: _first_of(link.name, ways) for link in self.stages.links[1:]}
        return Surveyed(
            _with(settled.inputs, fates.drop_columns(["number"])),
            {first: settled.missing} | self._missing(ways),
            {first: settled.measured} | measured,
            {subset: clips.select(["number", "key", "lot"]) for subset, clips in admitted.items()},
            {subset: _held(each, fates) for subset, each in branches.items()},
            images.fates,
            {branch.subset: requested(self.stages, branch, admitted[branch.subset]) for branch in self.stages.branches},
        )

    def missing(self, clips: pa.Table, known: Known) -> dict[str, pa.Table]:
        """Of some clips of Settled, which rows of the stages after the first are missing. No clip's depend on those of
        another, so these may be any clips of any lots; `number` is then of their lot's inputs.
        """
        return self._missing(self._ways(clips, known)[0])

    def _ways(self, clips: pa.Table, known: Known) -> tuple[list[Way], dict[str, "_Branched"], Images]:
        """The chain's, the branches' and the images', what each branch takes in, and the images."""
        chain = follow_through(clips, self.chain[1:], known)
        ways, branched = [chain], dict[str, _Branched]()
        for branch in self.stages.branches:
            through = None if branch.gate is None else self._through(branch, clips, known)
            own = follow_through((chain if through is None else through).clips, branch.links, known)
            ways += [own] if through is None else [through, own]
            branched[branch.subset] = _Branched(own.clips, own.stopped, [] if through is None else through.stopped)
        admitted = {subset: each.admitted for subset, each in branched.items()}
        images = survey_images(self.stages, admitted, known, self._denied_images)
        ways.append(images.way)
        return ways, branched, images

    def _missing(self, ways: Sequence[Way]) -> dict[str, pa.Table]:
        return {link.name: _all_missing(link.name, ways) for link in self.stages.links[1:]}

    def _through(self, branch: Branch, clips: pa.Table, known: Known) -> Way:
        """Of clips through a subset's gate, which asks of some rules and not of acceptance."""
        gate, first = branch.gate or {}, self.chain[0].name
        # the first stage's rows are those of inputs
        rows = found(known[first], clips["id"], clips[f"{first}@"])
        rows = _judged_by(rows, clips["key"], gate.get(first, {}), self._overrides)
        return follow_through(
            clips.filter(rows["passed"]),
            branch.way,
            known,
            lambda stage, rows: _judged_by(rows, rows["key"], gate.get(stage, {}), self._overrides),
        )

    def _stand(self, passing: pa.Table, lots: pa.ChunkedArray) -> tuple[pa.Table, pa.Table]:
        """Of clips that pass the first stage those that stand, and the fates of those that repeat another."""
        allowed = pa.array([each.key for each in self._overrides if each.verdict == "allow"], pa.string())
        signatures = pc.if_else(pc.is_in(passing[f"_{CLIP}"], allowed), None, passing[f"_{SIGNATURE}"])
        members = [lots, passing[f"_{CLIP}"], signatures, passing[f"_{DURATION}"]]
        of = self.duplicates.repeated(pa.table(members, schema=MEMBERS))
        repeats = passing.filter(pc.is_valid(of))
        fates = stopped(repeats["number"].to_numpy(), DUPLICATE, stage=self.chain[0].name, duplicate_of=of.drop_null())
        return passing.filter(pc.is_null(of)), fates


def _held(branched: _Branched, of_chain: pa.Table) -> pa.Table:
    """Surveyed.held of one subset; `of_chain` has the fates of all inputs, in order of `number`."""
    nothing = stopped(np.array([], np.int64), PENDING)
    at_gate = pa.concat_tables([nothing, *branched.at_gate])
    if at_gate.num_rows:
        told = of_chain.take(at_gate["number"])
        is_told = pc.and_(pc.equal(at_gate["state"], told["state"]), pc.equal(at_gate["stage"], told["stage"]))
        is_decided = pc.equal(at_gate["state"], REJECTED)
        at_gate = at_gate.filter(pc.invert(pc.or_(is_decided, pc.fill_null(is_told, False))))
    return pa.concat_tables([at_gate, *branched.stopped]).sort_by("number")


def _outside(inputs: pa.Table) -> pa.Table:
    """The fates of inputs that do not enter."""
    number = np.flatnonzero(pc.is_valid(inputs["entry_state"]).to_numpy())
    told = {name.removeprefix("entry_"): inputs[name].take(number) for name in ENTRY.names}
    return stopped(number, told.pop("state"), **told)


def _clips(inputs: pa.Table, rows: pa.Table) -> pa.ChunkedArray:
    """Which clip each input is, or was before it was superseded or removed. One that is split is none, whatever it was
    before.
    """
    is_one = pc.or_kleene(
        pc.is_null(inputs["entry_state"]), pc.is_in(inputs["entry_state"], pa.array([SUPERSEDED, REMOVED]))
    )
    return pc.if_else(is_one, rows[f"_{CLIP}"], None)


def _with(table: pa.Table, more: pa.Table) -> pa.Table:
    for name in more.column_names:
        table = table.append_column(more.schema.field(name), more[name])
    return table


def _judged_by(rows: pa.Table, clips: pa.ChunkedArray, rules: Rules, overrides: Sequence[LastWord]) -> pa.Table:
    """With verdicts by these rules instead of all of the stage's; where a row is missing, there is none."""
    with_key = rows.set_column(rows.column_names.index("key"), "key", pc.fill_null(rows["key"], ""))
    verdicts = judge(with_key, by_name(rules))
    if overrides:
        verdicts = override(verdicts.set_column(0, "key", clips), overrides)
    is_ok = pc.fill_null(pc.equal(rows["state"], OK), False)
    for name in VERDICT:
        rows = rows.set_column(rows.column_names.index(name), name, pc.if_else(is_ok, verdicts[name], None))
    return rows


def _all_missing(stage: str, ways: Sequence[Way]) -> pa.Table:
    """Each row once, also where several ways lead to it."""
    tables = [way.missing[stage] for way in ways if stage in way.missing]
    rows = pa.concat_tables([tables[0], *(table for table in tables[1:] if table.num_rows)])
    if sum(table.num_rows > 0 for table in tables) < 2:
        return rows
    about = pc.binary_join_element_wise(rows["key"], rows["input_digest"], "/")
    return rows.filter(pa.array(np.isin(np.arange(len(about)), np.unique(about.to_numpy(), return_index=True)[1])))


def _first_of(stage: str, ways: Sequence[Way]) -> pa.Table:
    return next(way.measured[stage] for way in ways if stage in way.measured)
