"""How many workers a team of stages has on a cluster, on which machines, and what each claims. Pure functions: asked
when a build begins, and again when a stage has ended, a machine joined or was lost, or a stage's turn has come.

All pools work at once, and which of them takes longest is not known beforehand. So each gets as many workers as the
CPUs would allow if it were alone, and every claim of CPUs is scaled down until all of them fit: a worker that waits for
clips takes no CPU, and the operating system shares CPUs among those that do not wait. A claim too many would leave a
stage without any worker, and the stages before it full. GPUs are not scaled, a claim on one is a part of its memory:
they are shared evenly, and where they do not suffice for one worker of each pool, some pools wait for their turn.
"""

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from actor18m.errors import ActorError
from actor18m.execute.teams import Team

_MEMORY_SHARE = 0.8
_SHRINK = 0.9
_LEAST_CPUS = 0.001
_NEXT_TO_NOTHING = 1e-9


@dataclass(frozen=True)
class Node:
    """A machine of the cluster."""

    cpus: float
    gpus: int
    memory_gib: float
    id: str = ""


@dataclass(frozen=True)
class Pool:
    """How many workers a team has, where, and what each claims."""

    stages: tuple[str, ...]
    workers: int
    """As many as it should have; those without a place wait for a machine to come."""
    cpus: float
    gpus: float
    memory_gib: float
    places: tuple[str, ...] = ()
    """The machine of each that has one."""


@dataclass
class _Space:
    """What is free on a machine."""

    node: Node
    cpus: float
    memory_gib: float
    gpus: list[float] = field(default_factory=list)
    free_gpus: float = 0.0
    """All of them together."""

    def has(self, gpus: float) -> bool:
        """What a worker claims of them."""
        if gpus == 0 or self.free_gpus + _NEXT_TO_NOTHING < gpus:
            return gpus == 0
        return sum(left + _NEXT_TO_NOTHING >= min(gpus, 1) for left in self.gpus) >= max(1, int(gpus))

    def take(self, gpus: float) -> None:
        """Of the GPUs that have what a worker claims, those that are begun are filled first."""
        fitting = [at for at, left in enumerate(self.gpus) if left + _NEXT_TO_NOTHING >= min(gpus, 1)]
        for at in sorted(fitting, key=self.gpus.__getitem__)[: max(1, int(gpus))] if gpus else ():
            self.gpus[at] -= min(gpus, 1)
        self.free_gpus -= gpus


def _spaces(nodes: Sequence[Node]) -> list[_Space]:
    return [_Space(node, node.cpus, _MEMORY_SHARE * node.memory_gib, [1.0] * node.gpus, node.gpus) for node in nodes]


def plan_pools(
    teams: Sequence[Team],
    nodes: Sequence[Node],
    cpus: int | None = None,
    held: Mapping[tuple[str, ...], Sequence[str]] | None = None,
) -> list[Pool]:
    """A pool for each team, in their order. Where GPUs are too few for all, those that come first have them. `held`:
    where a team's workers are; they stay there if they can.
    """
    held = held or {}
    on_gpus = [team for team in teams if team.gpus]
    places = _gpu_places(on_gpus, nodes, cpus, held)
    wanted = {team: _wanted(team, len(places.get(team, ())), nodes, cpus) for team in teams}
    wanted = _within_memory(wanted, places, nodes)
    on_gpus_share, share, placed = _scaled(wanted, places, nodes, held)
    places |= placed
    return [
        Pool(
            team.stages,
            wanted[team],
            _claim(team.run.cpus * (on_gpus_share if team.gpus else share)),
            team.gpus,
            team.memory_gib,
            tuple(places.get(team, ())),
        )
        for team in teams
    ]


def check_gpus(teams: Sequence[Team], nodes: Sequence[Node]) -> None:
    """Each team has a place for one worker when it is alone, or the pipeline says how many workers there shall be."""
    for team in teams:
        is_told = team.given is not None and team.run.workers is not None
        if team.gpus and not is_told and not fits_somewhere(team, nodes):
            most = max((node.gpus for node in nodes), default=0)
            raise ActorError(
                f"{', '.join(team.stages)}: a worker claims {_gpus(team.gpus)}, and no machine here has so many "
                f"(the most that one has: {most}). Lower its `run.gpus`, or join a cluster that has them with "
                "--address. Where an autoscaler will bring them, say how many `run.workers` there shall be."
            )


def fits_somewhere(team: Team, nodes: Sequence[Node]) -> bool:
    """Whether some machine has what one of its workers claims, beside nobody else. Claims of CPUs are scaled."""
    if not team.gpus:
        return any(node.cpus > 0 for node in nodes)
    return any(space.has(team.gpus) for space in _spaces(nodes))


def fit(pools: Sequence[Pool], nodes: Sequence[Node]) -> bool:
    """Whether there is a place for all workers of these, with the CPUs and GPUs that they claim."""
    spaces = _spaces(nodes)
    for pool in sorted(pools, key=lambda pool: (pool.gpus, pool.cpus), reverse=True):
        for _ in range(pool.workers):
            fitting = (each for each in spaces if each.cpus + _NEXT_TO_NOTHING >= pool.cpus and each.has(pool.gpus))
            if (space := next(fitting, None)) is None:
                return False
            space.cpus -= pool.cpus
            space.take(pool.gpus)
    return True


def _gpus(claim: float) -> str:
    return f"{claim:g} of a GPU" if claim < 1 else f"{claim:g} GPU{'s' if claim > 1 else ''}"


def _wanted(team: Team, placed: int, nodes: Sequence[Node], cpus: int | None) -> int:
    if team.given is not None:
        return team.given
    return placed if team.gpus else max(1, int((cpus or sum(node.cpus for node in nodes)) / team.run.cpus))


def _gpu_places(
    teams: Sequence[Team], nodes: Sequence[Node], cpus: int | None, held: Mapping[tuple[str, ...], Sequence[str]]
) -> dict[Team, list[str]]:
    """One worker of each team first, then as many as were given, then shared evenly among stages until nothing fits."""
    filling = _Filling(sorted(teams, key=lambda team: -team.gpus), nodes, held)
    if not all(filling.places.values()):
        filling = _Filling(teams, nodes, held)
    places = filling.places

    def most(team: Team) -> float:
        allowed = float("inf") if cpus is None else max(1, int(cpus / team.run.cpus))
        return allowed if team.given is None else team.given

    def share(team: Team) -> tuple[bool, float]:
        return team.given is None, team.gpus * len(places[team]) / len(team.stages)

    growing = [(*share(team), at, team) for at, team in enumerate(teams) if places[team] or team.given]
    heapq.heapify(growing)
    while growing:
        *_, at, team = heapq.heappop(growing)
        if len(places[team]) < most(team) and filling.add(team, heeds_memory=team.given is None):
            heapq.heappush(growing, (*share(team), at, team))
    return places


class _Filling:
    """Of machines by workers on GPUs: it begins with one of each team, the first ones first."""

    def __init__(
        self, teams: Sequence[Team], nodes: Sequence[Node], held: Mapping[tuple[str, ...], Sequence[str]]
    ) -> None:
        self._spaces = _spaces(nodes)
        self._own = {team: Counter(held.get(team.stages, ())) for team in teams}
        """Where a team has workers that were not placed again yet."""
        self.places: dict[Team, list[str]] = {team: [] for team in teams}
        for team in teams:
            self.add(team, heeds_memory=False)

    def add(self, team: Team, heeds_memory: bool) -> bool:
        """Another worker: rather where the team has one already, then where the fewest GPUs are free. False where
        nothing is left for it."""
        own, best, least = self._own[team], None, (True, float("inf"))
        for space in self._spaces:
            rank = own[space.node.id] <= 0, space.free_gpus
            is_enough = not heeds_memory or space.memory_gib + _NEXT_TO_NOTHING >= team.memory_gib
            if rank < least and is_enough and space.has(team.gpus):
                best, least = space, rank
        if best is None:
            return False
        best.take(team.gpus)
        best.memory_gib -= team.memory_gib
        own[best.node.id] -= 1
        self.places[team].append(best.node.id)
        return True


def _within_memory(
    wanted: Mapping[Team, int], places: Mapping[Team, Sequence[str]], nodes: Sequence[Node]
) -> dict[Team, int]:
    """Fewer workers on CPUs where there is not memory for all, but for teams whose number is given."""
    taken = sum(team.memory_gib * len(where) for team, where in places.items())
    asked = sum(team.memory_gib * number for team, number in wanted.items() if not team.gpus)
    left = max(0.0, _MEMORY_SHARE * sum(node.memory_gib for node in nodes) - taken)
    share = min(1.0, left / asked) if asked else 1.0
    return {
        team: number if team.gpus or team.given is not None else max(1, int(number * share))
        for team, number in wanted.items()
    }


def _scaled(
    wanted: Mapping[Team, int],
    gpu_places: Mapping[Team, Sequence[str]],
    nodes: Sequence[Node],
    held: Mapping[tuple[str, ...], Sequence[str]],
) -> tuple[float, float, dict[Team, list[str]]]:
    """The share of what they claim of CPUs with which all of them fit, of teams on GPUs and of others, and where these
    are then. Machines that are full of workers on GPUs are no reason to crowd the others.
    """
    cpus = sum(node.cpus for node in nodes)
    on_gpus = sum(team.run.cpus * len(where) for team, where in gpu_places.items())
    others = sum(team.run.cpus * number for team, number in wanted.items() if not team.gpus)
    share = min(1.0, cpus / max(on_gpus + others, _NEXT_TO_NOTHING))
    while max((team.run.cpus for team in wanted), default=0) * share > _LEAST_CPUS:
        if (placed := _cpu_places(wanted, gpu_places, nodes, (share, share), held)) is not None:
            more = min(1.0, (cpus - on_gpus * share) / max(others, _NEXT_TO_NOTHING))
            while more > share:
                if (better := _cpu_places(wanted, gpu_places, nodes, (share, more), held)) is not None:
                    return share, more, better
                more *= _SHRINK
            return share, share, placed
        share *= _SHRINK
    return 0.0, 0.0, {team: _anywhere(number, nodes) for team, number in wanted.items() if not team.gpus}


def _cpu_places(
    wanted: Mapping[Team, int],
    gpu_places: Mapping[Team, Sequence[str]],
    nodes: Sequence[Node],
    shares: tuple[float, float],
    held: Mapping[tuple[str, ...], Sequence[str]],
) -> dict[Team, list[str]] | None:
    """Of teams on CPUs, beside those on GPUs: on machines without a GPU first, evenly. None: they do not fit."""
    on_gpus_share, share = shares
    free = {node.id: node.cpus for node in nodes}
    for team, where in gpu_places.items():
        for node in where:
            free[node] -= _claim(team.run.cpus * on_gpus_share)
    if any(left < -_NEXT_TO_NOTHING for left in free.values()):
        return None
    has_gpu = {node.id: node.gpus > 0 for node in nodes}
    found: dict[Team, list[str]] = {}
    for team in sorted((team for team in wanted if not team.gpus), key=lambda team: -team.run.cpus):
        claim, found[team] = _claim(team.run.cpus * share), []
        for node in held.get(team.stages, ()):
            if len(found[team]) < wanted[team] and free.get(node, 0.0) + _NEXT_TO_NOTHING >= claim:
                free[node] -= claim
                found[team].append(node)
        emptiest = [(has_gpu[node], -left, node) for node, left in free.items()]
        heapq.heapify(emptiest)
        while len(found[team]) < wanted[team]:
            while emptiest and -emptiest[0][1] + _NEXT_TO_NOTHING < claim:
                heapq.heappop(emptiest)
            if not emptiest:
                return None
            is_gpu, left, node = emptiest[0]
            heapq.heapreplace(emptiest, (is_gpu, left + claim, node))
            free[node] -= claim
            found[team].append(node)
    return found


def _anywhere(number: int, nodes: Sequence[Node]) -> list[str]:
    """Where claims are next to nothing."""
    able = [node.id for node in nodes if node.cpus > 0]
    return [able[at % len(able)] for at in range(number)] if able else []


def _claim(cpus: float) -> float:
    return max(_LEAST_CPUS, int(cpus * 1000) / 1000)
