"""Who hears of a build while it goes on: the terminal, a notebook, or nobody."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import ClassVar

from actor18m.building.changes import Changes
from actor18m.execute.tally import Watcher


class Listener:
    """Keeps quiet. Whoever wants to hear overrides what they want to hear."""

    on_stderr: ClassVar[bool] = False
    """Are warnings, which the run's log has in any case, written to stderr too?"""

    def note(self, line: str) -> None:
        """Something that a person should know, and that stops nothing."""

    def differs(self, changes: Changes) -> None:
        """Before anything is done: how this build differs from the one of the latest version."""

    def may_forget(self, changes: Changes) -> bool:
        """Should it go on without the settings that the build before was given? Else it is refused."""
        return False

    def progress(self, stages: Sequence[str]) -> AbstractContextManager[Watcher]:
        """While the stages are measured, the watcher is told what happens, from any thread."""
        return _quiet()


class Shown(Listener):
    """Tells on stderr, and shows progress there: lines, or in a terminal a table."""

    on_stderr = True

    def note(self, line: str) -> None:
        from actor18m.terminal.say import say

        say(line, err=True)

    def differs(self, changes: Changes) -> None:
        for line in changes.told():
            self.note(line)

    def progress(self, stages: Sequence[str]) -> AbstractContextManager[Watcher]:
        from actor18m.terminal.progress import progress

        return progress(stages)


class Silent:
    """A watcher that says nothing."""

    def expect(self, stage: str, more: int) -> None: ...
    def started(self, stage: str, n: int) -> None: ...
    def moved(self, stage: str, n: int) -> None: ...
    def returned(self, stage: str, n: int) -> None: ...
    def ended(
        self,
        stage: str,
        *,
        ok: int = 0,
        rejected: int = 0,
        failed: int = 0,
        quarantined: int = 0,
        unavailable: int = 0,
    ) -> None: ...
    def came(self, stage: str, clips: int, seconds: float, took_s: float, costs: Mapping[str, float]) -> None: ...
    def lost(self, stage: str, kind: str) -> None: ...
    def holds(self, held: Mapping[str, float]) -> None: ...
    def note(self, text: str) -> None: ...


@contextmanager
def _quiet() -> Iterator[Watcher]:
    yield Silent()
