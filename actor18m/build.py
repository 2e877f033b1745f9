"""One build: register, measure what is missing, fold, publish. Run again, it does what is left to do."""

import json
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from actor18m import __version__
from actor18m.catalog import Catalog, Registration
from actor18m.chain import Link, chain_of
from actor18m.execute.drain import Drain, Tally, Watcher
from actor18m.execute.work import Duty
from actor18m.execute.workers import Workers
from actor18m.fold import fold
from actor18m.index import refresh
from actor18m.inputs import Input
from actor18m.journal import Journal
from actor18m.overrides import Override
from actor18m.pipeline import Pipeline
from actor18m.record import Record
from actor18m.store import Store
from actor18m.survey import Surveyor
from actor18m.writer import Lease

Count = dict[str, int]


class Staffing(Protocol):
    """Hires workers for these duties: the executor that the user chose."""

    def __call__(self, duties: Mapping[str, Duty]) -> Workers: ...


@dataclass(frozen=True)
class Plan:
    """What a survey of everything says: counts only."""

    inputs: int
    states: Count
    missing: Count
    """Rows to measure, by stage, as far as it is known before measuring."""

    @property
    def is_done(self) -> bool:
        return not any(self.missing.values())


@dataclass(frozen=True)
class Project:
    """A pipeline over a store: what all commands work with."""

    pipeline: Pipeline
    store: Store
    overrides: Sequence[Override] = ()
    until: str | None = None
    chain: tuple[Link, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "chain", chain_of(self.pipeline, self.until))

    def record(self, retry: Iterable[str] = ()) -> Record:
        """A new one for each pass: settling advances."""
        return Record(self.store, Surveyor(self.chain, self.pipeline.duplicates, self.overrides), tuple(retry))

    def plan(self, retry: Iterable[str] = ()) -> Plan:
        return plan(self.record(retry))

    def duties(self, lease: Lease) -> dict[str, Duty]:
        ledgers = {link.name: link.ledger(self.store) for link in self.chain}
        return {
            link.name: Duty(
                stage=link.name,
                step=link.step,
                ledger=ledgers[link.name],
                upstream={needed: ledgers[needed] for needed in link.needs},
                values=link.values,
                lease=lease,
            )
            for link in self.chain
        }


def plan(record: Record) -> Plan:
    """Surveys everything that is registered."""
    inputs, states = 0, dict[str, int]()
    missing = {link.name: 0 for link in record.surveyor.chain}
    for _, surveyed in record.surveyed():
        inputs += surveyed.inputs.num_rows
        for each in surveyed.inputs["state"].value_counts().to_pylist():
            states[each["values"]] = states.get(each["values"], 0) + each["counts"]
        for stage, rows in surveyed.missing.items():
            missing[stage] += rows.num_rows
    return Plan(inputs, states, missing)


def register(project: Project, lease: Lease, inputs: Iterable[Input] | None, sync: bool = False) -> Registration:
    """The inputs given, or with none another look at those that are known."""
    catalog = Catalog(project.store)
    return catalog.look_again(lease) if inputs is None else catalog.register(lease, inputs, sync)


def measure(
    project: Project,
    lease: Lease,
    staffing: Staffing,
    watcher: Watcher,
    retry: Iterable[str] = (),
    keep_on: Callable[[], bool] = lambda: True,
) -> Tally:
    """All that is missing. Workers are hired only when something is."""
    if project.plan(retry).is_done:
        return Tally()
    workers = staffing(project.duties(lease))
    try:
        with Journal(lease) as journal:
            return Drain(project.record(retry), lease, journal, workers, watcher).run(keep_on)
    finally:
        workers.close()


def settle_down(project: Project, lease: Lease) -> None:
    """Folds what was committed, which publishing reads, and brings the index up to date."""
    for link in project.chain:
        ledger = link.ledger(project.store)
        fold(lease, ledger)
        refresh(lease, ledger, link.values)


@contextmanager
def told(project: Project, lease: Lease, what: Mapping[str, object]) -> Iterator[dict[str, object]]:
    """Keeps in the store when this run was, what it was asked, and what it came to."""
    account: dict[str, object] = dict(what) | {
        "begun": _now(),
        "actor18m": __version__,
        "python": platform.python_version(),
        "fingerprints": {link.name: link.fingerprint for link in project.chain},
    }
    begun = time.monotonic()
    try:
        yield account
    except BaseException as error:
        account["stopped_by"] = type(error).__name__
        raise
    finally:
        account |= {"ended": _now(), "seconds": round(time.monotonic() - begun, 1)}
        text = json.dumps(account, indent=2, default=_plain) + "\n"
        lease.create(f"runs/{lease.epoch:06d}.json", text.encode())


def _plain(value: object) -> object:
    if isinstance(value, range):
        return [value.start, value.stop]
    if hasattr(value, "__dataclass_fields__"):
        return asdict(value)  # type: ignore[call-overload]
    return str(value)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
