"""What a build would do, and why: questions to the record, answered without running a model."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from actor18m.catalog.register import Registration
from actor18m.ledger.index import Index
from actor18m.ledger.ledger import ledgers
from actor18m.storage.store import Store
from actor18m.survey.admission import PENDING
from actor18m.survey.chain import Link
from actor18m.survey.foreseen import Number, Waiting
from actor18m.survey.kept_price import KeptPrice
from actor18m.survey.rates import Rate
from actor18m.survey.runs import accounts, stages_of
from actor18m.survey.snapshot import Block, Record
from actor18m.survey.subsets import SubsetCounts
from actor18m.survey.survey import DUPLICATE, STATES, Surveyed

Counts = dict[str, int]

CHANGED = {"backends": "changed model", "parameters": "changed parameter", "version": "changed stage"}
_OTHERWISE = CHANGED["version"]
LOST = "lost rows"
"""Why rows are missing that were there once: their file has gone from the ledger."""


@dataclass
class StagePlan:
    """What is missing of one stage, and what is likely to come."""

    unit: str = "clips"
    """Or `images`."""
    missing: int = 0
    why: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    costs: tuple[str, ...] = ()
    """What the stage tells that it costs, beside time."""
    expected: Number = None
    """So many, with those of clips and images that wait at an earlier stage, if as many pass as did so far. Of a maker,
    with further attempts. None where nobody knows."""
    at_most: Number = None
    """If each of them comes so far."""
    rate: Rate | None = None
    """What one costs; None where nobody knows. Without prices it is not asked."""

    @property
    def changed(self) -> int:
        """How many of those that are missing it measured when it was another one."""
        return sum(count for why, count in self.why.items() if why in CHANGED.values())


@dataclass
class Plan:
    inputs: int
    """Those that are registered."""
    states: Counts
    stages: dict[str, StagePlan]
    """As far as it is known before measuring: what a clip needs later shows when its rows are there."""
    subsets: dict[str, SubsetCounts] = field(default_factory=dict)
    new: int = 0
    """Inputs that are about to be registered, which each the first stage reads."""
    asking: dict[str, Number] = field(default_factory=dict)
    """Of stages that ask for images and have rows missing, for how many images a clip asked so far; None where none
    did."""
    kept: list[KeptPrice] = field(default_factory=list)
    """What a kept image costs."""
    split: Registration | None = None
    """Clips that the sources are split into and that are not registered yet, and those that would be superseded; where
    inputs are split.
    """

    @property
    def images(self) -> dict[str, Counts]:
        """By subset, how many images are in which state, of those that are asked for."""
        return {subset: each.states for subset, each in self.subsets.items()}

    @property
    def is_done(self) -> bool:
        is_split = self.split is None or self.split.is_as_before
        return is_split and not any(stage.missing for stage in self.stages.values())


def unpriced(record: Record) -> Plan:
    """What is missing, without what it would cost, which tells nothing to who does it."""
    planning = Planning(record)
    for block, surveyed in record.surveyed():
        planning.add(block, surveyed)
    return planning.found()


class Planning:
    """A plan without prices, from a survey that may serve others, too."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._links, branches = record.surveyor.stages.links, record.surveyor.stages.branches
        self._found = Plan(0, {}, {link.name: StagePlan(link.unit, costs=link.step.costs) for link in self._links})
        self._states, self._subsets = Counter[str](), {branch.subset: SubsetCounts() for branch in branches}
        self._others: dict[str, list[tuple[str, Index]]] = {}
        self._waiting, self._read = Counter[tuple[str, str, str]](), 0

    def add(self, block: Block, surveyed: Surveyed) -> None:
        self._found.inputs += surveyed.inputs.num_rows
        self._states.update(counted(surveyed.inputs["state"]))
        self._read += pc.sum(surveyed.measured[self._record.surveyor.chain[0].name]["passed"]).as_py() or 0
        for branch in self._record.surveyor.stages.branches:
            self._subsets[branch.subset].add(surveyed, branch)
        self._waiting.update(_waiting(surveyed.images))
        for link in self._links:
            rows = surveyed.missing[link.name]
            if rows.num_rows:
                self._found.stages[link.name].missing += rows.num_rows
                if link.name not in self._others:
                    self._others[link.name] = _others(self._record.store, link)
                why = _why(self._record, link, block, rows, self._others[link.name])
                self._found.stages[link.name].why.update(why)

    def found(self) -> Plan:
        self._found.states = {state: self._states[state] for state in STATES if self._states[state]}
        self._found.subsets = {subset: counts.in_order() for subset, counts in self._subsets.items()}
        for link in self._links:
            stage = self._found.stages[link.name]
            stage.calls = -(-stage.missing // link.step.run.clips_per_call)
        return self._found

    @property
    def waiting(self) -> Waiting:
        clips = {name: float(stage.missing) for name, stage in self._found.stages.items() if stage.unit == "clips"}
        again = {name: float(self._found.stages[name].changed) for name in clips}
        return Waiting(clips, dict(self._waiting), again)

    @property
    def repeating(self) -> float:
        """The share of clips that repeat another one, of those that pass the first stage."""
        return self._states[DUPLICATE] / self._read if self._read else 0.0


def _waiting(images: pa.Table) -> dict[tuple[str, str, str], int]:
    """By who asks for them, maker, and stage at which they stand."""
    names = ["asked_by", "maker", "stage"]
    pending = images.filter(pc.equal(images["state"], PENDING)).select(names)
    grouped = pending.group_by(names).aggregate([([], "count_all")])
    return {(row["asked_by"], row["maker"], row["stage"]): row["count_all"] for row in grouped.to_pylist()}


def counted(column: pa.ChunkedArray) -> Counts:
    return {each["values"]: each["counts"] for each in pc.value_counts(column).to_pylist()}


def _others(store: Store, link: Link) -> list[tuple[str, Index]]:
    """What is different now, and the rows, of the other fingerprints that rows of this stage were measured with."""
    told: dict[str, Mapping[str, object]] = {}
    for account in accounts(store):
        if (stage := stages_of(account).get(link.name)) is not None:
            told[str(stage["fingerprint"])] = stage
    return [
        (_difference(told.get(ledger.fingerprint), link.recipe), Index(ledger))
        for ledger in ledgers(store, link.name)
        if ledger.fingerprint != link.fingerprint
    ]


def _difference(before: Mapping[str, object] | None, now: Mapping[str, object]) -> str:
    if before is None:
        return _OTHERWISE
    return next((said for name, said in CHANGED.items() if before.get(name) != now[name]), _OTHERWISE)


def _why(record: Record, link: Link, block: Block, rows: pa.Table, others: list[tuple[str, Index]]) -> Iterable[str]:
    """A reason for each missing row."""
    reasons = ["new"] * rows.num_rows

    def where(keys: pa.ChunkedArray, reason: str) -> None:
        for number, is_there in enumerate(pc.is_in(rows["key"], value_set=keys.combine_chunks()).to_pylist()):
            if is_there:
                reasons[number] = reason

    measured = record.files[link.name]
    if link is not record.surveyor.chain[0]:
        for number, lot in enumerate(rows["lot"].to_pylist()):
            if lot in measured:
                reasons[number] = "newly admitted"
    lost = record.lost(link, block.lots)
    for number, lot in enumerate(rows["lot"].to_pylist()):
        if lot in lost:
            reasons[number] = LOST
    for said, index in others:
        where(index.read(block.lots)["key"], said)
    same = block.known[link.name]
    where(same["key"], "changed input")
    return reasons
