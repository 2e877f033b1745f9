"""The driver: hands out what is missing, takes what comes back, and lets clips flow on, until nothing is missing.

Lots are settled in order: who repeats whom is told by who came before. Within a lot, clips flow on as soon as their
rows are durable. The driver holds the keys of the lots that are under way, and nothing of the rest.
"""

import itertools
import logging
import math
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from actor18m import stopping
from actor18m.chain import Link
from actor18m.execute.alike import Alike, Held
from actor18m.execute.lots import Lot, lots_of
from actor18m.execute.moved import Moved
from actor18m.execute.sources import troubles
from actor18m.execute.suspects import Suspects
from actor18m.execute.tally import Tally, Watcher
from actor18m.execute.work import Raised, Read, Report, Task, Todo, said
from actor18m.execute.workers import Broken, Done, Workers
from actor18m.index import known_of
from actor18m.journal import Journal
from actor18m.ledger import LotFiles
from actor18m.log import bind
from actor18m.record import FOR_WORK, Block, Record
from actor18m.rows import FAILED, OK, QUARANTINED, about
from actor18m.stage import Failure
from actor18m.writer import Lease

log = logging.getLogger(__name__)

LOTS_UNDER_WAY = 16
POLL_S = 0.5
TRACES = 20
"""So many of what is raised at one place are in the log with their traceback."""
ADOPTED = "_adopted"
TASK_S = 0.5
"""A task has as many calls as take about so long: of stages that are quick, to hand out and to commit takes longest."""


class Drain:
    """One run over a record. Call `run` once."""

    def __init__(self, record: Record, lease: Lease, journal: Journal, workers: Workers, watcher: Watcher) -> None:
        self.tally = Tally()
        self._record, self._lease, self._journal, self._workers = record, lease, journal, workers
        self._watcher = watcher
        self._chain = record.links
        self._first = record.surveyor.chain[0].name
        self._lots: dict[int, Lot] = {}
        self._frontier: deque[Lot] = deque()
        """Lots that are not settled yet, in order."""
        self._queues: dict[str, deque[tuple[int, Todo]]] = {name: deque() for name in self._chain}
        self._alone: dict[str, deque[Task]] = {name: deque() for name in self._chain}
        self._suspects = Suspects(journal.deaths)
        self._alike = Alike({name: link.step.run.stop_after for name, link in self._chain.items()})
        self._flying: dict[int, Task] = {}
        self._returned: Counter[str] = Counter()
        """Clips, by stage: with the tally's seconds, how quick it is."""
        self._traced: Counter[tuple[str, str, str]] = Counter()
        self._tried_alone: set[int] = set()
        """Numbers of tasks of clips that are suspected."""
        self._numbers = itertools.count()
        self._moved = Moved(record)
        self._all_came = False
        self._working = list(self._chain)
        """Stages that clips may still come to."""
        self._touched: set[int] = set()
        """Numbers of lots to look at again."""
        self._learned: dict[str, list[tuple[Lot, pa.Table, bool]]] = defaultdict(list)
        """Stage -> rows that came back, or were there for a moved file (True), and are not judged yet."""

    def run(self) -> Tally:
        """Until nothing is missing."""
        arriving = self._arriving()
        self._workers.watch(self._watcher.moved)
        try:
            while True:
                self._let_in(arriving)
                self._hand_out()
                if self._flying:
                    self._take(self._workers.wait(POLL_S))
                    stopping.check()
                elif self._alike.waiting:
                    self._decide(min(self._alike.waiting, key=list(self._chain).index))
                elif self._lots:
                    raise RuntimeError(f"lots {sorted(self._lots)} are under way and nothing is being measured")
                else:
                    break
        finally:
            for task in self._flying.values():  # stopped by us: nobody died
                self._journal.end(task.stage, task.keys)
        return self.tally

    def _let_in(self, arriving: Iterator[Lot]) -> None:
        while len(self._lots) < LOTS_UNDER_WAY and not self._all_came:
            lot = next(arriving, None)
            if lot is None:
                self._all_came = True
            else:
                self._begin(lot)
        if self._all_came:
            self._release_drained()

    def _release_drained(self) -> None:
        """Stages that no clip will come to any more give back what their workers hold."""
        for stage in self._working[:]:
            flies = any(task.stage == stage for task in self._flying.values())
            if flies or self._queues[stage] or self._alone[stage] or stage in self._alike.waiting:
                return
            self._workers.release(stage)
            self._working.remove(stage)

    def _arriving(self) -> Iterator[Lot]:
        """Lots that have something missing, or may have; of those before the first lot whose inputs are not all read,
        only the ones that do.
        """
        for block in self._record.blocks(FOR_WORK):
            unread = self._record.surveyor.unread(block.inputs, block.known[self._first])
            if not self._frontier and not unread.num_rows:
                yield from self._settled_at_once(block)
                continue
            for lot in lots_of(block, block.lots):
                self._frontier.append(lot)
                yield lot

    def _settled_at_once(self, block: Block) -> Iterator[Lot]:
        settled = self._record.settled(block)
        self._moved.remember(settled)
        surveyed = self._record.surveyor.follow(settled, block.known)
        numbers = sorted({lot for rows in surveyed.missing.values() for lot in rows["lot"].to_pylist()})
        for lot in lots_of(block, numbers):
            lot.settled = settled.of_lot(lot.number)
            yield lot

    def _begin(self, lot: Lot) -> None:
        self._lots[lot.number] = lot
        if lot.settled is None:
            self._ask(lot, self._chain[self._first], self._unread(lot))
            self._advance()
        else:
            self._flow_on(lot)

    def _unread(self, lot: Lot) -> pa.Table:
        return self._record.surveyor.unread(lot.inputs, lot.known[self._first])

    def _advance(self) -> None:
        """Settles the lots at the frontier whose inputs are read."""
        while self._frontier and self._frontier[0].number in self._lots and not self._frontier[0].under_way:
            lot = self._frontier.popleft()
            lot.settled = self._record.surveyor.settle(lot.inputs, lot.known[self._first])
            self._moved.remember(lot.settled)
            self._flow_on(lot)

    def _flow_on(self, lot: Lot) -> None:
        """Asks for what became missing; ends the lot when nothing is."""
        assert lot.settled is not None
        again = True
        while again:
            self._judge()
            missing = self._record.surveyor.follow(lot.settled, lot.known).missing
            again = sum(self._ask(lot, self._chain[stage], rows) for stage, rows in missing.items()) > 0
        if not lot.under_way:
            del self._lots[lot.number]

    def _ask(self, lot: Lot, link: Link, missing: pa.Table) -> bool:
        """Queues the rows that were not asked for yet; true when rows of former lots served instead."""
        new = [row for row in missing.to_pylist() if (link.name, row["key"], row["input_digest"]) not in lot.asked]
        lot.asked.update((link.name, row["key"], row["input_digest"]) for row in new)
        served = self._adopt(lot, link, new)
        if link.name in self.tally.stopped:
            return bool(served)
        todos = [lot.todo(link, row, self._first) for row in new if row["key"] not in served]
        for todo in todos:
            lot.under_way += 1
            work = link.name, todo.key
            if self._suspects.begins_alone(work) or work in self._record.dreaded:
                self._send_alone(link.name, lot.number, todo)
            else:
                self._queues[link.name].append((lot.number, todo))
        self._watcher.expect(link.name, len(todos))
        return bool(served)

    def _task(self, stage: str, lot: int, todos: Sequence[Todo]) -> Task:
        reads: dict[tuple[str, int], list[Read]] = defaultdict(list)
        for read in itertools.chain.from_iterable(todo.all_reads for todo in todos):
            reads[read.stage, read.lot].append(read)
        files = {place: self._files(lot, *place, some) for place, some in reads.items()}
        return Task(next(self._numbers), stage, lot, tuple(todos), files)

    def _files(self, lot: int, stage: str, place: int, reads: Sequence[Read]) -> LotFiles:
        """Just the parts with the rows, where these are known; else all of the lot."""
        parts = {self._lots[lot].parts.get((stage, read.key, read.input_digest)) for read in reads}
        known = sorted(part for part in parts if part is not None)
        return LotFiles(place, tuple(known)) if len(known) == len(parts) else self._record.files[stage][place]

    def _hand_out(self) -> None:
        """Later stages first, so that what is under way stays small."""
        for stage in reversed(list(self._chain)):
            while self._alone[stage] and self._workers.room_alone(stage):
                task = self._alone[stage].popleft()
                self._fly(stage, [task])
                self._workers.submit_alone(task)
            if self._queues[stage] and (room := self._workers.room(stage)):
                tasks = self._next_tasks(stage, room)
                self._fly(stage, tasks)
                for task in tasks:
                    self._workers.submit(task)

    def _next_tasks(self, stage: str, at_most: int) -> list[Task]:
        """Each of clips of one lot."""
        queue, tasks = self._queues[stage], list[Task]()
        size = self._clips_per_task(stage)
        while queue and len(tasks) < at_most:
            lot, todos = queue[0][0], list[Todo]()
            while queue and queue[0][0] == lot and len(todos) < size:
                todos.append(queue.popleft()[1])
            tasks.append(self._task(stage, lot, todos))
        return tasks

    def _clips_per_task(self, stage: str) -> int:
        """Of whole calls, by how long they took so far. A short queue is shared out: else one worker would have it all,
        and the stages after it nothing to do meanwhile.
        """
        size, done, seconds = self._chain[stage].step.run.clips_per_call, self._returned[stage], self.tally.seconds
        per_clip = max(seconds[stage] / done, 1e-6) if done else TASK_S
        whole = size * max(1, int(TASK_S / size / per_clip)) if done else size
        share = -(-len(self._queues[stage]) // self._workers.at_once(stage))
        return min(whole, max(share, math.ceil(TASK_S / per_clip)))

    def _fly(self, stage: str, tasks: Sequence[Task]) -> None:
        """One entry in the journal for all, which is synced to disk."""
        self._flying |= {task.number: task for task in tasks}
        # flying first: whatever the journal has begun is ended when we are stopped
        self._journal.begin(stage, [key for task in tasks for key in task.keys])
        self._watcher.started(stage, sum(len(task.todos) for task in tasks))

    def _take(self, results: Sequence[Done | Broken]) -> None:
        for result in results:
            task = result.task
            self._journal.end(task.stage, task.keys)
            del self._flying[task.number]
            self._touched.add(task.lot)
            if isinstance(result, Done):
                self._done(task, result.report)
            else:
                self._broken(task, result)
        self._go_on()

    def _go_on(self) -> None:
        """Lots of which something was learned, or of which less is under way."""
        self._judge()
        while self._touched:
            self._touched.remove(number := min(self._touched))
            lot = self._lots[number]
            if lot.settled is not None:
                self._flow_on(lot)
        self._advance()

    def _done(self, task: Task, report: Report) -> None:
        lot, link = self._lots[task.lot], self._chain[task.stage]
        again = [todo for todo in task.todos if todo.key in report.out_of_memory]
        undecided = [todo for todo in task.todos if todo.key in report.raised.keys() - report.given_up.keys()]
        lot.under_way -= len(task.todos) - len(again) - len(undecided)
        with bind(stage=task.stage, lot=task.lot):
            log.info("%d clips in %.3f s, part %s: %s", len(task.todos), report.seconds, report.part, _some(task.keys))
        self.tally.seconds[task.stage] = self.tally.seconds.get(task.stage, 0.0) + report.seconds
        self._returned[task.stage] += len(task.todos)
        for key, reason in report.given_up.items():
            self._give_up(task, key, reason)
        self._learn(lot, link, report.part, report.known)
        for todo in task.todos:
            if (error := report.raised.get(todo.key)) is not None:
                self._tell(task, todo.key, error)
                if todo.key not in report.given_up:
                    self._hold(task, todo, FAILED, error)
                elif not error.is_of_file:
                    self._alike.give_up(task.stage, Held(task.lot, todo, FAILED, error))
        if pc.any(pc.equal(report.known["state"], OK)).as_py():
            self._commit(task.stage, self._alike.released(task.stage))
        for todo in again:
            self._suspect(task, todo, "out_of_memory", "needed more memory than it may have")
        self._stop_if_broken(task.stage)

    def _learn(self, lot: Lot, link: Link, part: str | None, known: pa.Table, is_adopted: bool = False) -> None:
        if part is None:
            return
        files = self._record.files[link.name].get(lot.number, LotFiles(lot.number))
        self._record.files[link.name][lot.number] = replace(files, parts=(*files.parts, part))
        lot.parts.update(((link.name, key, digest), part) for key, digest in about(known))
        self._learned[link.name].append((lot, known, is_adopted))
        for row in known.filter(pc.not_equal(known["state"], OK)).to_pylist():
            with bind(stage=link.name, clip=row["key"], lot=lot.number):
                log.info("%s: %s", row["state"], row["error_kind"])

    def _judge(self) -> None:
        """What was learned of a stage at once: a query costs about as much for one row as for a thousand."""
        for stage, learned in self._learned.items():
            rows = pa.concat_tables([known for _, known, _ in learned], promote_options="default")
            adopted = [is_adopted for _, known, is_adopted in learned for _ in range(known.num_rows)]
            rows = rows.append_column(ADOPTED, pa.array(adopted, pa.bool_()))
            judged = self._record.surveyor.judged(self._chain[stage], rows)
            adopted_here = judged[ADOPTED]
            judged = judged.drop_columns([ADOPTED])
            for lot in {lot.number: lot for lot, _, _ in learned}.values():
                here = judged.filter(pc.equal(judged["lot"], lot.number))
                lot.known[stage] = pa.concat_tables([lot.known[stage], here], promote_options="default")
            self._count(stage, judged.filter(pc.invert(adopted_here)))
        self._learned.clear()

    def _count(self, stage: str, judged: pa.Table) -> None:
        """What was measured now."""
        ok = pc.sum(pc.equal(judged["state"], OK)).as_py() or 0
        passed = pc.sum(judged["passed"]).as_py() or 0
        quarantined = pc.sum(pc.equal(judged["state"], QUARANTINED)).as_py() or 0
        failed = judged.num_rows - ok - quarantined
        self.tally.measured[stage] += ok
        self.tally.failed[stage] += failed
        self.tally.quarantined[stage] += quarantined
        self._watcher.ended(stage, ok=passed, rejected=ok - passed, failed=failed, quarantined=quarantined)

    def _broken(self, task: Task, broken: Broken) -> None:
        if broken.is_blamed:
            self._note(task, _some(task.keys), f"a worker {broken.why}")
        for todo in task.todos:
            if broken.is_blamed:
                self._suspect(task, todo, broken.kind, broken.why)
                continue
            self._watcher.returned(task.stage, 1)
            if task.stage in self.tally.stopped:
                self._drop(task.stage, task.lot, 1)
            elif self._suspects.goes_on_alone((task.stage, todo.key), task.number in self._tried_alone):
                self._send_alone(task.stage, task.lot, todo)
            else:
                self._queues[task.stage].append((task.lot, todo))
        self._stop_if_broken(task.stage)

    def _suspect(self, task: Task, todo: Todo, kind: str, why: str) -> None:
        """Again, alone; and not for ever."""
        if self._suspects.is_guilty((task.stage, todo.key), task.number in self._tried_alone):
            self._hold_or_give_up(task, todo, Raised(kind, why))
            return
        self._watcher.returned(task.stage, 1)
        if task.stage in self.tally.stopped:
            self._drop(task.stage, task.lot, 1)
        else:
            self._send_alone(task.stage, task.lot, todo)

    def _send_alone(self, stage: str, lot: int, todo: Todo) -> None:
        task = self._task(stage, lot, [todo])
        self._tried_alone.add(task.number)
        self._alone[stage].append(task)

    def _give_up(self, task: Task, key: str, reason: str) -> None:
        """For this build; nothing is committed of it."""
        self.tally.given_up[f"{task.stage} {key}"] = reason
        self._note(task, key, f"given up for now: {reason}")
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
        if task.stage in self.tally.stopped:
            self._watcher.returned(task.stage, 1)
            self._drop(task.stage, task.lot, 1)
        else:
            self._alike.hold(task.stage, Held(task.lot, todo, state, error))

    def _decide(self, stage: str) -> None:
        """Nothing else is being measured: of clips that failed, was it they or the stage?"""
        if self._alike.is_all_alike(stage) and not self._ever_measured(self._chain[stage]):
            self._stop(stage)
        else:
            self._commit(stage, self._alike.released(stage))
        self._go_on()

    def _ever_measured(self, link: Link) -> bool:
        """With this fingerprint, any clip."""
        rows = link.ledger(self._record.store).read(columns=[])
        return any(pc.any(pc.equal(table["state"], OK)).as_py() for _, table in rows)

    def _stop_if_broken(self, stage: str) -> None:
        if stage not in self.tally.stopped and self._alike.is_broken(stage):
            self._stop(stage)

    def _stop(self, stage: str) -> None:
        """What was committed of it stays, what failed alike was never tried, and other stages go on."""
        self.tally.stopped[stage] = why = self._alike.stopped(stage)
        text = f"stopped: {why.clips} clips failed alike with no success between: {why.error}"
        self._watcher.note(f"{stage}: {text}")
        with bind(stage=stage):
            log.info(text, extra={"trace": why.trace})
        held = [each.lot for each in self._alike.released(stage)]
        self._watcher.returned(stage, len(held))
        queued = [lot for lot, _ in self._queues[stage]] + [task.lot for task in self._alone[stage]]
        self._queues[stage].clear()
        self._alone[stage].clear()
        for lot, clips in Counter(held + queued).items():
            self._drop(stage, lot, clips)

    def _drop(self, stage: str, lot: int, clips: int) -> None:
        """Clips that stay pending, since their stage was stopped."""
        self._lots[lot].under_way -= clips
        self._touched.add(lot)
        self._watcher.expect(stage, -clips)

    def _commit(self, stage: str, failed: Sequence[Held]) -> None:
        """Of clips that failed by themselves. What the ledger holds of them is the same whichever came first."""
        link, by_lot = self._chain[stage], defaultdict[tuple[int, str], list[Held]](list)
        for each in failed:
            by_lot[each.lot, each.state].append(each)
        for (number, state), held in by_lot.items():
            lot, digests = self._lots[number], {each.todo.key: each.todo.input_digest for each in held}
            failures = [Failure(each.todo.key, each.error.kind, each.error.told) for each in held]
            rows = link.stage_class.writes.table(failures, digests)
            rows = rows.set_column(rows.column_names.index("state"), "state", pa.array([state] * len(held)))
            part = link.ledger(self._record.store).commit(self._lease, number, rows)
            lot.under_way -= len(held)
            self._touched.add(number)
            self._learn(lot, link, part, known_of([(number, rows)], link.values))
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

    def _note(self, task: Task, clip: str, text: str) -> None:
        self._say(task.stage, task.lot, clip, text)

    def _say(self, stage: str, lot: int, clip: str, text: str) -> None:
        """For people now, and for the log."""
        self._watcher.note(f"{stage} {clip}: {text}")
        with bind(stage=stage, clip=clip, lot=lot):
            log.info(text)

    def _adopt(self, lot: Lot, link: Link, missing: Sequence[dict[str, object]]) -> set[str]:
        """Copies rows of clips whose file moved; the keys of these."""
        served: set[str] = set()
        if link.name == self._first:
            return served
        for rows, beside in self._moved.rows(link, lot.number, missing):
            part = link.ledger(self._record.store).commit(self._lease, lot.number, rows, beside)
            served.update(rows["key"].to_pylist())
            self._learn(lot, link, part, known_of([(lot.number, rows)], link.values), is_adopted=True)
            self.tally.adopted[link.name] += rows.num_rows
        return served


def _some(keys: Sequence[str]) -> str:
    return ", ".join(keys) if len(keys) <= 3 else f"{', '.join(keys[:3])} and {len(keys) - 3} more"
