"""The driver: hands out what is missing, takes what comes back, and lets clips flow on, until nothing is missing.

Lots are settled in order: who repeats whom is told by who came before. Within a lot, clips flow on as soon as their
rows are durable. The driver holds the keys of the lots that are under way, and nothing of the rest.
"""

import itertools
import logging
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from actor18m import stopping
from actor18m.chain import Link
from actor18m.execute.lots import Lot, lots_of
from actor18m.execute.moved import Moved
from actor18m.execute.sources import troubles
from actor18m.execute.suspects import Suspects
from actor18m.execute.tally import Tally, Watcher
from actor18m.execute.work import Read, Report, Task, Todo, said
from actor18m.execute.workers import Broken, Done, Workers
from actor18m.index import known_of
from actor18m.journal import Journal
from actor18m.ledger import LotFiles
from actor18m.log import bind
from actor18m.record import FOR_WORK, Block, Record
from actor18m.rows import OK, QUARANTINED, about
from actor18m.stage import Failure
from actor18m.writer import Lease

log = logging.getLogger(__name__)

LOTS_UNDER_WAY = 16
POLL_S = 0.5
TASK_S = 0.5
"""A task has as many calls as take about so long: of stages that are quick, to hand out and to commit takes longest."""


class Drain:
    """One run over a record. Call `run` once."""

    def __init__(self, record: Record, lease: Lease, journal: Journal, workers: Workers, watcher: Watcher) -> None:
        self.tally = Tally()
        self._record, self._lease, self._journal, self._workers = record, lease, journal, workers
        self._watcher = watcher
        self._chain = {link.name: link for link in record.surveyor.chain}
        self._first = record.surveyor.chain[0].name
        self._lots: dict[int, Lot] = {}
        self._frontier: deque[Lot] = deque()
        """Lots that are not settled yet, in order."""
        self._queues: dict[str, deque[tuple[int, Todo]]] = {name: deque() for name in self._chain}
        self._alone: dict[str, deque[Task]] = {name: deque() for name in self._chain}
        self._suspects = Suspects(journal.deaths)
        self._flying: dict[int, Task] = {}
        self._returned: Counter[str] = Counter()
        """Clips, by stage: with the tally's seconds, how quick it is."""
        self._tried_alone: set[int] = set()
        """Numbers of tasks of clips that are suspected."""
        self._numbers = itertools.count()
        self._moved = Moved(record)
        self._all_came = False
        self._working = list(self._chain)
        """Stages that clips may still come to."""
        self._learned: dict[str, list[tuple[Lot, pa.Table]]] = defaultdict(list)
        """Stage -> rows that came back and are not judged yet."""

    def run(self) -> Tally:
        """Until nothing is missing."""
        arriving = self._arriving()
        try:
            while True:
                self._let_in(arriving)
                self._hand_out()
                if not self._flying:
                    if not self._lots:
                        break
                    raise RuntimeError(f"lots {sorted(self._lots)} are under way and nothing is being measured")
                self._take(self._workers.wait(POLL_S))
                stopping.check()
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
            if flies or self._queues[stage] or self._alone[stage]:
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
        for read in itertools.chain.from_iterable(todo.reads for todo in todos):
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
        queue, size, tasks = self._queues[stage], self._clips_per_task(stage), list[Task]()
        while queue and len(tasks) < at_most:
            lot, todos = queue[0][0], list[Todo]()
            while queue and queue[0][0] == lot and len(todos) < size:
                todos.append(queue.popleft()[1])
            tasks.append(self._task(stage, lot, todos))
        return tasks

    def _clips_per_task(self, stage: str) -> int:
        """Of whole calls, by how long they took so far."""
        size, done = self._chain[stage].step.run.clips_per_call, self._returned[stage]
        return size * max(1, int(TASK_S * done / size / max(self.tally.seconds[stage], 1e-6))) if done else size

    def _fly(self, stage: str, tasks: Sequence[Task]) -> None:
        """One entry in the journal for all, which is synced to disk."""
        self._flying |= {task.number: task for task in tasks}
        # flying first: whatever the journal has begun is ended when we are stopped
        self._journal.begin(stage, [key for task in tasks for key in task.keys])
        self._watcher.started(stage, sum(len(task.todos) for task in tasks))

    def _take(self, results: Sequence[Done | Broken]) -> None:
        touched = set()
        for result in results:
            task = result.task
            self._journal.end(task.stage, task.keys)
            del self._flying[task.number]
            if isinstance(result, Done):
                self._done(task, result.report)
            else:
                self._broken(task, result)
            touched.add(task.lot)
        self._judge()
        for number in sorted(touched):
            lot = self._lots[number]
            if lot.settled is not None:
                self._flow_on(lot)
        self._advance()

    def _done(self, task: Task, report: Report) -> None:
        lot, link = self._lots[task.lot], self._chain[task.stage]
        again = [todo for todo in task.todos if todo.key in report.out_of_memory]
        lot.under_way -= len(task.todos) - len(again)
        with bind(stage=task.stage, lot=task.lot):
            log.info("%d clips in %.3f s, part %s: %s", len(task.todos), report.seconds, report.part, _some(task.keys))
        self.tally.seconds[task.stage] = self.tally.seconds.get(task.stage, 0.0) + report.seconds
        self._returned[task.stage] += len(task.todos)
        for key, reason in report.given_up.items():
            self._give_up(task, key, reason)
        self._learn(lot, link, report.part, report.known)
        for todo in again:
            self._suspect(task, todo, "out_of_memory", "needed more memory than it may have")

    def _learn(self, lot: Lot, link: Link, part: str | None, known: pa.Table) -> None:
        if part is None:
            return
        files = self._record.files[link.name].get(lot.number, LotFiles(lot.number))
        self._record.files[link.name][lot.number] = replace(files, parts=(*files.parts, part))
        lot.parts.update(((link.name, key, digest), part) for key, digest in about(known))
        self._learned[link.name].append((lot, known))
        for row in known.filter(pc.not_equal(known["state"], OK)).to_pylist():
            with bind(stage=link.name, clip=row["key"], lot=lot.number):
                log.info("%s: %s", row["state"], row["error_kind"])

    def _judge(self) -> None:
        """What was learned of a stage at once: a query costs about as much for one row as for a thousand."""
        for stage, learned in self._learned.items():
            rows = pa.concat_tables([known for _, known in learned], promote_options="default")
            judged = self._record.surveyor.judged(self._chain[stage], rows)
            for lot in {lot.number: lot for lot, _ in learned}.values():
                here = judged.filter(pc.equal(judged["lot"], lot.number))
                lot.known[stage] = pa.concat_tables([lot.known[stage], here], promote_options="default")
            ok = pc.sum(pc.equal(judged["state"], OK)).as_py() or 0
            passed = pc.sum(judged["passed"]).as_py() or 0
            quarantined = pc.sum(pc.equal(judged["state"], QUARANTINED)).as_py() or 0
            failed = judged.num_rows - ok - quarantined
            self.tally.measured[stage] += ok
            self.tally.failed[stage] += failed
            self.tally.quarantined[stage] += quarantined
            self._watcher.ended(stage, ok=passed, rejected=ok - passed, failed=failed, quarantined=quarantined)
        self._learned.clear()

    def _broken(self, task: Task, broken: Broken) -> None:
        if broken.is_blamed:
            self._note(task, _some(task.keys), f"a worker {broken.why}")
        for todo in task.todos:
            if broken.is_blamed:
                self._suspect(task, todo, broken.kind, broken.why)
                continue
            self._watcher.returned(task.stage, 1)
            if self._suspects.goes_on_alone((task.stage, todo.key), task.number in self._tried_alone):
                self._send_alone(task.stage, task.lot, todo)
            else:
                self._queues[task.stage].append((task.lot, todo))

    def _suspect(self, task: Task, todo: Todo, kind: str, why: str) -> None:
        """Again, alone; and not for ever."""
        if self._suspects.is_guilty((task.stage, todo.key), task.number in self._tried_alone):
            self._quarantine(task, todo, kind, why)
        else:
            self._watcher.returned(task.stage, 1)
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

    def _quarantine(self, task: Task, todo: Todo, kind: str, why: str) -> None:
        lot, link = self._lots[task.lot], self._chain[task.stage]
        source = {todo.key: (todo.uri, todo.version)} if link.stage_class.reads_source else {}
        for key, trouble in troubles(source).items():  # it was not this clip's file that did it
            lot.under_way -= 1
            return self._give_up(task, key, said(trouble))
        rows = link.stage_class.writes.table([Failure(todo.key, kind, why)], {todo.key: todo.input_digest})
        rows = rows.set_column(rows.column_names.index("state"), "state", pa.array([QUARANTINED]))
        part = link.ledger(self._record.store).commit(self._lease, task.lot, rows)
        self._note(task, todo.key, f"quarantined: a worker {why} ({todo.uri})")
        lot.under_way -= 1
        self._learn(lot, link, part, known_of([(task.lot, rows)], link.values))

    def _note(self, task: Task, clip: str, text: str) -> None:
        """For people now, and for the log."""
        self._watcher.note(f"{task.stage} {clip}: {text}")
        with bind(stage=task.stage, clip=clip, lot=task.lot):
            log.info(text)

    def _adopt(self, lot: Lot, link: Link, missing: Sequence[dict[str, object]]) -> set[str]:
        """Copies rows of clips whose file moved; the keys of these."""
        served: set[str] = set()
        if link.name == self._first:
            return served
        for rows, beside in self._moved.rows(link, lot.number, missing):
            part = link.ledger(self._record.store).commit(self._lease, lot.number, rows, beside)
            served.update(rows["key"].to_pylist())
            self._learn(lot, link, part, known_of([(lot.number, rows)], link.values))
            self.tally.adopted[link.name] += rows.num_rows
        return served


def _some(keys: Sequence[str]) -> str:
    return ", ".join(keys) if len(keys) <= 3 else f"{', '.join(keys[:3])} and {len(keys) - 3} more"
