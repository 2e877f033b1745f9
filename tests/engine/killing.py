"""Builds in processes of their own, which tests kill, and what their stores and datasets hold then."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from random import Random

import pyarrow.parquet as pq

from actor18m.ledger.ledger import Ledger, LotFiles
from actor18m.storage.store import store_at
from tests.engine.films import film
from tests.engine.steady import CALLS, PIPELINE

ROOT = Path(__file__).parents[2]
PUBLISH = "publish"
PAUSE_S = 0.012
"""Of a clip in a stage: a task takes half a second, and should have few of them."""
_COMMAND = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # shells have jobs in the background ignore it
from actor18m.cli.app import app
app()
"""
PATIENCE_S = 300
"""For what should take seconds: a test that waits so long has failed."""


def put_films(folder: Path, count: int) -> None:
    """Of every fate: accepted, rejected by each rule, failed, and duplicate."""
    folder.mkdir()
    for number in range(count):
        text = f"take {number} of many"
        if number % 17 == 3:
            text = f"word{number}"
        if number % 19 == 4:
            text = f"broken take {number}"
        if number % 23 == 5:
            text = f"take {number - 1} of many"
        (folder / f"film{number:04d}.mp4").write_bytes(film(text))


def paused(pause_s: float, pipeline: str = PIPELINE, not_in: str = "nowhere") -> str:
    """A pipeline with so long a pause for each clip or image in each stage, but for one."""
    lines = []
    for line in pipeline.splitlines():
        lines.append(line)
        if line.startswith("  - stage:") and not line.endswith(not_in):
            lines += [f"    parameters: {{pause_s: {pause_s}}}", "    run: {deadline_s: 30}"]
    return "\n".join(lines)


@dataclass(frozen=True)
class Project:
    """A store and a dataset in a folder of their own, over inputs and a pipeline that other projects share."""

    root: Path
    inputs: Path
    pipeline: Path
    patience_s: float = PATIENCE_S
    checkout: Path = ROOT
    environment: Mapping[str, str] = field(default_factory=dict)
    """What its builds find in theirs beside this process's."""

    def again(self, root: Path) -> "Project":
        """The same from the beginning."""
        return replace(self, root=root)

    @property
    def store(self) -> Path:
        return self.root / "store"

    @property
    def latest(self) -> Path:
        return self.root / "dataset" / "latest"

    def start(self, *options: str) -> "Build":
        (self.root / "calls").mkdir(parents=True, exist_ok=True)
        return Build(self, options)

    def finish(self, *options: str, code: int = 0) -> str:
        """What a build says that nobody disturbs."""
        return self.start(*options).end(code)

    def rows(self) -> Counter[str]:
        """How many were committed, by stage."""
        found: Counter[str] = Counter()
        for folder in self.store.glob("ledger/*/*"):
            ledger = Ledger(store_at(self.store), folder.parent.name, folder.name)
            found[ledger.stage] += sum(_rows_in(ledger, files) for files in ledger.files().values())
        return found

    def in_flight(self) -> set[tuple[str, str]]:
        """Stage and key of what the journal says is being measured, or was when its writer died."""
        flying: set[tuple[str, str]] = set()
        for path in sorted(self.store.glob("journal/*.jsonl")):
            for line in _lines(path):
                kind, *rest = line
                if kind == "anew":
                    flying.clear()
                elif kind != "deaths":
                    works = {(rest[0], key) for key in rest[1]}
                    flying = flying | works if kind == "begin" else flying - works
        return flying

    def publishing_since(self) -> float:
        """When the publishing began that is under way or was killed; 0 when there is none."""
        try:
            return (self.root / "dataset" / ".building" / "version").stat().st_ctime
        except FileNotFoundError:
            return 0

    def shards_made(self) -> int:
        """By the publishing that is under way or was killed."""
        return len(list((self.root / "dataset" / ".building" / "made").glob("*.json")))

    def measured_by(self) -> set[int]:
        """Processes, those that ended included."""
        return {int(file.name.rpartition("-")[2]) for file in (self.root / "calls").iterdir()}

    def published(self) -> Mapping[str, bytes]:
        """Every file of the latest version."""
        folder = self.latest.resolve(strict=True)
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def states(self) -> Counter[str]:
        return Counter(pq.read_table(self.latest / "metadata" / "inputs", columns=["state"])["state"].to_pylist())


class Build:
    """The command `build`, running in a process group of its own."""

    def __init__(self, project: Project, options: tuple[str, ...]) -> None:
        self.project = project
        self._begun = time.time()
        self._said = project.root / f"said-{time.monotonic_ns()}"
        command = [sys.executable, "-c", _COMMAND, "build", str(project.pipeline)]
        where = ["--input", project.inputs, "--store", project.store, "--dataset", project.root / "dataset"]
        with self._said.open("wb") as out:
            self.process = subprocess.Popen(
                [*command, *map(str, where), *options],
                cwd=project.checkout,
                env=os.environ | {CALLS: str(project.root / "calls"), "COLUMNS": "200", **project.environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def is_publishing(self) -> bool:
        """It is, or was when it was killed."""
        return self.project.publishing_since() > self._begun

    def stages(self) -> set[str]:
        """Those that it is at, or was when it was killed; `publish` when it is at that."""
        return {PUBLISH} if self.is_publishing() else {stage for stage, _ in self.project.in_flight()}

    @property
    def said(self) -> str:
        return self._said.read_text()

    def until(self, is_so: Callable[[], bool]) -> None:
        """Waits for a moment of this build."""
        end = time.monotonic() + self.project.patience_s
        while not is_so():
            assert self.is_running, f"the build ended too early, with {self.process.returncode}:\n{self.said}"
            assert time.monotonic() < end, self.said
            time.sleep(0.002)

    def signal(self, number: signal.Signals) -> None:
        """To the driver and all processes of its group, as a terminal does."""
        os.killpg(self.process.pid, number)

    def kill(self, alone: bool = False) -> None:
        """With all of its group; or alone, as for want of memory: its workers may live on for a while, also those that
        were stopped with it.
        """
        if not alone:
            self.signal(signal.SIGKILL)
            self.process.wait()
            return
        self.process.kill()
        self.process.wait()
        with suppress(ProcessLookupError):  # it had none
            self.signal(signal.SIGCONT)

    def end(self, code: int = 0) -> str:
        """What it said, when it has ended with this code."""
        try:
            self.process.wait(self.project.patience_s)
        finally:
            if self.is_running:
                self.kill()
        assert self.process.returncode == code, self.said
        return self.said


def undisturbed(root: Path, films: int) -> Project:
    """A build that nobody killed: what the others must come to."""
    project = finished(root, films, paused(PAUSE_S))
    assert min(project.states()[state] for state in ("accepted", "rejected", "failed", "duplicate")) > 0
    return project


def finished(root: Path, films: int, pipeline: str) -> Project:
    put_films(root / "in", films)
    (root / "pipeline.yaml").write_text(pipeline)
    project = Project(root / "undisturbed", root / "in", root / "pipeline.yaml")
    project.finish()
    return project


def kill_often(
    undisturbed: Project,
    project: Project,
    stages: tuple[str, ...],
    in_stages: int,
    in_publish: int,
    options: Callable[[int], tuple[str, ...]] = lambda run: (),
) -> None:
    """Builds with these options until it is done, and compares. Kills are spread evenly over the rows that there are to
    commit, and over the shards that there are to make.
    """
    random = Random(18)
    hit: Counter[str] = Counter()
    share = undisturbed.rows().total() / in_stages
    for run in range(in_stages):
        build = project.start(*options(run))
        wanted = min(stages, key=lambda stage: hit[stage])
        _reach(build, wanted, int(share * (run + random.uniform(0, 0.5))), int(share * (run + 0.9)))
        _kill(build, hit, run)
    for run in range(in_publish):
        build = project.start(*options(in_stages + run))
        _reach_publishing(build, shards=run)
        time.sleep(random.uniform(0, 4 * PAUSE_S))
        _kill(build, hit, in_stages + run)
    print(project.finish(*options(in_stages + in_publish)))
    assert set(hit) >= {*stages, PUBLISH}
    assert project.published() == undisturbed.published()


def _reach(build: Build, stage: str, at_least: int, at_most: int) -> None:
    """So many rows, and a call of this stage; when there is none for long, any. The build is stopped there."""
    before = build.project.rows().total()

    def is_reached() -> bool:
        rows = build.project.rows().total()
        return rows > max(before, at_least) and (stage in build.stages() or rows >= at_most)

    def is_stopped_there() -> bool:
        if not is_reached():
            return False
        build.signal(signal.SIGSTOP)  # between a look and a kill it would go on
        if is_reached():
            return True
        build.signal(signal.SIGCONT)
        return False

    build.until(is_stopped_there)


def _reach_publishing(build: Build, shards: int) -> None:
    build.until(lambda: build.is_publishing() and build.project.shards_made() >= shards)


def _kill(build: Build, hit: Counter[str], run: int) -> None:
    build.kill(alone=run % 2 == 1)
    assert build.process.returncode == -signal.SIGKILL, build.said
    rows, stages = build.project.rows(), build.stages()
    hit.update(stages)
    told = ", ".join(f"{count} {stage}" for stage, count in rows.items())
    print(f"kill {run + 1:2d} in {' and '.join(sorted(stages)):18s} {rows.total():4d} rows committed: {told}")


@cache
def _rows_in(ledger: Ledger, files: LotFiles) -> int:
    return len(ledger.read_lot(files, [])["key"])


def _lines(path: Path) -> list[list[str]]:
    """Whole ones; none when a newer file has taken this one's place."""
    try:
        return [json.loads(line) for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
    except FileNotFoundError:
        return []
