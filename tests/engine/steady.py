"""Fast stages over films.py, for tests of the engine: a file is a clip, and its words are what is measured.

Each call of a model leaves a line in the folder $ACTOR18M_TEST_CALLS, so that tests can count them across processes and
deaths.
"""

import os
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import ClassVar, Protocol

from pyarrow import binary, float32, int32, list_, string

from actor18m.inputs import local_path
from actor18m.keys import clip_key
from actor18m.stage import Clip, Failure, Parameters, Row, Stage, schema
from actor18m.storage.far_file import open_uri
from tests.engine.films import text_of

CALLS = "ACTOR18M_TEST_CALLS"
AT, SEEN = ".at", ".seen"


def counted(stage: str, key: str) -> None:
    if folder := os.environ.get(CALLS):
        with Path(folder, f"{stage}-{os.getpid()}").open("a") as file:
            file.write(f"{key}\n")


def calls(folder: Path) -> Counter[str]:
    """How often each stage was called for a clip."""
    return Counter(stage for stage, _ in attempts(folder).elements())


def attempts(folder: Path) -> Counter[tuple[str, str]]:
    """How often each stage was called for each key."""
    found: Counter[tuple[str, str]] = Counter()
    for file in folder.iterdir():
        stage = file.name.partition("-")[0]
        found.update((stage, key) for key in file.read_text().splitlines())
    return found


class Meter(Protocol):
    def measure(self, text: str) -> float: ...


class Steady:
    digest = "one"

    @classmethod
    def load(cls) -> "Steady":
        return cls()

    def measure(self, text: str) -> float:
        return int(sha256(text.encode()).hexdigest()[:4], 16) / 65536


class Other(Steady):
    digest = "two"

    def measure(self, text: str) -> float:
        return 1 - super().measure(text)


class ReadParameters(Parameters):
    pause_s: float = 0
    upper: bool = False


class Read(Stage):
    version = 1
    writes = schema(
        "read",
        clip=string(),
        content_sha256=string(),
        signature=binary(),
        duration_s=float32(),
        text=string(),
        words=int32(),
    )
    parameters = ReadParameters()

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        for clip in clips:
            counted("read", clip.key)
            time.sleep(self.parameters.pause_s)
            path = local_path(clip.uri)
            if path is not None and not path.is_file():
                yield Failure(clip.key, "missing_file", f"{clip.uri} is not there")
                continue
            with open_uri(clip.uri) as source:
                content = source.read()
            text = text_of(content)
            if clip.cut is not None:
                text = " ".join(text.split()[slice(*clip.cut)])
            values = {
                "clip": clip_key(sha256(content).hexdigest(), clip.cut, None),
                "content_sha256": sha256(content).hexdigest(),
                "signature": sha256(text.strip().encode()).digest(),
                "duration_s": float(len(text.split())),
                "text": text.upper() if self.parameters.upper else text,
                "words": len(text.split()),
            }
            yield Row(clip.key, values)


class LookParameters(Parameters):
    pause_s: float = 0
    times: int = 3
    is_watched: bool = False
    """Begins each call when somebody has looked since it came to it: it says so in a file, and waits for another one.
    """


class Look(Stage):
    version = 1
    needs: ClassVar = {Read: ("text",)}
    roles: ClassVar = {"meter": Meter}
    writes = schema("look", score=float32(), scores=list_(float32()))
    parameters = LookParameters()

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        if self.parameters.is_watched:
            Path(f"{clips[0].key}{AT}").touch()
            while not Path(f"{clips[0].key}{SEEN}").exists():
                time.sleep(0.01)
        for clip in clips:
            counted("look", clip.key)
            time.sleep(self.parameters.pause_s)
            text = clip.upstream["read"]["text"]
            if "broken" in text:
                raise ValueError(f"cannot look at {text.strip()!r}")
            scores = [self.backends["meter"].measure(f"{text}{k}") for k in range(self.parameters.times)]
            yield Row(clip.key, {"score": scores[0], "scores": scores})


class DeepParameters(Parameters):
    pause_s: float = 0


class Deep(Stage):
    version = 1
    needs: ClassVar = {Read: ("words",), Look: ("score",)}
    writes = schema("deep", sum=float32())
    parameters = DeepParameters()

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        for clip in clips:
            counted("deep", clip.key)
            time.sleep(self.parameters.pause_s)
            yield Row(clip.key, {"sum": clip.upstream["read"]["words"] + clip.upstream["look"]["score"]})


PIPELINE = """\
name: steady
profile: test
stages:
  - stage: tests.engine.steady:Read
  - stage: tests.engine.steady:Look
    roles: {meter: "tests.engine.steady:Steady"}
  - stage: tests.engine.steady:Deep
duplicates: {at_most: 0.1}
policy:
  read:
    words: {at_least: 2}
  look:
    score: {at_least: 0.4}
  deep:
    sum: {above: 0}
"""
