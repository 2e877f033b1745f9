"""How a build differs from the one that published last; and that a flag of then is not forgotten by accident."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from actor18m.config.loading import load
from actor18m.config.pipeline import Pipeline
from actor18m.config.shipped import find_pipeline
from actor18m.dataset import Dataset
from actor18m.errors import Refused
from actor18m.policy.words import Words
from actor18m.publish.differences import Difference, Last, differences, last_published, lost, said_since
from actor18m.storage.store import Store


class Forgotten(Refused):
    """A flag of the build before is not given, and nobody says that this is meant: asked before anything is done, as
    wrong options are. The command line exits with 1.
    """


@dataclass(frozen=True)
class Changes:
    """What differs from the latest version's build."""

    last: Last
    settings: Sequence[Difference]
    words: Sequence[str]
    forgotten: Sequence[str]
    """Flags that the build before was given, and this one is not, where it makes a difference."""

    @property
    def lines(self) -> list[str]:
        """For people to read; none where nothing differs."""
        said = [f"{each}{' (a flag then, and not given now)' if each.is_forgotten else ''}" for each in self.settings]
        return [*said, *self.words]

    def told(self) -> list[str]:
        """The lines below a heading."""
        lines = [f"  {line}" for line in self.lines]
        return [f"other than for the latest version {self.last.version}:", *lines] if lines else []

    def refusal(self, pipeline: str) -> Forgotten:
        """For a build that must not go on without its flags."""
        return Forgotten(
            f"the latest version {self.last.version} was built with {' '.join(self.forgotten)}, and this build is not. "
            f"Give it again, or write it into {pipeline}; or go on without it by --yes. Nothing was changed."
        )


def flags_of(settings: Sequence[str] | None, split: str | None) -> list[str]:
    """What the options say that change a pipeline."""
    return [*(settings or ()), *([f"split.mode={split}"] if split else ())]


def changes(
    pipeline: str | Path,
    loaded: Pipeline,
    store: Store,
    flags: Sequence[str],
    words: Words,
    dataset: Dataset | None = None,
) -> Changes | None:
    """Of a build of a pipeline, that was loaded with these flags. None where nothing was published by this store."""
    last = last_published(store, dataset)
    if last is None:
        return None
    file = find_pipeline(pipeline)
    found = differences(last, loaded, lambda given: load(file, given), flags)
    forgotten = [_spelt(flag) for flag in lost(last, flags)] if any(each.is_forgotten for each in found) else []
    return Changes(last, found, said_since(last, words), forgotten)


def _spelt(flag: str) -> str:
    mode = flag.removeprefix("split.mode=")
    return f"--split {mode}" if mode != flag else f"--set {flag}"
