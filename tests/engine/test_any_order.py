"""Whatever files come and go, in whatever order their clips are measured, and however often the builder is killed: the
dataset is the same.
"""

import os
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from io import StringIO
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actor18m.building import measuring
from actor18m.building.measuring import Staffing
from actor18m.catalog.sources import find_inputs
from actor18m.config.pipeline import Pipeline, parse_pipeline
from actor18m.config.stage_config import Run
from actor18m.execute.messages import Duty, Task
from actor18m.execute.serial import SerialWorkers
from actor18m.execute.worker import Worker
from actor18m.execute.workers import Broken, Done
from actor18m.publish import publish
from actor18m.publish.blocks import Blocks
from actor18m.storage.lease import Lease, TakenOver, hold
from actor18m.storage.store import Store, make_store
from actor18m.survey.pricing import plan
from actor18m.survey.project import Project
from actor18m.terminal.progress import Progress
from tests.engine.films import film
from tests.engine.site import content_of
from tests.engine.steady import PIPELINE

TEXTS = ("a good take", "take 6", "short", "this is broken")

step = st.dictionaries(
    st.sampled_from([f"{letter}.mp4" for letter in "abcdefgh"]),
    # None: removed. Else what it says, and how many blanks follow, which make another clip that is alike.
    st.none() | st.tuples(st.sampled_from(TEXTS), st.integers(0, 2)),
    min_size=4,
)


class Killed(BaseException):
    pass


class Shuffled:
    """Workers that end calls in any order, lose some, and may be killed with the driver between two."""

    def __init__(self, duties: Mapping[str, Duty], random: Random, leases: "Leases") -> None:
        self._workers = {stage: Worker(duty) for stage, duty in duties.items()}
        self._random, self._leases = random, leases
        self._left = random.choice((1, 2, 3, 5, 1000))
        """Calls until it is killed."""
        self._waiting: list[tuple[Task, bool]] = []

    def now(self) -> float:
        return time.monotonic()

    def room(self, stage: str, waiting: int = 1) -> int:
        return 4 - len(self._waiting)

    def room_alone(self, stage: str) -> int:
        return 1 - sum(is_alone for _, is_alone in self._waiting)

    def at_once(self, stage: str) -> int:
        return self._random.choice((1, 2, 8))

    def watch(self, moved: Callable[[str, int], None]) -> None:
        """Nobody looks."""

    def submit(self, task: Task) -> None:
        self._waiting.append((task, False))

    def submit_alone(self, task: Task) -> None:
        self._waiting.append((task, True))

    def wait(self, seconds: float) -> Sequence[Done | Broken]:
        task, _ = self._waiting.pop(self._random.randrange(len(self._waiting)))
        is_lost = self._random.random() < 0.1
        if is_lost and self._random.random() < 0.5:
            return [Broken(task, "was lost", "lost", is_blamed=False)]
        report = self._workers[task.stage].do(task)
        self._left -= 1
        if not self._left:  # what was committed just now is not told any more
            self._leases.pass_on()
            raise Killed
        return [Broken(task, "was lost", "lost", is_blamed=False) if is_lost else Done(task, report)]

    def held(self) -> Mapping[str, float]:
        return {}

    def stop(self, stage: str) -> None: ...
    def release(self, stage: str) -> None:
        del self._workers[stage]  # a task that comes all the same finds nobody

    def close(self) -> None:
        assert not self._left or not self._workers, "a build that ends has released every stage"


class Leases:
    """The store's. A kill passes it on: what the killed one writes on its way out is refused."""

    def __init__(self, store: Store) -> None:
        self._store, self._held = store, ExitStack()
        self.pass_on()

    def pass_on(self) -> Lease:
        self.now = self._held.enter_context(hold(self._store, take_over=True, beat_s=3600))
        return self.now

    def close(self) -> None:
        self._held.close()


class Site:
    def __init__(self, pipeline: Pipeline, root: Path) -> None:
        self.store = make_store(f"memory://{uuid.uuid4().hex}")
        self.project = Project(pipeline, self.store)
        self.leases = Leases(self.store)
        self._dataset = root / uuid.uuid4().hex

    def take_in(self, files: Sequence[Path], staffing: Staffing) -> None:
        """These files are all there are: each in a lot of its own, measured in as many lives as it takes."""
        for file in files:
            measuring.register(self.project, self.leases.now, find_inputs([str(file)]))
        measuring.register(self.project, self.leases.now, find_inputs(list(map(str, files))), sync=True)
        while not plan(self.project.record()).is_done:
            lease = self.leases.pass_on()  # each life is a build of its own
            watcher = Progress([link.name for link in self.project.chain], StringIO(), False)
            try:
                measuring.measure(self.project, lease, staffing, watcher)
            except (Killed, TakenOver):
                assert lease is not self.leases.now
            else:
                assert plan(self.project.record()).is_done, "a build that ends leaves nothing to the next one"

    def published(self) -> dict[str, bytes]:
        looked = measuring.settle_down(self.project, self.leases.now)
        pipeline = self.project.pipeline.render(with_run=False)
        found = publish(self._dataset, Blocks(self.project, looked.relations), pipeline, {})
        return content_of(Path(found.path))


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(steps=st.lists(step, min_size=1, max_size=3), seed=st.integers(0, 2**32))
def test_the_dataset_depends_on_the_files_alone(steps: list[dict[str, tuple[str, int] | None]], seed: int) -> None:
    random = Random(seed)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as leases:
        root, videos = Path(folder), Path(folder, "videos")
        videos.mkdir()
        pipeline = parse_pipeline(PIPELINE, "steady")
        steady = Site(pipeline, root)
        few = Run(clips_per_call=2)
        in_small_calls = tuple(step.model_copy(update={"run": few}) for step in pipeline.stages)
        shaken = Site(pipeline.model_copy(update={"stages": in_small_calls}), root)
        leases.callback(steady.leases.close)
        leases.callback(shaken.leases.close)
        for number, changes in enumerate(steps):
            for name, said in changes.items():
                path = videos / name
                path.unlink(missing_ok=True)
                if said is not None:
                    path.write_bytes(film(said[0] + " " * said[1]))
                    os.utime(path, (number, number))
            files = sorted(videos.iterdir())
            random.shuffle(files)
            if not files:
                continue
            steady.take_in(files, SerialWorkers)
            shaken.take_in(files, partial(Shuffled, random=random, leases=shaken.leases))
        if files:
            assert shaken.published() == steady.published()
