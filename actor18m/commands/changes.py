"""How a build differs from the one before, as it is told; and the word that it takes to go on without a setting."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import typer

from actor18m.commands.arguments import load, pipeline_file
from actor18m.dataset import Dataset
from actor18m.differences import Difference, Last, differences, last_published, lost, said_since
from actor18m.errors import Refused
from actor18m.say import say
from actor18m.store import Store
from actor18m.words import Words


class Forgotten(Refused):
    """A flag of the build before is not given, and nobody says that this is meant: asked before anything is done, as
    wrong options are. The command line exits with 1.
    """


@dataclass(frozen=True)
class Changes:
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

    def tell(self, err: bool = True) -> None:
        if self.lines:
            say(f"other than for the latest version {self.last.version}:", err=err)
            for line in self.lines:
                say(f"  {line}", err=err)

    def must_be_wanted(self, pipeline: str, may_ask: bool) -> None:
        """Raises where a flag was forgotten and nobody says that it is not wanted any more."""
        if not self.forgotten:
            return
        flags = " ".join(self.forgotten)
        if may_ask and sys.stdin.isatty() and sys.stderr.isatty():
            try:
                if typer.confirm(f"Version {self.last.version} was built with {flags}. Go on without?", err=True):
                    return
            except typer.Abort:  # Ctrl-C
                raise KeyboardInterrupt from None
            raise Forgotten("Nothing was changed.")
        raise Forgotten(
            f"the latest version {self.last.version} was built with {flags}, and this build is not. Give it again, or "
            f"write it into {pipeline}; or go on without it by --yes. Nothing was changed."
        )


def flags_of(settings: Sequence[str] | None, split: str | None) -> list[str]:
    """What the options say that change a pipeline."""
    return [*(settings or ()), *([f"split.mode={split}"] if split else ())]


def changes(
    pipeline: str, store: Store, flags: Sequence[str], words: Words, dataset: Dataset | None = None
) -> Changes | None:
    """None where nothing was published by this store."""
    last = last_published(store, dataset)
    if last is None:
        return None
    file = pipeline_file(pipeline)
    found = differences(last, lambda given: load(file, given), flags)
    forgotten = [_spelt(flag) for flag in lost(last, flags)] if any(each.is_forgotten for each in found) else []
    return Changes(last, found, said_since(last, words), forgotten)


def _spelt(flag: str) -> str:
    mode = flag.removeprefix("split.mode=")
    return f"--split {mode}" if mode != flag else f"--set {flag}"
