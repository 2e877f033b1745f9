"""What becomes of clips and images that were handed out: measured, failed, suspected, given up, or left for later."""

import logging
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from actor18m.amounts import amount
from actor18m.execute.alike import Alike, Held
from actor18m.execute.journal import Work
from actor18m.execute.messages import Raised, Report, Task, Todo
from actor18m.execute.open_lots import OpenLots
from actor18m.execute.queues import Queues
from actor18m.execute.sources import troubles
from actor18m.execute.suspects import Suspects
from actor18m.execute.tally import Tally, Watcher
from actor18m.execute.trouble import said
from actor18m.execute.workers import Broken
from actor18m.ledger.index import known_of
from actor18m.ledger.rows import FAILED, OK, QUARANTINED
from actor18m.log import bind
from actor18m.stage import Failure
from actor18m.storage.lease import Lease
from actor18m.survey.chain import Link
from actor18m.survey.snapshot import Record

log = logging.getLogger(__name__)

TRACES = 20
"""So many of what is raised at one place are in the log with their traceback."""


class Outcomes:
    """Decides of each that came back, and stops stages that are to blame themselves."""

    def __init__(
        self,
        record: Record,
        lease: Lease,
        deaths: Mapping[Work, int],
        lots: OpenLots,
        queues: Queues,
        tally: Tally,
        watcher: Watcher,
    ) -> None:
        self._record, self._lease, self._lots, self._queues = record, lease, lots, queues
        self._tally, self._watcher = tally, watcher
        self._chain = record.links
        self.suspects = Suspects(deaths, {name for name, link in self._chain.items() if link.step.waits})
        self._alike = Alike({name: link.step.run.stop_after for name, link in self._chain.items()})
        self._traced: Counter[tuple[str, str, str]] = Counter()
        self._told: set[tuple[str, str]] = set()
        """Why something of a stage was given up."""

    @property
    def undecided(self) -> list[str]:
        """Stages with clips that failed, of which it does not show yet whether that is their own fault."""
        return sorted(self._alike.waiting, key=list(self._chain).index)

    def done(self, task: Task, report: Report) -> None:
        """A call that came back. Of its clips some may have ended, and others are still under way."""
        lot, stage = self._lots[task.lot], task.stage
        again = [todo for todo in task.todos if todo.key in report.out_of_memory]
        undecided = [todo for todo in task.todos if todo.key in report.raised.keys() - report.given_up.keys()]
        lot.under_way -= len(task.todos) - len(again) - len(undecided) - len(report.left)
        with bind(stage=stage, lot=task.lot):
            log.info("%d clips in %.3f s, part %s: %s", len(task.todos), report.seconds, report.part, _some(task.keys))
        self._tally.seconds[stage] = self._tally.seconds.get(stage, 0.0) + report.seconds
        measured = len(task.todos) - len(report.left)
        self._queues.count(task, report.costs, measured)
        took_s = report.seconds if report.took_s is None else report.took_s
        self._watcher.came(stage, measured, report.seconds, took_s, report.costs)
        for key, reason in report.given_up.items():
            self._give_up(task, key, reason)
        if report.part is not None:
            self.learn(task.lot, self._chain[stage], report.part, report.known)
        for todo in task.todos:
            if (error := report.raised.get(todo.key)) is not None:
                self._tell(task, todo.key, error)
                if todo.key not in report.given_up:
                    self._hold(task, todo, FAILED, error)
                elif not error.is_of_file:
                    self._alike.give_up(stage, Held(task.lot, todo, FAILED, error))
        if pc.any(pc.equal(report.known["state"], OK)).as_py():
            self._commit(stage, self._alike.released(stage))
        for todo in again:
            self._suspect(task, todo, "out_of_memory", "needed more memory than it may have")
        for todo in task.todos if report.left else ():
            if todo.key in report.left:
                self._again(task, todo)
        self._stop_if_broken(stage)

    def broken(self, task: Task, broken: Broken) -> None:
        """A call that did not come back."""
        self._watcher.lost(task.stage, broken.kind)
        if broken.is_blamed:
            self._say(task.stage, task.lot, _some(task.keys), f"a worker {broken.why}")
        for todo in task.todos:
            if broken.is_blamed:
                self._suspect(task, todo, broken.kind, broken.why)
            elif self.suspects.goes_on_alone((task.stage, todo.key), self._queues.was_alone(task)):
                self._again(task, todo, alone=True)
            else:
                self._again(task, todo)
        self._stop_if_broken(task.stage)

    def learn(self, lot: int, link: Link, part: str, known: pa.Table, is_adopted: bool = False) -> None:
        """Rows that were committed."""
        self._lots.learn(self._lots[lot], link, part, known, is_adopted)
        for row in known.filter(pc.not_equal(known["state"], OK)).to_pylist():
            with bind(stage=link.name, clip=row["key"], lot=lot):
                log.info("%s: %s", row["state"], row["error_kind"])

    def decide(self, stage: str) -> None:
        """Nothing else is being measured: of clips that failed, was it they or the stage?"""
        if self._alike.is_all_alike(stage) and not self._ever_measured(self._chain[stage]):
            self._stop(stage)
        else:
            self._commit(stage, self._alike.released(stage))

    def end_spent(self) -> bool:
        """Stages whose next clip would exceed their budget do no more in this build, and others go on. Tells whether
        there are any."""
        found = list(self._queues.spent())
        for stage in found:
            self._tally.spent[stage] = reached = self._queues.budgets[stage].reached
            by = ", ".join(bound.by for bound in reached)
            self._say(stage, None, "", f"stopped at its budget ({by}); the rest waits for the next build")
            self._close(stage)
        return bool(found)

    def _again(self, task: Task, todo: Todo, alone: bool = False) -> None:
        """It goes back to its queue, unless its stage does no more."""
        self._watcher.returned(task.stage, 1)
        if task.stage in self._queues.closed:
            self._drop(task.stage, task.lot, 1)
        elif alone:
            self._queues.add_alone(task.stage, task.lot, todo)
        else:
            self._queues.add(task.stage, task.lot, todo)

    def _suspect(self, task: Task, todo: Todo, kind: str, why: str) -> None:
        """Again, alone; and not for ever."""
        if self.suspects.is_guilty((task.stage, todo.key), self._queues.was_alone(task)):
            self._hold_or_give_up(task, todo, Raised(kind, why))
        else:
            self._again(task, todo, alone=True)

    def _give_up(self, task: Task, key: str, reason: str) -> None:
        """For this build; nothing is committed of it. What meets one after the other is told once; the log has all."""
        self._tally.given_up[f"{task.stage} {key}"] = reason
        text, is_new = f"given up for now: {reason}", (task.stage, reason) not in self._told
        self._told.add((task.stage, reason))
        self._say(task.stage, task.lot, key, text, is_for_people=is_new and task.stage not in self._tally.stopped)
        self._watcher.ended(task.stage, failed=1)

    def _hold_or_give_up(self, task: Task, todo: Todo, death: Raised) -> None:
        """Of one that killed its workers, as long as it was by the file that was registered."""
        reads_source = self._chain[task.stage].stage_class.reads_source
        for key, trouble in troubles({todo.key: (todo.uri, todo.version)} if reads_source else {}).items():
            self._lots[task.lot].under_way -= 1
            return self._give_up(task, key, said(trouble))
        self._hold(task, todo, QUARANTINED, death)

    def _hold(self, task: Task, todo: Todo, state: str, error: Raised) -> None:
        """Until it shows whether the clip failed or its stage did."""
        if task.stage in self._tally.stopped:
            self._watcher.returned(task.stage, 1)
            self._drop(task.stage, task.lot, 1)
        else:
            self._alike.hold(task.stage, Held(task.lot, todo, state, error))

    def _ever_measured(self, link: Link) -> bool:
        """With this fingerprint, any clip."""
        rows = link.ledger(self._record.store).read(columns=[])
        return any(pc.any(pc.equal(table["state"], OK)).as_py() for _, table in rows)

    def _stop_if_broken(self, stage: str) -> None:
        if stage not in self._tally.stopped and self._alike.is_broken(stage):
            self._stop(stage)

    def _stop(self, stage: str) -> None:
        """What was committed of it stays, what failed alike was never tried, and other stages go on."""
        unit = "clips" if self._chain[stage].stage_class.of == "clips" else "images"
        self._tally.stopped[stage] = why = self._alike.stopped(stage, unit)
        text = f"stopped: {amount(why.clips, unit.removesuffix('s'))} failed alike with no success between: {why.error}"
        self._watcher.note(f"{stage}: {text}")
        with bind(stage=stage):
            log.info(text, extra={"trace": why.trace})
        held = Counter(each.lot for each in self._alike.released(stage))
        self._watcher.returned(stage, held.total())
        for lot, clips in held.items():
            self._drop(stage, lot, clips)
        self._close(stage)

    def _close(self, stage: str) -> None:
        for lot, clips in self._queues.close(stage).items():
            self._drop(stage, lot, clips)

    def _drop(self, stage: str, lot: int, clips: int) -> None:
        """Clips that stay pending, since their stage does no more."""
        self._lots[lot].under_way -= clips
        self._watcher.expect(stage, -clips)

    def _commit(self, stage: str, failed: Sequence[Held]) -> None:
        """Of clips that failed by themselves. What the ledger holds of them is the same whichever came first."""
        link, by_lot = self._chain[stage], defaultdict[tuple[int, str], list[Held]](list)
        for each in failed:
            by_lot[each.lot, each.state].append(each)
        for (number, state), held in by_lot.items():
            digests = {each.todo.key: each.todo.input_digest for each in held}
            failures = [Failure(each.todo.key, each.error.kind, each.error.told) for each in held]
            rows = link.stage_class.writes.table(failures, digests)
            rows = rows.set_column(rows.column_names.index("state"), "state", pa.array([state] * len(held)))
            part = link.ledger(self._record.store).commit(self._lease, number, rows)
            self._lots[number].under_way -= len(held)
            self.learn(number, link, part, known_of([(number, rows)], link.values))
            for each in held:
                if state == QUARANTINED:
                    text = f"quarantined: a worker {each.error.message} ({each.todo.uri})"
                    self._say(stage, number, each.todo.key, text)

    def _tell(self, task: Task, clip: str, error: Raised) -> None:
        """The log has the traceback, of many that are raised at one place of the first ones."""
        self._traced[task.stage, error.kind, error.place] += 1
        trace = error.trace if self._traced[task.stage, error.kind, error.place] <= TRACES else None
        with bind(stage=task.stage, clip=clip, lot=task.lot):
            log.info("raised %s: %s", error.kind, error.told, extra={"trace": trace})

    def _say(self, stage: str, lot: int | None, clip: str, text: str, is_for_people: bool = True) -> None:
        """For people now, and for the log."""
        if is_for_people:
            self._watcher.note(f"{stage} {clip}: {text}" if clip else f"{stage}: {text}")
        with bind(stage=stage, clip=clip or None, lot=lot):
            log.info(text)


def _some(keys: Sequence[str]) -> str:
    return ", ".join(keys) if len(keys) <= 3 else f"{', '.join(keys[:3])} and {len(keys) - 3} more"
