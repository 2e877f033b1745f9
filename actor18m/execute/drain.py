"""The driver: hands out what is missing, takes what comes back, and lets clips flow on, until nothing is missing.

Lots are settled in order: who repeats whom is told by who came before. Within a lot, clips flow on as soon as their
rows are durable. The driver holds the keys of the lots that are under way, and nothing of the rest. What came back is
looked at together, a few times a second: to look at hundreds of clips takes little longer than to look at one.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from actor18m import stopping
from actor18m.execute.budget import Purse
from actor18m.execute.journal import Journal
from actor18m.execute.messages import Read
from actor18m.execute.open_lots import OpenLots
from actor18m.execute.outcomes import Outcomes
from actor18m.execute.queues import Queues
from actor18m.execute.tally import Tally, Watcher
from actor18m.execute.workers import Broken, Done, Workers
from actor18m.ledger.index import known_of
from actor18m.ledger.ledger import LotFiles
from actor18m.ledger.rows import OK, QUARANTINED
from actor18m.stage import UNAVAILABLE
from actor18m.storage.lease import Lease
from actor18m.survey.chain import Link
from actor18m.survey.snapshot import Record

POLL_S = 0.5
LOOKING_SHARE = 0.2
"""Of the time; what comes meanwhile is looked at together. When nothing else is to be done, it is looked at at once."""
LONGEST_S = 0.25
TELL_EVERY_S = 2.0


class Drain:
    """One run over a record. Call `run` once."""

    def __init__(
        self,
        record: Record,
        lease: Lease,
        journal: Journal,
        workers: Workers,
        watcher: Watcher,
        purse: Purse | None = None,
        when_read: Callable[[Tally], None] = lambda tally: None,
    ) -> None:
        """`when_read` is told, once all inputs are read, what it came to by then."""
        self.tally = Tally()
        self._when_read = when_read
        self._record, self._lease, self._workers, self._watcher = record, lease, workers, watcher
        self._chain = record.links
        self._first = record.surveyor.chain[0].name
        self._lots = OpenLots(record)
        self._queues = Queues(self._chain, workers, journal, watcher, self.tally, self._files, purse or Purse())
        self._outcomes = Outcomes(record, lease, journal.deaths, self._lots, self._queues, self.tally, watcher)
        self._working = list(self._chain)
        """Stages that clips may still come to."""
        self._look_at = 0.0
        """When to look again at what came back."""
        self._tell_at = 0.0
        """When to tell again for how long workers were there."""

    def run(self) -> Tally:
        """Until nothing is missing."""
        self._workers.watch(self._watcher.moved)
        try:
            while True:
                self._let_in()
                self._queues.hand_out()
                if self._outcomes.end_spent():
                    self._look()  # at lots of which nothing else is to be read
                elif self._queues.is_flying:
                    self._take(self._workers.wait(self._wait_s()))
                    self._tell_held()
                elif self._lots.is_touched or self._lots.end():
                    self._look()
                elif undecided := self._outcomes.undecided:
                    self._outcomes.decide(undecided[0])
                elif self._lots:
                    raise RuntimeError(f"{self._lots} are under way and nothing is being measured")
                else:
                    break
        finally:
            self._queues.land_all()
            self._tell_held(at_last=True)
        return self.tally

    def _let_in(self) -> None:
        while (lot := self._lots.let_in(self._queues.places)) is not None:
            if lot.settled is None:
                self._ask(self._chain[self._first], self._lots.unread(lot))
            self._look()
        if self._lots.all_came:
            self._release_drained()

    def _release_drained(self) -> None:
        """Stages that no clip will come to any more give back what their workers hold."""
        if self._lots.is_touched:
            return
        for stage in self._working[:]:
            if self._queues.is_busy(stage) or stage in self._outcomes.undecided:
                return
            self._workers.release(stage)
            self._working.remove(stage)
            if stage == self._first:
                self._when_read(self.tally)

    def _take(self, results: Sequence[Done | Broken]) -> None:
        for result in results:
            self._queues.land(result.task)
            if isinstance(result, Done):
                self._outcomes.done(result.task, result.report)
            else:
                self._outcomes.broken(result.task, result)
        stopping.check()  # what came of a call that was stopped is counted now
        if not self._queues.is_flying or self._workers.now() >= self._look_at:
            self._look()

    def _tell_held(self, at_last: bool = False) -> None:
        if at_last or self._workers.now() >= self._tell_at:
            self.tally.held = dict(self._workers.held())
            self._watcher.holds(self.tally.held)
            self._tell_at = self._workers.now() + TELL_EVERY_S

    def _wait_s(self) -> float:
        return max(0.0, min(POLL_S, self._look_at - self._workers.now())) if self._lots.is_touched else POLL_S

    def _look(self) -> None:
        """Lets clips flow on of which something was learned, and lots end of which nothing is under way."""
        begun = self._workers.now()
        self._judge()
        self._lots.settle()
        while missing := self._lots.missing():
            for stage, rows in missing.items():
                self._ask(self._chain[stage], rows)
            self._judge()  # rows of former lots may have served
            self._lots.settle()
        self._lots.end()
        now = self._workers.now()
        self._look_at = now + min(LONGEST_S, (now - begun) * (1 / LOOKING_SHARE - 1))

    def _judge(self) -> None:
        for stage, judged in self._lots.judge():
            ok = pc.sum(pc.equal(judged["state"], OK)).as_py() or 0
            passed = pc.sum(judged["passed"]).as_py() or 0
            quarantined = pc.sum(pc.equal(judged["state"], QUARANTINED)).as_py() or 0
            is_of_images = self._chain[stage].unit == "images"
            unavailable = (pc.sum(pc.equal(judged["error_kind"], UNAVAILABLE)).as_py() or 0) if is_of_images else 0
            failed = judged.num_rows - ok - quarantined - unavailable
            self.tally.measured[stage] += ok
            self.tally.failed[stage] += failed
            self.tally.quarantined[stage] += quarantined
            self.tally.unavailable[stage] += unavailable
            bad = {"failed": failed, "quarantined": quarantined, "unavailable": unavailable}
            self._watcher.ended(stage, ok=passed, rejected=ok - passed, **bad)

    def _ask(self, link: Link, missing: pa.Table) -> None:
        """Queues the rows that were not asked for yet, and for which no rows of former lots serve."""
        told = zip(*(missing[name].to_pylist() for name in ("lot", "key", "input_digest")), strict=True)
        new = [at for at, (lot, *about) in enumerate(told) if (link.name, *about) not in self._lots[lot].asked]
        by_lot: dict[int, list[dict[str, object]]] = defaultdict(list)
        for row in missing.take(pa.array(new, pa.int64())).to_pylist():
            by_lot[row["lot"]].append(row)
        for number, rows in by_lot.items():
            lot = self._lots[number]
            lot.asked.update((link.name, str(row["key"]), str(row["input_digest"])) for row in rows)
            served = self._adopt(number, link, rows)
            if link.name in self._queues.closed:
                continue
            todos = [lot.todo(link, row, self._first) for row in rows if row["key"] not in served]
            for todo in todos:
                lot.under_way += 1
                work = link.name, todo.key
                if self._outcomes.suspects.begins_alone(work) or work in self._record.dreaded:
                    self._queues.add_alone(link.name, number, todo)
                else:
                    self._queues.add(link.name, number, todo)
            self._watcher.expect(link.name, len(todos))

    def _adopt(self, lot: int, link: Link, missing: Sequence[dict[str, object]]) -> set[str]:
        """Copies rows of clips whose file moved; the keys of these."""
        served: set[str] = set()
        if link.name == self._first:
            return served
        for rows, beside in self._lots.moved.rows(link, lot, missing):
            part = link.ledger(self._record.store).commit(self._lease, lot, rows, beside)
            served.update(rows["key"].to_pylist())
            self._outcomes.learn(lot, link, part, known_of([(lot, rows)], link.values), is_adopted=True)
            self.tally.adopted[link.name] += rows.num_rows
        return served

    def _files(self, lot: int, stage: str, place: int, reads: Sequence[Read]) -> LotFiles:
        """Just the parts with the rows, where these are known; else all of the lot."""
        parts = {self._lots[lot].parts.get((stage, read.key, read.input_digest)) for read in reads}
        known = sorted(part for part in parts if part is not None)
        return LotFiles(place, tuple(known)) if len(known) == len(parts) else self._record.files[stage][place]
