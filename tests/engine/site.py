"""A folder of films, a store and a dataset, and the command line over them: what tests of the engine work with."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from typer.testing import CliRunner, Result

from actor18m.cli.app import app
from actor18m.execute.limits import limit_memory
from tests.engine.films import film
from tests.engine.steady import PIPELINE, Steady, calls


def films(name: str, how_many: int, at_least: float = 0.0, below: float = 1.0) -> dict[str, str]:
    """By name, texts whose score lies between these."""
    said = (f"take {number} of {name}" for number in count())
    fitting = (text for text in said if at_least <= Steady().measure(f"{text}0") < below)
    return {f"{name}{number}": text for number, text in enumerate(islice(fitting, how_many))}


@dataclass(frozen=True)
class Site:
    root: Path
    pipeline: str = PIPELINE
    """As it is written before each command."""

    @property
    def videos(self) -> Path:
        return self.root / "videos"

    @property
    def dataset(self) -> Path:
        return self.root / "dataset"

    def put(self, films: Mapping[str, str]) -> None:
        """By name, with what they say."""
        self.videos.mkdir(parents=True, exist_ok=True)
        for name, text in films.items():
            (self.videos / f"{name}.mp4").write_bytes(film(text))

    def run(self, command: str, *arguments: str) -> Result:
        self._write_pipeline()
        where = ["--store", str(self.root / "store")]
        if command == "build":
            where += ["--dataset", str(self.dataset)]
        return self.bare(command, *arguments, *where)

    def _write_pipeline(self) -> None:
        """At once: a build that was started before may be about to read it."""
        file, new = self.root / "steady.yaml", self.root / "steady.new"
        new.write_text(self.pipeline)
        new.replace(file)

    def bare(self, command: str, *arguments: str) -> Result:
        """Told nothing of where this is."""
        result = CliRunner().invoke(app, [command, *arguments], env={"COLUMNS": "200", "ACTOR18M_TRACEBACK": "1"})
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def start(self, command: str, *arguments: str, memory_gib: float | None = None) -> subprocess.Popen[str]:
        """In a process of its own."""
        self._write_pipeline()
        folders = os.pathsep.join([str(Path(__file__).parents[2]), *sys.path])
        return subprocess.Popen(
            [sys.executable, "-c", "from actor18m.cli.app import app; app()", command, "steady.yaml", *arguments],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": folders},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: limit_memory(memory_gib),
        )

    def apart(
        self, command: str, *arguments: str, within_s: float = 300, memory_gib: float | None = None
    ) -> subprocess.CompletedProcess[str]:
        """The same, to its end; killed when it takes longer: then it ends with -9."""
        process = self.start(command, *arguments, memory_gib=memory_gib)
        try:
            out, said = process.communicate(timeout=within_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, said = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, out, said)

    def ask(self, command: str, *arguments: str, code: int = 0) -> Any:
        """What it answers in JSON."""
        result = self.run(command, *arguments, str(self.root / "steady.yaml"), "--json")
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    def build(self, *arguments: str, given: Path | None = None, code: int = 0) -> Mapping[str, Any]:
        """Of the whole folder, or what else is given; what it was and did. Whatever comes of it is meant."""
        meant = ("--max-failed", "1", "--allow-shrinking", "1", "--allow-empty")
        inputs = ("--input", str(given or self.videos))
        answer: Mapping[str, Any] = self.ask("build", *inputs, *meant, *arguments, code=code)
        return answer

    def called(self) -> dict[str, int]:
        """How often each stage was, since this was asked last."""
        folder = self.root / "calls"
        found = dict(calls(folder))
        for file in folder.iterdir():
            file.unlink()
        return found

    def table(self, name: str) -> list[dict[str, Any]]:
        """Rows of the latest version."""
        rows: list[dict[str, Any]] = pq.read_table(self.dataset / "latest" / "metadata" / name).to_pylist()
        return rows

    def states(self) -> dict[str, str]:
        """Of each input, by the film's name."""
        return {Path(row["uri"]).stem: row["state"] for row in self.table("inputs")}

    def published(self) -> dict[str, bytes]:
        """Every file of the latest version."""
        return content_of(self.dataset / "latest")

    def shards(self) -> dict[str, int]:
        """Their inodes."""
        return {path.name: path.stat().st_ino for path in (self.dataset / "latest" / "videos").iterdir()}


def content_of(folder: Path) -> dict[str, bytes]:
    """Every file below it, by name."""
    root = folder.resolve()
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
