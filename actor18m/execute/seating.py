"""Which pools have how many places on the machines that there are. Sizes stay as they are while there is work, and
change when a pool has ended, when machines join or are lost, and, where GPUs are too few for one worker of each pool,
when a pool has nothing to do and another waits for its turn.

What a pool could use beyond that an autoscaler is asked for: as much again as it has, when the driver has more for it
than it takes.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from actor18m.amounts import amount
from actor18m.execute.deaths import not_set_up
from actor18m.execute.limits import SET_UP_S
from actor18m.execute.messages import Duty
from actor18m.execute.pools import Node, Pool, check_gpus, fits_somewhere, plan_pools
from actor18m.execute.site import Site
from actor18m.execute.staff import LOOK_EVERY_S, Staff
from actor18m.execute.teams import teams_of

LOOK_AT_NODES_EVERY_S = 5.0
IDLE_S = 5.0
"""A pool that had nothing to do for so long gives up its place to one that waits for its turn."""
_ASKED_AT_MOST = 16
"""Workers that a pool asks an autoscaler for at a time."""

log = logging.getLogger(__name__)


class Seating:
    """Of all staffs of a run."""

    def __init__(self, duties: Mapping[str, Duty], site: Site, cpus: int | None) -> None:
        self._site, self._cpus = site, cpus
        self._nodes = site.nodes()
        runs = {stage: duty.step.run for stage, duty in duties.items()}
        waiting = [stage for stage, duty in duties.items() if duty.step.waits]
        models = {stage: {each.name for each in duty.step.roles.values()} for stage, duty in duties.items()}
        teams = teams_of(runs, cpus, waiting, models)
        check_gpus(teams, self._nodes)
        pools = plan_pools(teams, self._nodes, cpus)
        self.staffs = [
            Staff({stage: duties[stage] for stage in team.stages}, team, pool, site.now())
            for team, pool in zip(teams, pools, strict=True)
        ]
        self._notes: list[str] = []
        self._look_at = site.now() + LOOK_AT_NODES_EVERY_S
        self._turn_at = 0.0
        self._homeless_since: dict[str, float] = {}
        """Of staffs for whose claim there is no machine."""
        self._log()
        if turns := [staff.name for staff in self.staffs if staff.team.gpus and not staff.pool.workers]:
            self._notes.append(
                f"too few GPUs for one worker of each stage, {', '.join(turns)} wait: stages take turns, each until "
                "it has nothing to do"
            )

    def notes(self) -> Iterator[str]:
        """What happened that a person should know, once."""
        while self._notes:
            yield self._notes.pop(0)

    def look(self, at_once: bool = False) -> bool:
        """Whether places changed, since machines did, or somebody's turn came. `at_once`: a machine may be lost."""
        now = self._site.now()
        has_changed = False
        if at_once or now >= self._look_at:
            self._look_at = now + LOOK_AT_NODES_EVERY_S
            has_changed = self._look_at_nodes()
            self._find_homeless(now)
            self._site.ask(self._wishes(has_changed))
        if now >= self._turn_at and self._is_somebodys_turn(now):
            self._turn_at = now + LOOK_EVERY_S
            self.plan()
            has_changed = True
        return has_changed

    def plan(self) -> None:
        """Anew, of all that are not over. Who has something to do and a place keeps it; then come those that wait for
        their turn, later stages first, so that what is under way stays small."""
        before = [staff.pool for staff in self.staffs]
        staffs = sorted(enumerate(self.staffs), key=lambda each: _rank(each[1], each[0]))
        going_on = [staff for _, staff in staffs if not staff.is_over]
        held = {staff.team.stages: [hand.place for hand in staff.hands if hand.place] for staff in going_on}
        pools = plan_pools([staff.team for staff in going_on], self._nodes, self._cpus, held)
        for staff, pool in zip(going_on, pools, strict=True):
            staff.pool, staff.is_settled = pool, False
        if before != [staff.pool for staff in self.staffs]:
            self._log()

    def _look_at_nodes(self) -> bool:
        nodes = self._site.nodes()
        if {node.id for node in nodes} == {node.id for node in self._nodes}:
            return False
        gone = [node for node in self._nodes if node.id not in {each.id for each in nodes}]
        new = [node for node in nodes if node.id not in {each.id for each in self._nodes}]
        told = [f"{len(some)} {word} ({_sizes(some)})" for some, word in ((new, "joined"), (gone, "lost")) if some]
        self._notes.append(f"machines: {', '.join(told)}; there are {len(nodes)} now ({_sizes(nodes)})")
        self._nodes = nodes
        self.plan()
        return True

    def _find_homeless(self, now: float) -> None:
        """Of those that have something to do, the ones whose claim no machine has any more."""
        for staff in self.staffs:
            if not staff.is_starving or fits_somewhere(staff.team, self._nodes):
                self._homeless_since.pop(staff.name, None)
                continue
            if staff.name not in self._homeless_since:
                self._homeless_since[staff.name] = now
                self._notes.append(f"{staff.name}: no machine has what a worker claims; it waits for one to come")
            if now >= self._homeless_since[staff.name] + SET_UP_S:
                raise not_set_up(staff.team.stages[0], f"found no machine that has what it claims for {SET_UP_S:g} s")

    def _is_somebodys_turn(self, now: float) -> bool:
        waiting = [staff for staff in self.staffs if staff.is_starving and fits_somewhere(staff.team, self._nodes)]
        return bool(waiting) and any(
            staff.pool.places and staff.team.gpus and not staff.is_busy and now >= staff.idle_since + IDLE_S
            for staff in self.staffs
            if not staff.is_over
        )

    def _wishes(self, places_changed: bool) -> Counter[tuple[float, float]]:
        """CPUs and GPUs of each worker that there should be more, or could be: how many. None while somebody who was
        hired, or will be now, has no machine yet: a wish that is granted holds what he waits for.
        """
        wishes: Counter[tuple[float, float]] = Counter()
        is_somebody_coming = places_changed or any(
            not hand.is_ready for staff in self.staffs for hand in staff.all_hands
        )
        for staff in self.staffs:
            team, pool, has = staff.team, staff.pool, len(staff.pool.places)
            more = 0
            if staff.is_busy and not staff.is_over and not is_somebody_coming:
                if team.given is not None:
                    more = pool.workers - has
                elif self._cpus is None and (staff.is_short or staff.is_starving):
                    more = max(1, has)
            staff.is_short = False
            if more > 0:
                wishes[pool.cpus if team.gpus else team.run.cpus, team.gpus] += min(more, _ASKED_AT_MOST)
        return wishes

    def _log(self) -> None:
        if told := [_told(staff.name, staff.pool) for staff in self.staffs if not staff.is_over]:
            log.info("workers: %s", "; ".join(told))


def _rank(staff: Staff, at: int) -> tuple[int, int]:
    if staff.is_busy and (staff.pool.places or staff.hands):
        return 0, at
    return (1, -at) if staff.is_busy else (2, at)


def _sizes(nodes: Sequence[Node]) -> str:
    cpus, gpus = int(sum(node.cpus for node in nodes)), sum(node.gpus for node in nodes)
    return ", ".join([amount(cpus, "CPU"), *([amount(gpus, "GPU")] if gpus else [])])


def _told(name: str, pool: Pool) -> str:
    claim = f" of {pool.gpus:g} GPU" if pool.gpus else f" of {pool.cpus:g} CPUs"
    return f"{name} {len(pool.places)}{claim}"
