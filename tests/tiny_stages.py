"""Stages that measure nothing much, for tests of what is around stages."""

from collections.abc import Iterable, Sequence
from typing import ClassVar, Protocol

from pyarrow import bool_, float32, int32, list_, string, struct

from actor18m.keys import seed
from actor18m.stage import Clip, Failure, Parameters, Row, Stage, schema


class Counter(Protocol):
    def count(self, uri: str) -> int: ...


class TwoEyes:
    """Sees one face everywhere."""

    @classmethod
    def load(cls) -> "TwoEyes":
        return cls()

    def count(self, uri: str) -> int:
        return 1


class Probe(Stage):
    """Reads what a file claims."""

    version = 1
    writes = schema("probe", duration_s=float32(), short_side=int32(), readable=bool_(), licence=string())

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        for clip in clips:
            if clip.uri.endswith(".txt"):
                yield Failure(clip.key, "NotAVideo", f"{clip.uri} is text")
            else:
                values = {"duration_s": 3.5, "short_side": 256, "readable": True, "licence": "CC0"}
                yield Row(clip.key, values)


class FacesParameters(Parameters):
    fps: float = 1
    sizes: tuple[int, ...] = (64, 128)
    cap: int | None = 8


class Faces(Stage):
    """Counts and compares."""

    version = 2
    needs: ClassVar = {Probe: ("duration_s",)}
    roles: ClassVar = {"faces": Counter}
    writes = schema(
        "faces",
        similarity=list_(float32()),
        mean_similarity=float32(),
        people=int32(),
        where=string(),
        box=struct([("x0", float32()), ("x1", float32())]),
    )
    parameters = FacesParameters()

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        for clip in clips:
            seconds = clip.upstream["probe"]["duration_s"]
            number = int(seconds * self.parameters.fps)
            similarity = [seed(clip.key, "faces", second) / 2**63 for second in range(number)]
            yield Row(
                clip.key,
                {
                    "similarity": similarity,
                    "mean_similarity": sum(similarity) / number,
                    "people": self.backends["faces"].count(clip.uri),
                    "where": None,
                    "box": {"x0": 1.0, "x1": 2.0},
                },
            )


NOT_A_STAGE = 3
