"""Backends of stages at work: loaded once in a process, and in smaller batches rather than a clip being suspected."""

from collections.abc import Iterable, Sequence
from typing import ClassVar, Self

from pyarrow import int32

from actor18m.config.stage_config import Step
from actor18m.execute.messages import Duty, Task, Todo
from actor18m.execute.serial import SerialWorkers
from actor18m.execute.worker import Worker
from actor18m.ledger.index import Values
from actor18m.ledger.ledger import Ledger
from actor18m.models.batches import Batches
from actor18m.stage import Clip, Failure, Row, Stage, schema
from actor18m.storage.lease import Lease
from tests.execute.poison_stages import nothing_kept
from tests.models.knobs import Knobs
from tests.tiny_stages import Counter


class Counting(Stage):
    version = 1
    roles: ClassVar = {"counter": Counter}
    writes = schema("counting", count=int32())

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        return [Row(clip.key, {"count": self.backends["counter"].count(clip.uri)}) for clip in clips]


class AgainAndOtherwise(Counting):
    roles: ClassVar = {"counter": Counter, "other": Counter}
    writes = schema("again", count=int32())


class SmallMemory:
    """Counts letters, of no more than two names at once."""

    @classmethod
    def load(cls) -> Self:
        return cls()

    def __init__(self) -> None:
        self.asked: list[int] = []
        self._in_batches = Batches("small", self._lengths, most=8)

    def count(self, uri: str) -> int:
        return sum(self._in_batches(list(uri)))

    def _lengths(self, letters: Sequence[str]) -> list[int]:
        self.asked.append(len(letters))
        if len(letters) > 2:
            raise MemoryError
        return [1 for _ in letters]


def duty(lease: Lease, stage: type[Stage], **roles: object) -> Duty:
    step = Step.model_validate({"stage": f"{__name__}:{stage.__name__}", "roles": roles})
    name = stage.writes.name
    return Duty(name, step, Ledger(lease.store, name, "f1"), {}, {}, Values("none", (), nothing_kept), lease)


def task(stage: str, number: int) -> Task:
    return Task(number, stage, 0, (Todo(f"{number:020x}", "d", "/clips/four.mp4"),), {})


def test_stages_of_one_process_share_a_backend_until_the_last_one_has_no_work(lease: Lease) -> None:
    Knobs.life.clear()
    same = {"backend": "tests.models.knobs:Knobs", "batch": 3}
    duties = {
        "counting": duty(lease, Counting, counter=same),
        "again": duty(lease, AgainAndOtherwise, counter=same, other={**same, "checkpoint": "large"}),
    }
    workers = SerialWorkers(duties)
    for number, stage in enumerate(("counting", "again", "counting")):
        workers.submit(task(stage, number))
        workers.wait(0)
    assert Knobs.life == ["loaded small on cpu", "loaded large on cpu"]
    workers.release("again")
    assert Knobs.life[2:] == ["closed large on cpu"]
    workers.release("counting")
    assert Knobs.life[3:] == ["closed small on cpu"]
    (_, rows), *_ = duties["counting"].ledger.read()
    assert set(rows["count"].to_pylist()) == {3}, "they are asked with the parameters of the pipeline"


def test_what_a_later_stage_shares_stays_loaded_when_an_earlier_one_has_no_work_any_more(lease: Lease) -> None:
    Knobs.life.clear()
    knobs = "tests.models.knobs:Knobs"
    large = {"backend": knobs, "checkpoint": "large"}
    duties = {
        "again": duty(lease, AgainAndOtherwise, counter=knobs, other=large),
        "counting": duty(lease, Counting, counter=knobs),
    }
    workers = SerialWorkers(duties)
    workers.submit(task("again", 0))
    workers.wait(0)
    workers.release("again")
    assert Knobs.life == ["loaded small on cpu", "loaded large on cpu", "closed large on cpu"]
    workers.submit(task("counting", 1))
    workers.wait(0)
    assert Knobs.life[3:] == []
    workers.release("counting")
    assert Knobs.life[3:] == ["closed small on cpu"]


def test_what_was_kept_for_a_stage_that_never_came_is_closed_with_it_or_at_the_end(lease: Lease) -> None:
    knobs = "tests.models.knobs:Knobs"
    duties = {
        "again": duty(lease, AgainAndOtherwise, counter=knobs, other=knobs),
        "counting": duty(lease, Counting, counter=knobs),
    }
    for is_released in (True, False):
        Knobs.life.clear()
        workers = SerialWorkers(duties)
        workers.submit(task("again", 0))
        workers.wait(0)
        workers.release("again")
        assert Knobs.life == ["loaded small on cpu"]
        if is_released:
            workers.release("counting")
        else:
            workers.close()
        assert Knobs.life[1:] == ["closed small on cpu"]


def test_the_end_of_a_build_closes_what_is_still_loaded(lease: Lease) -> None:
    Knobs.life.clear()
    workers = SerialWorkers({"counting": duty(lease, Counting, counter="tests.models.knobs:Knobs")})
    workers.submit(task("counting", 0))
    workers.wait(0)
    workers.close()
    assert Knobs.life == ["loaded small on cpu", "closed small on cpu"]


def test_a_backend_that_halves_its_batches_brings_no_clip_under_suspicion(lease: Lease) -> None:
    given = duty(lease, Counting, counter=f"{__name__}:SmallMemory")
    worker = Worker(given)
    report = worker.do(task("counting", 0))
    assert report.out_of_memory == ()
    (_, rows), *_ = given.ledger.read()
    assert rows["count"].to_pylist() == [len("/clips/four.mp4")]
