"""What is measured: sets of clips of which somebody knows what is right."""

import csv
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import actor18m
from actor18m.catalog.sources.files import VIDEO_SUFFIXES
from actor18m.errors import ActorError
from actor18m.inputs import canonical_uri
from actor18m.samples.truth import Truth

SHIPPED, FRESH, REAL = "shipped", "fresh", "real"
"""Fresh is all fresh seeds together."""
FRESH_SEEDS = (7, 23)
"""Any but the shipped one: what is tuned on it is not judged by it."""
FOOTAGE = "ACTOR18M_FOOTAGE"


@dataclass(frozen=True)
class Filmed:
    """A clip and what a right pipeline does with it."""

    name: str
    path: Path
    case: str
    state: str | None
    """None where people may differ."""
    rules: tuple[str, ...] = ()
    """One of them must fire; none are known of real footage."""
    repeats: str | None = None
    """URI of the clip that it is a duplicate of."""
    truth: Truth | None = None

    @property
    def uri(self) -> str:
        return canonical_uri(self.path)


@dataclass(frozen=True)
class Set:
    name: str
    clips: Sequence[Filmed]


def shipped_folder() -> Path:
    return Path(actor18m.__file__).parent / "samples" / "clips"


def samples(name: str, folder: Path) -> Set:
    """The clips of a folder that have a truth beside them."""
    videos = sorted(path for path in folder.iterdir() if path.suffix in VIDEO_SUFFIXES)
    clips = [_sample(path) for path in videos if path.with_suffix(".json").is_file()]
    if not clips:
        raise ActorError(f"{folder} holds no clip with a truth beside it; was it rendered to its end?")
    return Set(name, clips)


def _sample(path: Path) -> Filmed:
    truth = Truth.read(path.with_suffix(".json"))
    expected = truth.expected
    of = expected.duplicate_of and canonical_uri(path.with_stem(expected.duplicate_of))
    return Filmed(truth.name, path, truth.script, expected.state, tuple(expected.rules), of, truth)


def fresh(seed: int, folder: Path | None, out: Path) -> Set:
    """Rendered when they are not there."""
    if folder is None:
        folder = out / f"samples-{seed}"
        done = folder / "rendered"
        if not done.exists():
            print(f"rendering the clips of seed {seed} into {folder}: this takes an hour or so", file=sys.stderr)
            render = [sys.executable, "-m", "actor18m", "samples", "render", str(folder), "--seed", str(seed)]
            subprocess.run(render, check=True)
            done.touch()
    return samples(f"seed {seed}", folder)


def real() -> Set | None:
    """The footage that the environment names, by its catalog."""
    folder = os.environ.get(FOOTAGE)
    return Set(REAL, list(_catalog(Path(folder)))) if folder else None


def _catalog(folder: Path) -> Iterator[Filmed]:
    with (folder / "CATALOG.tsv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            path = folder / row["file"]
            yield Filmed(path.name, path, row["case"], None if row["expect"] == "any" else row["expect"])
