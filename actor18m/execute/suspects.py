"""Clips that may be what kills or hangs workers: they are measured alone, and not for ever."""

from collections import Counter
from collections.abc import Collection, Mapping

from actor18m.execute.journal import Work

DEATHS_ALONE = 2
"""A clip that kills or hangs an isolated worker so often is quarantined."""
DEATHS_WAITING = 2
"""What a stage that waits had in flight is suspected from the second death on: it is a great deal, hardly any of it
does work in this process, and one by one it would take long."""
LOST_IN_COMPANY = 3
"""A clip whose worker was lost so often through no fault of its own goes on alone."""


class Suspects:
    """Remembers what became of a clip's workers, by stage."""

    def __init__(self, deaths: Mapping[Work, int], that_wait: Collection[str]) -> None:
        """`deaths` of earlier builds in which each was in flight; the stages that wait by name."""
        self._to_come = {
            work for work, times in deaths.items() if times >= (DEATHS_WAITING if work[0] in that_wait else 1)
        }
        self._deaths_alone: Counter[Work] = Counter()
        self._lost: Counter[Work] = Counter()

    def begins_alone(self, work: Work) -> bool:
        """Once: an earlier build's death is no reason to suspect it twice."""
        is_suspected = work in self._to_come
        self._to_come.discard(work)
        return is_suspected

    def is_guilty(self, work: Work, was_alone: bool) -> bool:
        """Of one whose worker died or hung."""
        self._deaths_alone[work] += was_alone
        return self._deaths_alone[work] >= DEATHS_ALONE

    def goes_on_alone(self, work: Work, was_alone: bool) -> bool:
        """Of one whose worker was lost through no fault of its own."""
        self._lost[work] += 1
        return was_alone or self._lost[work] >= LOST_IN_COMPANY
