"""Where actors live: machines on which they are hired, what they are asked and answer, and what time it is there. That
is a Ray cluster (ray_site.py), or in a bench one that pretends, on which days pass in minutes.
"""

from collections import Counter
from concurrent.futures import Future
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Protocol

from actor18m.config.environment import Environment
from actor18m.execute.messages import Duty, Report, Task
from actor18m.execute.pools import Node
from actor18m.execute.ray_deaths import Begun


@dataclass(frozen=True)
class Post:
    """What an actor is hired for."""

    shown: str
    """Its name, as a dashboard shows it."""
    waits: bool
    """Many calls at once, of a stage that waits."""
    calls: int
    """So many at once, at most."""
    cpus: float
    gpus: float
    memory_gib: float | None
    """More it may not take."""
    place: str | None
    """The machine where it should be: it takes another one where that has no room now."""
    one_at_a_time: bool
    """It has memory for the models of one stage."""
    environment: Environment


class Actor(Protocol):
    """It is asked one thing after another. When it dies, the exceptions of its calls tell how, as Ray has them."""

    def set_up(self, duty: Duty) -> Future[float]:
        """Answers for how many seconds it is there, and has what it claims."""
        ...

    def do(self, task: Task) -> Future[Report]: ...
    def stop(self) -> None:
        """Of a stage that waits: nothing more is to begin."""
        ...

    def begun(self) -> Begun | None:
        """What it noted last."""
        ...

    def end(self) -> None:
        """Now, with all that it is at."""
        ...


class Site(Protocol):
    def nodes(self) -> list[Node]:
        """The machines that are alive."""
        ...

    def hire(self, post: Post) -> Actor: ...

    def ask(self, workers: Counter[tuple[float, float]]) -> None:
        """Asks whoever brings machines for room for so many more workers of these CPUs and GPUs, and no longer for
        what was asked before."""
        ...

    def now(self) -> float:
        """Seconds, which never go back."""
        ...

    def first(self, came: "SimpleQueue[Any]", seconds: float) -> Any:
        """What comes first, after a wait for it of at most so long; raises queue.Empty where nothing does."""
        ...

    def close(self) -> None: ...
