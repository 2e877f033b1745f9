"""What waits to be measured, what is being measured, and who of it goes out next."""

import itertools
import math
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence

from actor18m.execute.budget import Budget, Purse
from actor18m.execute.journal import Journal
from actor18m.execute.messages import Read, Task, Todo
from actor18m.execute.tally import Tally, Watcher
from actor18m.execute.workers import Workers
from actor18m.ledger.ledger import LotFiles
from actor18m.survey.chain import Link, sources_of

TASK_S = 0.5
"""A task has as many calls as take about so long: of stages that are quick, to hand out and to commit takes longest."""

FilesOf = Callable[[int, str, int, Sequence[Read]], LotFiles]
"""Of the lot that a task is of: where rows of a stage and a lot are."""


class Queues:
    """By stage. Of a stage that is closed nothing more goes out."""

    def __init__(
        self,
        chain: Mapping[str, Link],
        workers: Workers,
        journal: Journal,
        watcher: Watcher,
        tally: Tally,
        files_of: FilesOf,
        purse: Purse,
    ) -> None:
        self._chain, self._workers, self._journal, self._watcher = chain, workers, journal, watcher
        self._tally, self._files_of = tally, files_of
        self._sources = {name for maker in chain for name in sources_of(chain, maker)}
        """Makers of images that others are made from."""
        later_first = list(reversed(list(chain)))
        self._order = sorted(later_first, key=lambda stage: stage not in self._sources)
        """Later stages first, so that what is under way stays small; but what others are made from before all."""
        self._waiting: dict[str, dict[tuple[bool, int], deque[Todo]]] = {name: {} for name in chain}
        """By lot, since a task has clips of one; of images, those that others are made from apart."""
        self._length: Counter[str] = Counter()
        self._alone: dict[str, deque[Task]] = {name: deque() for name in chain}
        self._flying: dict[int, Task] = {}
        self._flying_of: Counter[str] = Counter()
        """Clips, by stage."""
        self._returned: Counter[str] = Counter()
        """Clips, by stage: with the tally's seconds, how quick it is."""
        self._tried_alone: set[int] = set()
        """Numbers of tasks of clips that are suspected."""
        self._numbers = itertools.count()
        self.budgets = _budgets(chain, purse)
        self.closed: set[str] = set()

    @property
    def is_flying(self) -> bool:
        """Is anything being measured?"""
        return bool(self._flying)

    def is_busy(self, stage: str) -> bool:
        return bool(self._flying_of[stage] or self._length[stage] or self._alone[stage])

    def was_alone(self, task: Task) -> bool:
        return task.number in self._tried_alone

    def add(self, stage: str, lot: int, todo: Todo) -> None:
        is_last = todo.image is not None and todo.image.made is not None and todo.image.made.stage not in self._sources
        self._waiting[stage].setdefault((is_last, lot), deque()).append(todo)
        self._length[stage] += 1

    def add_alone(self, stage: str, lot: int, todo: Todo) -> None:
        """To be measured in a process of its own."""
        task = self._task(stage, lot, [todo])
        self._tried_alone.add(task.number)
        self._alone[stage].append(task)

    def hand_out(self) -> None:
        for stage in self._order:
            while self._alone[stage] and self._workers.room_alone(stage) and self._affords(stage, 1):
                task = self._alone[stage].popleft()
                self._fly(stage, [task])
                self._workers.submit_alone(task)
            size = self._clips_per_task(stage) if self._length[stage] else 1
            if self._length[stage] and (room := self._workers.room(stage, -(-self._length[stage] // size))):
                tasks = list(self._next_tasks(stage, room, size))
                if tasks:
                    self._fly(stage, tasks)
                for task in tasks:
                    self._workers.submit(task)

    def land(self, task: Task) -> None:
        """It came back."""
        self._journal.end(task.stage, task.keys)
        del self._flying[task.number]
        self._flies(task.stage, -len(task.todos))

    def land_all(self) -> None:
        """All that flies is stopped by us: nobody died."""
        for task in self._flying.values():
            self._journal.end(task.stage, task.keys)

    def count(self, task: Task, costs: Mapping[str, float], measured: int) -> None:
        """What a task came to that ended by itself."""
        self._returned[task.stage] += measured
        if costs:
            self._tally.costs.setdefault(task.stage, Counter()).update(costs)
        if (budget := self.budgets.get(task.stage)) is not None:
            budget.add(costs, measured)

    def spent(self) -> Iterator[str]:
        """Stages that have something to do and no budget for it, and of which nothing is being measured."""
        for stage, budget in self.budgets.items():
            is_waiting = self._length[stage] or self._alone[stage]
            if stage not in self.closed and is_waiting and not self._flying_of[stage] and budget.affords == 0:
                yield stage

    def close(self, stage: str) -> Counter[int]:
        """Nothing more of it goes out; how many clips of each lot had waited for that."""
        self.closed.add(stage)
        dropped = Counter(task.lot for task in self._alone[stage])
        for (_, lot), todos in self._waiting[stage].items():
            dropped[lot] += len(todos)
        self._waiting[stage].clear()
        self._alone[stage].clear()
        self._length[stage] = 0
        self._workers.stop(stage)
        return dropped

    @property
    def places(self) -> int:
        """For how many clips and images workers have room, in all stages together."""
        steps = [link.step for link in self._chain.values()]
        return sum(self._workers.at_once(step.name) * (1 if step.waits else step.run.clips_per_call) for step in steps)

    def _next_tasks(self, stage: str, at_most: int, size: int) -> Iterator[Task]:
        """Each of clips of one lot, the first lots first. Images that others are made from go before all: makers would
        wait for them while a stage is busy with what the makers made.
        """
        queues, affordable = self._waiting[stage], self._affordable(stage)
        for place in sorted(queues):
            queue = queues[place]
            while queue and at_most and affordable:
                todos = [queue.popleft() for _ in range(min(size, affordable, len(queue)))]
                self._length[stage] -= len(todos)
                affordable -= len(todos)
                at_most -= 1
                yield self._task(stage, place[1], todos)
            if not queue:
                del queues[place]

    def _clips_per_task(self, stage: str) -> int:
        """Of whole calls, by how long they took so far. A short queue is shared out: else one worker would have it all,
        and the stages after it nothing to do meanwhile. Where a stage waits, each goes alone and none waits for others.
        """
        if self._chain[stage].step.waits:
            return 1
        size, done, seconds = self._chain[stage].step.run.clips_per_call, self._returned[stage], self._tally.seconds
        per_clip = max(seconds[stage] / done, 1e-6) if done else TASK_S
        whole = size * max(1, int(TASK_S / size / per_clip)) if done else size
        share = -(-self._length[stage] // self._workers.at_once(stage))
        return min(whole, max(share, math.ceil(TASK_S / per_clip)))

    def _affordable(self, stage: str) -> int:
        """How many may go out; no more than wait."""
        budget = self.budgets.get(stage)
        bound = None if budget is None else budget.affords
        return self._length[stage] if bound is None else min(bound, self._length[stage])

    def _affords(self, stage: str, clips: int) -> bool:
        budget = self.budgets.get(stage)
        bound = None if budget is None else budget.affords
        return bound is None or bound >= clips

    def _task(self, stage: str, lot: int, todos: Sequence[Todo]) -> Task:
        reads: dict[tuple[str, int], list[Read]] = defaultdict(list)
        for read in itertools.chain.from_iterable(todo.all_reads for todo in todos):
            reads[read.stage, read.lot].append(read)
        files = {place: self._files_of(lot, *place, some) for place, some in reads.items()}
        return Task(next(self._numbers), stage, lot, tuple(todos), files)

    def _fly(self, stage: str, tasks: Sequence[Task]) -> None:
        """One entry in the journal for all, which is synced to disk."""
        self._flying |= {task.number: task for task in tasks}
        clips = sum(len(task.todos) for task in tasks)
        self._flies(stage, clips)
        # flying first: whatever the journal has begun is ended when we are stopped
        self._journal.begin(stage, [key for task in tasks for key in task.keys])
        self._watcher.started(stage, clips)

    def _flies(self, stage: str, clips: int) -> None:
        """So many more, or fewer."""
        self._flying_of[stage] += clips
        if (budget := self.budgets.get(stage)) is not None:
            budget.flying = self._flying_of[stage]


def _budgets(chain: Mapping[str, Link], purse: Purse) -> dict[str, Budget]:
    """Of stages that have one of their own or take from the purse."""
    found = {}
    for name, link in chain.items():
        shares = purse.concerns(link.step)
        if link.step.run.budget or shares or purse.limit is not None:
            found[name] = Budget(name, link.step.run.budget, purse, shares, link.step.most_questions)
    for budget in found.values():
        budget.beside = list(found.values())
    return found
