"""Who measures: what the driver asks of an executor. Two answer: serial.py and ray_actors.py."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from actor18m.execute.messages import Report, Task


@dataclass(frozen=True)
class Done:
    """A call that came back."""

    task: Task
    report: Report


@dataclass(frozen=True)
class Broken:
    """A call whose worker died or overran its deadline, or never began because its worker did."""

    task: Task
    why: str
    kind: str
    """One word: killed, hung, out_of_memory, lost."""
    is_blamed: bool
    """Was it being measured? A call that waited behind it, or whose node was lost, is not to blame."""


class Workers(Protocol):
    """Runs tasks. Calls may come back in any order."""

    def now(self) -> float:
        """Seconds, which never go back: what time it is where the work is done."""
        ...

    def room(self, stage: str, waiting: int = 1) -> int:
        """How many more tasks of this stage it would take now, where about so many wait."""
        ...

    def at_once(self, stage: str) -> int:
        """Among how many calls a short queue is shared out, so that no worker is idle; 1: it need not be."""
        ...

    def watch(self, moved: Callable[[str, int], None]) -> None:
        """From now on `moved` is told, from any thread, of clips that are measured while their call goes on."""
        ...

    def submit(self, task: Task) -> None:
        """In company: a worker of the stage's pool."""
        ...

    def submit_alone(self, task: Task) -> None:
        """One clip in an isolated worker, so that a death has one cause. At most one of these is running a stage."""
        ...

    def room_alone(self, stage: str) -> int: ...

    def wait(self, seconds: float) -> Sequence[Done | Broken]:
        """What came back since the last time; waits up to so long for something."""
        ...

    def held(self) -> Mapping[str, float]:
        """By stage, for how many seconds workers were there so far, at work or not, all together; nothing where they
        are there only while they work.
        """
        ...

    def stop(self, stage: str) -> None:
        """Nothing more of this stage is to begin: tasks that wait may come back as they are, and those that are being
        measured go on.
        """
        ...

    def release(self, stage: str) -> None:
        """No task of this stage will come any more: its workers' GPUs are free for others."""
        ...

    def close(self) -> None:
        """Stops all workers now; what they had is not reported."""
        ...
