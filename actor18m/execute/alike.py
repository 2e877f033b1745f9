"""Failures that are no clip's own: one error that meets clip after clip is the stage's, and nothing of it is kept.

A failure waits until its stage measures another clip. Then it is the clip's own, and is committed. When so many clips
in a row fail alike, or all that there are, the stage is stopped instead, and they are as if they were never tried.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from actor18m.execute.messages import Raised, Todo
from actor18m.execute.tally import Stopped

FEW = 3
"""So many clips that all fail alike show nothing less than a stage does that never measured any."""

Kind = tuple[str, str]
"""What an error is called, and where it was raised."""


@dataclass(frozen=True)
class Held:
    """A clip that failed, or is given up, since its stage succeeded last."""

    lot: int
    todo: Todo
    state: str
    error: Raised

    @property
    def kind(self) -> Kind:
        return self.error.kind, self.error.place


class Alike:
    """Of one run, by stage."""

    def __init__(self, stop_after: Mapping[str, int | None]) -> None:
        self._stop_after = stop_after
        self._held: dict[str, list[Held]] = defaultdict(list)
        self._counts: dict[str, Counter[Kind]] = defaultdict(Counter)
        self._given_up: dict[str, dict[Kind, Held]] = defaultdict(dict)
        """One of each kind: of those nothing is committed."""

    def hold(self, stage: str, failed: Held) -> None:
        self._held[stage].append(failed)
        self._counts[stage][failed.kind] += 1

    def give_up(self, stage: str, clip: Held) -> None:
        self._given_up[stage][clip.kind] = clip
        self._counts[stage][clip.kind] += 1

    def released(self, stage: str) -> list[Held]:
        """Those that waited: each failed by itself."""
        self._counts[stage].clear()
        self._given_up[stage].clear()
        return self._held.pop(stage, [])

    @property
    def waiting(self) -> list[str]:
        """Stages with clips that failed and are not committed."""
        return [stage for stage, held in self._held.items() if held]

    def is_broken(self, stage: str) -> bool:
        most, limit = max(self._counts[stage].values(), default=0), self._stop_after[stage]
        return limit is not None and most >= limit

    def is_all_alike(self, stage: str) -> bool:
        """Of a stage that measured nothing else: was it the stage?"""
        if self._stop_after[stage] is None or len(self._counts[stage]) != 1:
            return False
        return len(self._held[stage]) >= FEW or any(each.error.is_bug for each in self._held[stage])

    def stopped(self, stage: str, unit: str) -> Stopped:
        """What to tell of a stage that is."""
        kind, clips = self._counts[stage].most_common(1)[0]
        examples = [each for each in self._held[stage] if each.kind == kind]
        example = examples[0] if examples else self._given_up[stage][kind]
        raised = example.error
        error = f"{raised.kind}: {raised.message if raised.is_passing else raised.told}"
        name = example.todo.uri if example.todo.image is None else example.todo.key
        return Stopped(clips, unit, name, error, example.error.trace, example.error.is_passing)
