"""A first stage that does to its process what the file's name says: `segfault-1.mp4`. Any other name is measured."""

import ctypes
import hashlib
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
from pyarrow import binary, float32, string

from actor18m.errors import ActorError
from actor18m.stage import Clip, Failure, Parameters, Row, Stage, schema

CALLS = "ACTOR18M_TEST_CALLS"
"""An environment variable that names a folder: each measured clip leaves a line there."""
SLOW_S = 0.7


class PoisonParameters(Parameters):
    ready: str = ""
    """What it does when it is set up."""


class Poison(Stage):
    """Segfaults, hangs, raises, allocates, exits."""

    version = 1
    writes = schema("poison", clip=string(), signature=binary(), duration_s=float32())
    parameters = PoisonParameters()

    def __init__(self, parameters: PoisonParameters | None = None) -> None:
        super().__init__(parameters)
        act(self.parameters.ready)

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        for clip in clips:
            _count(clip)
            act(Path(clip.uri).stem.partition("-")[0])
            content = hashlib.sha256(clip.uri.encode()).hexdigest()
            yield Row(clip.key, {"clip": content[:20], "signature": None, "duration_s": 3.0})


def calls(folder: Path) -> list[tuple[str, int]]:
    """File's name and process of each clip that a process began to measure, by process."""
    lines = [line.split() for file in sorted(folder.glob("*.txt")) for line in file.read_text().splitlines()]
    return [(name, int(pid)) for name, pid in lines]


def nothing_kept(rows: pa.Table) -> pa.Table:
    return rows.select([])


def act(word: str) -> None:
    match word:
        case "segfault":
            ctypes.string_at(0)
        case "hang":
            time.sleep(3600)
        case "stuck":  # in C, and the interpreter's lock is never given back
            ctypes.PyDLL(None).sleep(3600)
        case "raise":
            raise ValueError("this one is not to be measured")
        case "hungry":
            held = []
            while True:
                held.append(bytearray(64 * 2**20))
        case "exit":
            os._exit(7)
        case "killed":
            time.sleep(0.5)  # until the answers before it are sent
            os.kill(os.getpid(), 9)
        case "slow":
            time.sleep(SLOW_S)
        case "unready":
            raise ActorError("the weights of poison are not there")


def _count(clip: Clip) -> None:
    if folder := os.environ.get(CALLS):
        with (Path(folder) / f"{os.getpid()}.txt").open("a") as file:
            file.write(f"{Path(clip.uri).name} {os.getpid()}\n")
