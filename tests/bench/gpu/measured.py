"""One network in a process of its own: its memory, its speed batch by batch, and what it does when memory is short."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from actor18m.models.batches import Batches
from actor18m.models.torch_device import released, torch
from actor18m.preflight.apart import Ended, said
from actor18m.preflight.backend_speed import BackendSpeed, halving, loaded_speed
from actor18m.preflight.device import Gpu
from actor18m.preflight.probes import PROBES, seen
from tests.bench.gpu.every import named
from tests.bench.gpu.network import Built, Where
from tests.models.torchvision_kernels import stand_in

_SIZES = {True: (1, 2, 4, 8, 16, 32, 64), False: (1, 2, 4)}
_ASKED_MORE = 2
"""Times as many as the most that fitted are asked for when memory is made short."""
_ROOM_BESIDE, _LEAST_ROOM = 0.25, 64 << 20


@dataclass(frozen=True)
class Measured:
    name: str
    runs_on: str
    weights: int
    published: float
    """Weights in millions, of the full one."""
    computed_bytes: int
    speed: BackendSpeed
    short: str
    """What became of a batch for which memory did not suffice."""


def measured(name: str, full: bool, device: str, seconds: float | None, gpu: Gpu | None) -> Measured | Ended:
    stand_in()
    network = named(name)
    if gpu is not None and (size := network.count() * network.bytes_each) > gpu.bytes - gpu.used_bytes:
        return Ended(
            f"its weights take {size / 2**30:.1f} GiB, and {(gpu.bytes - gpu.used_bytes) / 2**30:.1f} are free"
        )
    sizes, made = _SIZES[full], list[Built]()

    def load() -> Any:
        most = _ASKED_MORE * sizes[-1]
        made.append(network.build(Where(full, device, most)))
        if (batches := _batches(made[0].backend)) is not None:
            batches._most = most  # on a CPU backends give one by one: here as on a GPU, so that batches are measured
        return made[0].backend

    backend, speed = loaded_speed(load, PROBES[network.role], sizes, seconds or network.seconds, gpu)
    (built,) = made
    try:
        short = _short(backend, network.role, speed, built)
    except Exception as error:
        short = f"FAILED: {said(error)}"
    return Measured(name, built.runs_on, built.weights, network.millions, built.bytes, speed, short)


def _short(backend: Any, role: type, speed: BackendSpeed, built: Built) -> str:
    """With room for as many as fitted, twice as many are asked about."""
    if (found := _batches(backend)) is None:
        return "one at a time"
    probe, last, is_real = PROBES[role], speed.batches[-1], built.runs_on == "cuda"
    asked = _ASKED_MORE * last.size
    given = seen(asked * probe.together)
    room = int((_ROOM_BESIDE if built.keeps else 1 + _ROOM_BESIDE) * (last.bytes - speed.weights_bytes))
    with _little_memory(max(_LEAST_ROOM, room)) if is_real else _pretended(found, last.size), halving() as told:
        results = probe.ask(backend, given)
    if isinstance(results, Sequence) and len(results) != len(given):
        return f"LOST {len(given) - len(results)} of {len(given)} results"
    return f"{asked} -> {found._most}{'' if is_real else ' (pretended)'}" if told else f"{asked} fitted"


def _batches(backend: Any) -> Batches[Any, Any] | None:
    return next((each for each in vars(backend).values() if isinstance(each, Batches)), None)


@contextmanager
def _little_memory(room: int) -> Iterator[None]:
    """All of the GPU but so much is taken."""
    released()
    free, _ = torch().cuda.mem_get_info()
    taken = torch().empty(max(0, free - room), dtype=torch().uint8, device="cuda")
    try:
        yield
    finally:
        del taken
        released()


@contextmanager
def _pretended(batches: Any, fits: int) -> Iterator[None]:
    """A CPU's memory is everybody's, and not made short: what says that it is, is put before the model."""
    model = batches._model

    def small(items: Sequence[Any]) -> Any:
        if len(items) > fits:
            raise MemoryError
        return model(items)

    batches._model = small
    try:
        yield
    finally:
        batches._model = model
