"""What a drain tells: how it goes on, and what it came to."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Stopped:
    """Why a stage was stopped: one error met so many clips, with no success between."""

    clips: int
    unit: str
    """`clips`, or `images`."""
    example: str
    """URI of one of them, or an image's key."""
    error: str
    trace: str
    is_passing: bool
    """It is rather that something is not there than that the stage is wrong."""


@dataclass(frozen=True)
class Bound:
    """How much may be spent, and by whose word."""

    by: str
    """`--limit`, `--budget-usd`, `--budget-gpu-hours`, or `run.budget`, the stage's own in the pipeline."""
    cost: str
    """Its name, such as dollars; of a limit, which counts clips or images, no text."""
    spent: float
    most: float
    each: float | None
    """What one clip or image cost so far; None where nobody knows yet, and of a limit."""
    affords: int
    """So many more fit, with what is under way."""


@dataclass
class Tally:
    """What a drain came to, by stage."""

    measured: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[str] = field(default_factory=Counter)
    unavailable: Counter[str] = field(default_factory=Counter)
    """Images that cannot be made, and of which that is known now."""
    adopted: Counter[str] = field(default_factory=Counter)
    given_up: dict[str, str] = field(default_factory=dict)
    """Clips in transient trouble, by stage and key, with the reason."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Working time of the workers."""
    held: dict[str, float] = field(default_factory=dict)
    """How long workers were there, at work or not, where that is known."""
    stopped: dict[str, Stopped] = field(default_factory=dict)
    """Stages that failed clips alike, which are pending now."""
    costs: dict[str, Counter[str]] = field(default_factory=dict)
    """What measuring cost beside time, by its name: requests, dollars."""
    spent: dict[str, tuple[Bound, ...]] = field(default_factory=dict)
    """Stages that ended at a bound of what may be spent, with what they reached. What they did not come to is pending.
    """

    def __add__(self, other: "Tally") -> "Tally":
        """Of two drains, one after the other."""
        return Tally(
            self.measured + other.measured,
            self.failed + other.failed,
            self.quarantined + other.quarantined,
            self.unavailable + other.unavailable,
            self.adopted + other.adopted,
            self.given_up | other.given_up,
            _added(self.seconds, other.seconds),
            _added(self.held, other.held),
            self.stopped | other.stopped,
            {
                name: Counter(_added(self.costs.get(name, {}), other.costs.get(name, {})))
                for name in self.costs | other.costs
            },
            self.spent | other.spent,
        )


def _added(some: Mapping[str, float], others: Mapping[str, float]) -> dict[str, float]:
    return {name: some.get(name, 0.0) + others.get(name, 0.0) for name in {**some, **others}}


class Watcher(Protocol):
    """Is told how a drain goes on."""

    def expect(self, stage: str, more: int) -> None: ...
    def started(self, stage: str, n: int) -> None: ...
    def moved(self, stage: str, n: int) -> None:
        """Of those that were started, so many more are measured; they end when their call does."""
        ...

    def returned(self, stage: str, n: int) -> None: ...
    def ended(
        self,
        stage: str,
        *,
        ok: int = 0,
        rejected: int = 0,
        failed: int = 0,
        quarantined: int = 0,
        unavailable: int = 0,
    ) -> None: ...
    def came(self, stage: str, clips: int, seconds: float, took_s: float, costs: Mapping[str, float]) -> None:
        """A call came back, with so many clips or images that it looked at: how long a worker worked on it, how long it
        took from beginning to end, and what it cost.
        """
        ...

    def lost(self, stage: str, kind: str) -> None:
        """A call did not come back: what became of its worker, in a word."""
        ...

    def holds(self, held: Mapping[str, float]) -> None:
        """By stage, for how long workers were there so far; told every second or so."""
        ...

    def note(self, text: str) -> None: ...
