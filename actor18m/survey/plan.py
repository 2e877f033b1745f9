"""What a build would do, and why: questions to the record, answered without running a model."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from actor18m.catalog.register import Registration
from actor18m.ledger.index import Index
from actor18m.ledger.ledger import ledgers
from actor18m.storage.store import Store
from actor18m.survey.admission import PENDING
from actor18m.survey.chain import Link
from actor18m.survey.runs import accounts
from actor18m.survey.snapshot import Block, Record
from actor18m.survey.subsets import SubsetCounts
from actor18m.survey.survey import STATES, Surveyed

Counts = dict[str, int]

LOST = "lost rows"
"""Why rows are missing that were there once: their file has gone from the ledger."""


@dataclass
class StagePlan:
    """What is missing of one stage."""

    unit: str = "clips"
    """Or `images`."""
    missing: int = 0
    at_most: int | None = 0
    """With all clips that wait at an earlier stage: so many if each of them comes so far. Of images, if each clip asks
    for as many as others did; None where none did so far."""
    why: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    seconds: float | None = None
    """Working time of one worker, from the rate that was measured in this store; None where there is no rate yet."""
    seconds_at_most: float | None = None
    is_rate_of_another: bool = False
    """The rate is that of other parameters or models, since there is none of these yet."""


@dataclass
class Plan:
    inputs: int
    states: Counts
    stages: dict[str, StagePlan]
    """As far as it is known before measuring: what a clip needs later shows when its rows are there."""
    subsets: dict[str, SubsetCounts] = field(default_factory=dict)
    split: Registration | None = None
    """Clips that the sources are split into and that are not registered yet, and those that would be superseded; where
    inputs are split.
    """

    @property
    def images(self) -> dict[str, Counts]:
        """By subset, how many images are in which state, of those that are asked for."""
        return {subset: each.states for subset, each in self.subsets.items()}

    @property
    def seconds(self) -> tuple[float, float] | None:
        """Working time of one worker, at least and at most; None where a stage that is needed has no rate yet."""
        wanted = [stage for stage in self.stages.values() if stage.at_most != 0]
        if any(stage.seconds is None or stage.seconds_at_most is None for stage in wanted):
            return None
        return sum(stage.seconds or 0 for stage in wanted), sum(stage.seconds_at_most or 0 for stage in wanted)

    @property
    def is_done(self) -> bool:
        is_split = self.split is None or self.split.is_as_before
        return is_split and not any(stage.missing for stage in self.stages.values())


def plan(record: Record) -> Plan:
    """Surveys everything that is registered."""
    found = unpriced(record)
    _price(found, record.surveyor.stages.links, rates_of(record.store))
    return found


def unpriced(record: Record) -> Plan:
    """Without how long it would take, which tells nothing to who does it."""
    planning = Planning(record)
    for block, surveyed in record.surveyed():
        planning.add(block, surveyed)
    return planning.found()


class Planning:
    """A plan without prices, from a survey that may serve others, too."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._links, branches = record.surveyor.stages.links, record.surveyor.stages.branches
        self._found = Plan(0, {}, {link.name: StagePlan(link.unit) for link in self._links})
        self._states, self._subsets = Counter[str](), {branch.subset: SubsetCounts() for branch in branches}
        self._others: dict[str, list[tuple[str, Index]]] = {}
        self._asked = _Asked()

    def add(self, block: Block, surveyed: Surveyed) -> None:
        self._found.inputs += surveyed.inputs.num_rows
        self._states.update(counted(surveyed.inputs["state"]))
        for branch in self._record.surveyor.stages.branches:
            self._subsets[branch.subset].add(surveyed, branch)
        self._asked.add(surveyed)
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
        _foresee(self._found, self._links, self._asked)
        return self._found


@dataclass
class _Asked:
    """How many images clips asked for so far, by maker."""

    images: Counter[str] = field(default_factory=Counter)
    waiting: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By maker and the stage at which they stand, images that are not kept yet and may be."""
    clips: int = 0

    def add(self, surveyed: Surveyed) -> None:
        self.images.update(counted(surveyed.images["maker"]))
        self.clips += len(pc.unique(surveyed.images["clip"]))
        pending = surveyed.images.filter(pc.equal(surveyed.images["state"], PENDING)).select(["maker", "stage"])
        self.waiting.update((row["maker"], row["stage"]) for row in pending.to_pylist())


def _foresee(found: Plan, links: Sequence[Link], asked: _Asked) -> None:
    """How many rows of each stage there may be when all that waits has come as far as it can."""
    clips = 0
    for link in links:
        stage = found.stages[link.name]
        if stage.unit == "clips":
            clips += stage.missing
            stage.at_most = clips
            continue
        makers = [link.name] if link.stage_class.of == "requests" else link.of
        waiting = sum(count for (maker, _), count in asked.waiting.items() if maker in makers)
        more = clips * sum(asked.images[maker] for maker in makers) / asked.clips if asked.clips else 0
        is_known = asked.clips > 0 or clips == 0
        stage.at_most = max(waiting, stage.missing) + math.ceil(more) if is_known else None


def _price(found: Plan, links: Sequence[Link], rates: Mapping[tuple[str, str | None], float]) -> None:
    for link in links:
        stage = found.stages[link.name]
        stage.calls = -(-stage.missing // link.step.run.clips_per_call)
        own = rates.get((link.name, link.fingerprint))
        rate = rates.get((link.name, None)) if own is None else own
        stage.is_rate_of_another = own is None and rate is not None
        stage.seconds = None if rate is None else round(stage.missing * rate, 1)
        if rate is not None and stage.at_most is not None:
            stage.seconds_at_most = round(stage.at_most * rate, 1)


def counted(column: pa.ChunkedArray) -> Counts:
    return {each["values"]: each["counts"] for each in pc.value_counts(column).to_pylist()}


def rates_of(store: Store) -> dict[tuple[str, str | None], float]:
    """Seconds of work for one clip, by stage and fingerprint, from the last run that measured with it; by stage and
    None from the last run that measured with any.
    """
    rates: dict[tuple[str, str | None], float] = {}
    for account in accounts(store):
        for name, stage in _stages(account).items():
            match stage:
                case {"measured": int(measured), "seconds": int() | float() as seconds} if measured > 0:
                    rates[name, str(stage["fingerprint"])] = rates[name, None] = seconds / measured
    return rates


def _stages(account: Mapping[str, object]) -> Mapping[str, Mapping[str, object]]:
    """Those that it tells of as a build does."""
    stages = account.get("stages")
    if not isinstance(stages, Mapping):
        return {}
    return {
        str(name): told
        for name, told in stages.items()
        if isinstance(told, Mapping) and isinstance(told.get("fingerprint"), str)
    }


def _others(store: Store, link: Link) -> list[tuple[str, Index]]:
    """What is different now, and the rows, of the other fingerprints that rows of this stage were measured with."""
    told: dict[str, Mapping[str, object]] = {}
    for account in accounts(store):
        if (stage := _stages(account).get(link.name)) is not None:
            told[str(stage["fingerprint"])] = stage
    return [
        (_difference(told.get(ledger.fingerprint), link.recipe), Index(ledger))
        for ledger in ledgers(store, link.name)
        if ledger.fingerprint != link.fingerprint
    ]


def _difference(before: Mapping[str, object] | None, now: Mapping[str, object]) -> str:
    if before is None:
        return "changed stage"
    names = {"backends": "changed model", "parameters": "changed parameter", "version": "changed stage"}
    return next((said for name, said in names.items() if before.get(name) != now[name]), "changed stage")


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
