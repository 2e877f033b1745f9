"""How the counts look: a table at the foot of a terminal, or lines in a log."""

import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO

from rich.console import Console, Group
from rich.live import Live
from rich.measure import Measurement
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from actor18m.terminal.progress_counts import StageProgress, Whole, spelt_rate, spelt_time, whole
from actor18m.terminal.say import Terminal


@dataclass(frozen=True)
class Now:
    """What there is to show."""

    tallies: Sequence[StageProgress]
    """By stage, in the order that a clip meets them."""
    at: float
    elapsed_s: float

    @property
    def whole(self) -> Whole:
        return whole(self.tallies, self.elapsed_s, self.at)


Counts = Callable[[], Now]

_WIDEST = 100
_BAR = range(8, 31)
"""Shorter it says nothing, longer nothing more."""
_FREE = 3
"""Columns at the right edge: there the terminal shows the ^C of Ctrl-C, which must not begin another line."""
_NOTES_KEPT = 5
_NUMBERS = ("done", "rate", "in flight", "rejected", "unavailable", "failed", "quarantined", "eta")
_WHERE_ANY = ("unavailable", "quarantined")
_GOES_FIRST = ("rate", "in flight", "unavailable", "quarantined", "rejected", "eta")
"""What a narrow terminal does without, in this order."""
_LINES_EVERY_S = 10.0
_SETTLED_S = 1.0
"""A stage that has nothing to do for so long, and none before it either, is done."""


class Screen:
    """A table that stays at the foot of the terminal. What else is printed there appears above it."""

    def __init__(self, out: IO[str], counts: Counts) -> None:
        self._console = Terminal(file=out, force_terminal=True)
        self._notes = deque[str](maxlen=_NOTES_KEPT)
        self._width = self._console.width
        self._live = Live(
            get_renderable=lambda: _drawing(counts(), self._console),
            console=self._console,
            auto_refresh=False,
            redirect_stdout=sys.stdout.isatty(),
            redirect_stderr=sys.stderr.isatty(),
        )

    def begin(self) -> None:
        self._live.start(refresh=True)

    def draw(self) -> None:
        width = self._console.width
        if width < self._width:
            # What stands there was broken or cut at the new edge, by each terminal in its own way: it cannot be
            # overwritten line by line.
            self._console.clear()
            for text in self._notes:
                self._print(text)
        self._width = width
        self._live.refresh()

    def note(self, text: str) -> None:
        self._notes.append(text)
        self._print(text)

    def end(self) -> None:
        self._live.stop()

    def _print(self, text: str) -> None:
        self._console.print(Text(_encodable(text, self._console.file)), soft_wrap=True)


class Log:
    """A line for each stage that moved, every few seconds, and one when it is done."""

    def __init__(self, out: IO[str], counts: Counts) -> None:
        self._out = out
        self._counts = counts
        self._said = dict[str, tuple[int, ...]]()
        self._seen = dict[str, tuple[tuple[int, ...], float]]()

    def begin(self) -> None:
        self._said_at = time.monotonic()

    def draw(self) -> None:
        now = self._counts()
        if now.at - self._said_at >= _LINES_EVERY_S:
            self._said_at = now.at
            self._say(now, now.tallies)
        else:
            self._say(now, self._settled(now))

    def note(self, text: str) -> None:
        self._write(text)

    def end(self) -> None:
        now = self._counts()
        self._say(now, now.tallies)

    def _settled(self, now: Now) -> list[StageProgress]:
        """Those that are done for good, as far as can be told: clips still come from the stages before."""
        settled = []
        for each in now.tallies:
            state, since = self._seen.get(each.stage, ((), now.at))
            if state != each.counts:
                self._seen[each.stage] = (each.counts, now.at)
                break
            if each.left or each.in_flight or now.at - since < _SETTLED_S:
                break
            settled.append(each)
        return settled

    def _say(self, now: Now, tallies: Sequence[StageProgress]) -> None:
        etas = dict(zip((each.stage for each in now.tallies), _etas(now), strict=True))
        moved = [each for each in tallies if each.expected and self._said.get(each.stage) != each.counts]
        for each in moved:
            self._said[each.stage] = each.counts
            self._write(line(each, etas[each.stage], now.at))
        if moved:
            self._write(f"total  {summary(now)}")

    def _write(self, text: str) -> None:
        at = datetime.now().astimezone().strftime("%H:%M:%S")
        self._out.write(f"{at}  {_encodable(text, self._out)}\n")
        self._out.flush()


def line(tally: StageProgress, eta: str, now: float) -> str:
    """identity  120/400  3.2/s  in flight 4  rejected 10  failed 1  eta 1m20s"""
    parts = [tally.stage, f"{tally.done}/{tally.expected}", spelt_rate(tally.rate(now)), f"in flight {tally.in_flight}"]
    parts += [f"rejected {tally.rejected}"]
    parts += [f"unavailable {tally.unavailable}"] if tally.unavailable else []
    parts += [f"failed {tally.failed}"]
    parts += [f"quarantined {tally.quarantined}"] if tally.quarantined else []
    return "  ".join([*parts, f"eta {eta}"])


def summary(now: Now) -> str:
    """120/400  elapsed 1m20s  about 5m10s left"""
    all_of_it = now.whole
    parts = [f"{all_of_it.done}/{all_of_it.expected}", f"elapsed {spelt_time(now.elapsed_s)}"]
    if all_of_it.done < all_of_it.expected and all_of_it.eta_s is not None:
        parts.append(f"about {spelt_time(all_of_it.eta_s)} left")
    return "  ".join(parts)


def _etas(now: Now) -> list[str]:
    """As shown. A stage with nothing left is done when those before it are: clips come from there."""
    shown, is_done = [], True
    for each in now.tallies:
        is_done = is_done and not each.left
        shown.append("done" if is_done and each.expected else spelt_time(each.eta_s(now.at) if each.left else None))
    return shown


def _drawing(now: Now, console: Console) -> Group:
    return Group(_table(now, console), Text(f"total  {summary(now)}", style="bold", no_wrap=True, overflow="ellipsis"))


def _table(now: Now, console: Console) -> Table:
    """With as many of its columns as the terminal has room for."""
    width = min(console.width - _FREE, _WIDEST)
    without = {name for name in _WHERE_ANY if not any(getattr(each, name) for each in now.tallies)}
    for column in (None, *_GOES_FIRST):
        without |= {column} if column else set()
        table = _drawn(now, without, bar=0)
        spare = width - Measurement.get(console, console.options.update(max_width=10 * _WIDEST), table).maximum
        if spare >= 0:
            break
    bar = min(spare - 2, _BAR[-1])
    return _drawn(now, without, bar) if bar in _BAR else table


def _drawn(now: Now, without: set[str], bar: int) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("stage", no_wrap=True, overflow="ellipsis", max_width=16)
    if bar:
        table.add_column("", no_wrap=True, width=bar)
    names = [name for name in _NUMBERS if name not in without]
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for each, eta in zip(now.tallies, _etas(now), strict=True):
        numbers = (f"{each.done}/{each.expected}", spelt_rate(each.rate(now.at)), str(each.in_flight))
        bad = [f"[red]{count}[/]" if count else "0" for count in (each.failed, each.quarantined)]
        others = str(each.rejected), str(each.unavailable)
        cells = dict(zip(_NUMBERS, (*numbers, *others, *bad, eta), strict=True))
        drawn = [ProgressBar(each.expected or 1, each.done, bar)] if bar else []
        table.add_row(each.stage, *drawn, *[cells[name] for name in names])
    return table


def _encodable(text: str, out: IO[str]) -> str:
    encoding = getattr(out, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
