"""A stage with its backends, ready to measure: what a task asks for is measured, and committed when it is whole."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from actor18m import stopping
from actor18m.errors import is_out_of_memory
from actor18m.execute.brought import files_of
from actor18m.execute.budget import costs_of
from actor18m.execute.messages import Duty, Raised, Report, Task
from actor18m.execute.notes import StoreNotes
from actor18m.execute.sources import Wanted, troubles
from actor18m.execute.trouble import Patience, ended_by, is_soon_over, is_transient, said
from actor18m.execute.units import Unit, Units
from actor18m.ledger.index import known_of
from actor18m.media.source import AWAY
from actor18m.media.watch import NOTHING, SourceTrouble, not_as_registered, watched
from actor18m.models.shared import Shared
from actor18m.stage import Failure, Row, Stage
from actor18m.storage.lease import TakenOver
from actor18m.waiting import WaitingStage

log = logging.getLogger(__name__)

Outcome = Row | Failure | Raised | Exception
"""What became of a clip or an image: an exception is for want of memory, or of its file."""


class _NotOneEach(ValueError):
    """A stage told of a clip twice, or of one that it was not given: whose values they are is not known."""


class Worker:
    """Measures a few at a time, one call after the other."""

    def __init__(self, duty: Duty, shared: Shared | None = None) -> None:
        """`shared` lends the backends of a process that has several workers."""
        self._duty = duty
        self._shared = shared or Shared()
        self._stage = stage_of(duty, self._shared)
        self._units = Units(duty, self._stage)
        self._patience = Patience()
        self._watch = NOTHING

    def close(self) -> None:
        """Gives the backends back; it measures no more."""
        self._duty.step.given_back(self._shared)

    def do(self, task: Task, moved: Callable[[int], None] = lambda clips: None) -> Report:
        """Measures and commits. `moved` is told of each clip that is measured, as soon as it is. When the build is
        asked to stop, what was measured until then is committed, and the rest is left: the driver raises it again.
        """
        begun = time.perf_counter()
        ended: dict[str, Outcome] = {}
        units, size = self._units.of(task), self._duty.step.run.clips_per_call
        sources = {todo.key: (todo.uri, todo.version) for todo in task.todos}
        for start in range(0, len(units), size):
            with stopping.until_asked():
                stopping.check()
                ended.update(self._of_registered(units[start : start + size], sources, moved))
        left = tuple(key for key in task.keys if key not in ended)
        measured = Measured(task, ended, left=left)
        (report,) = committed(self._duty, self._stage, [measured], lambda: time.perf_counter() - begun)
        return report

    def _of_registered(
        self, clips: Sequence[Unit], sources: Mapping[str, Wanted], moved: Callable[[int], None]
    ) -> Iterator[tuple[str, Outcome]]:
        """Each clip with what was measured of the file that was registered, or with why there is nothing."""
        lost: dict[str, Exception] = dict(self._lost({clip.key: sources[clip.key] for clip in clips}))
        yield from lost.items()
        there = {clip.key: clip for clip in clips if clip.key not in lost}
        with watched(dict(sources[key] for key in there)) as self._watch:
            measured = list(self._measure(list(there.values()), moved))
        seen = {key: self._watch.troubles[clip.uri] for key, clip in there.items() if clip.uri in self._watch.troubles}
        seen |= self._lost({key: sources[key] for key in there})
        for key, result in measured:
            yield key, seen.get(key) or away(result, *sources[key]) or result

    def _lost(self, sources: Mapping[str, Wanted]) -> Mapping[str, SourceTrouble]:
        """Clips whose files are not what they were, where the stage looks at files."""
        if not self._stage.reads_source:
            return {}
        return troubles(sources, () if stopping.was_asked() else self._patience.pauses_s, is_transient)

    def _measure(self, clips: Sequence[Unit], moved: Callable[[int], None]) -> Iterator[tuple[str, Outcome]]:
        """Each clip with its outcome, or with what kept it from having one: an exception is for want of memory.
        There is nothing of those that were not measured when it was asked to stop.
        """
        left = {clip.key: clip for clip in clips}
        outcomes: list[Row | Failure] = []
        too_much: Exception | None = None
        if len(clips) > 1:
            try:
                with stopping.until_asked():
                    for outcome in self._outcomes(clips):
                        stopping.check()
                        outcomes.append(outcome)
                        moved(1)
            except TakenOver:
                raise
            except _NotOneEach as error:
                log.warning("%s; each clip of the call is measured alone", error)
                outcomes.clear()
            except Exception as error:
                # one of those that are left spoilt it for the others: each for itself, unless it is for want of memory
                if is_out_of_memory(error):
                    # which of them needs so much shows in a process of its own; here it would be tried once too often
                    too_much = error.with_traceback(None)  # which would keep what the stage holds
        for outcome in self._writable(outcomes):
            del left[outcome.key]
            self._patience.regained()
            yield outcome.key, outcome
        with stopping.until_asked():
            for clip in left.values():
                stopping.check()
                result = self._alone(clip) if too_much is None else too_much
                stopping.check()
                yield clip.key, result

    def _writable(self, outcomes: Sequence[Row | Failure]) -> Sequence[Row | Failure]:
        """Tried at once first: one after the other takes a multiple of the time."""
        try:
            check(self._stage, outcomes)
        except Exception:
            return [each for outcome in outcomes for each in self._writable([outcome])] if len(outcomes) > 1 else []
        return outcomes

    def _alone(self, clip: Unit) -> Outcome:
        try:
            outcome = self._patiently(lambda: self._outcome(clip))
        except Exception as error:
            if is_soon_over(error):
                self._patience.gave_up()
            return ended_by(clip.key, error)
        self._patience.regained()
        return outcome

    def _patiently(self, attempt: Callable[[], Row | Failure]) -> Row | Failure:
        for pause in self._patience.pauses_s:
            try:
                return attempt()
            except Exception as error:
                if not is_soon_over(error):
                    raise
                time.sleep(pause)
        return attempt()

    def _outcome(self, clip: Unit) -> Row | Failure:
        (outcome,) = self._outcomes([clip])
        check(self._stage, [outcome])
        return outcome

    def _outcomes(self, clips: Sequence[Unit]) -> Iterator[Row | Failure]:
        left = {clip.key for clip in clips}
        self._watch.begin(clip.uri for clip in clips)
        try:
            for outcome in self._stage.measure(clips):
                if outcome.key not in left:
                    raise _NotOneEach(self._not_one_each(outcome.key, clips))
                left.discard(outcome.key)
                yield outcome
        except (Exception, KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # sys.exit(), a panic of a library: it has no say in when a build ends
            raise RuntimeError(f"it raised {type(error).__name__}: {error}") from error
        if left:
            raise ValueError(f"stage {self._duty.stage} gave no outcome of {', '.join(sorted(left))}")

    def _not_one_each(self, key: str, clips: Sequence[Unit]) -> str:
        unit = "clip" if self._stage.of == "clips" else "image"
        told = f"stage {self._duty.stage} gave two outcomes of {unit} {key} in one call"
        if key not in {clip.key for clip in clips}:
            told = f"stage {self._duty.stage} gave an outcome of {key}, which it was not given in this call"
        return f"{told}; a stage gives one row or one failure for each {unit} that it is given"


def stage_of(duty: Duty, shared: Shared) -> Stage[Any]:
    """With its backends and, of one that waits, its notes in the store."""
    made = duty.step.made(shared)
    if isinstance(made, WaitingStage):
        made.notes = StoreNotes(duty.lease, duty.stage)
    return made


def check(stage: Stage[Any], outcomes: Sequence[Row | Failure]) -> None:
    """Raises where these could not be committed."""
    no_digests = {outcome.key: "" for outcome in outcomes}
    stage.writes.table(outcomes, no_digests)
    for outcome in outcomes:
        stage.check(outcome)
    files_of(outcomes, no_digests)


@dataclass(frozen=True)
class Measured:
    """What a task came to, before it is committed."""

    task: Task
    ended: Mapping[str, Outcome]
    costs: Mapping[str, float] = field(default_factory=dict)
    """Beside what its rows say."""
    left: tuple[str, ...] = ()
    took_s: float | None = None


def committed(
    duty: Duty, stage: Stage[Any], measured: Sequence[Measured], seconds: Callable[[], float]
) -> list[Report]:
    """Commits at once what is to be kept of some tasks of one lot, and reports of each. `seconds` of work is asked when
    that is done; each task has its share of it.
    """
    outcomes = [[each for each in call.ended.values() if isinstance(each, Row | Failure)] for call in measured]
    every = [outcome for some in outcomes for outcome in some]
    digests = {todo.key: todo.input_digest for call in measured for todo in call.task.todos}
    lot, rows = measured[0].task.lot, stage.writes.table(every, digests)
    part = duty.ledger.commit(duty.lease, lot, rows, files_of(every, digests)) if every else None
    known = known_of([(lot, rows)], duty.values)
    if isinstance(stage, WaitingStage):
        stage.kept([outcome.key for outcome in every])
    share_s = seconds() / max(1, sum(len(call.task.todos) for call in measured))
    reports, at = [], 0
    for call, own in zip(measured, outcomes, strict=True):
        taken_s = share_s * len(call.task.todos)
        of_call = known.slice(at, len(own))
        reports.append(
            _report(call, part if own else None, of_call, taken_s, costs_of(own, call.costs, duty.step, taken_s))
        )
        at += len(own)
    return reports


def _report(call: Measured, part: str | None, known: pa.Table, seconds: float, costs: Mapping[str, float]) -> Report:
    lost = {key: each for key, each in call.ended.items() if isinstance(each, SourceTrouble)}
    raised = {key: each for key, each in call.ended.items() if isinstance(each, Raised)}
    given_up = {key: each.message for key, each in raised.items() if each.is_passing}
    wanting = [key for key, each in call.ended.items() if isinstance(each, Exception) and key not in lost]
    return Report(
        part=part,
        known=known,
        given_up=given_up | {key: said(each) for key, each in lost.items()},
        out_of_memory=tuple(wanting),
        seconds=seconds,
        raised=raised,
        costs=costs,
        left=call.left,
        took_s=call.took_s,
    )


def away(result: Outcome, uri: str, version: str | None) -> SourceTrouble | None:
    """A stage may find by its own means that a file is away; by now it may be back."""
    if isinstance(result, Failure) and result.kind in AWAY and version is not None:
        return not_as_registered(uri, version, None)
    return None
