import io
import os
import re
import sys
from collections.abc import Callable, Iterator
from textwrap import indent

import pytest

from actor18m.terminal.progress import progress
from tests.screen import Terminal

HEADER = "stage "
Open = Callable[..., Terminal]
WORK = """
import os, sys, time
from actor18m.terminal.progress import progress

with progress(["intake", "identity"]) as shown:
    shown.expect("intake", 40)
    for number in range(30):
        shown.started("intake", 2)
        shown.ended("intake", ok=1)
        shown.returned("intake", 1)
        if number % 10 == 0:
            shown.note(f"clip {number} ended its worker")
            print("a warning of some library", file=sys.stderr)
        time.sleep(0.03)
    shown.ended("intake", rejected=2, failed=3)
    shown.started("intake", 4)
"""


@pytest.fixture
def terminal() -> Iterator[Open]:
    opened = []

    def open_(code: str, columns: int = 80, rows: int = 24) -> Terminal:
        opened.append(Terminal(code, columns, rows))
        return opened[-1]

    yield open_
    for each in opened:
        each.close()


def test_a_terminal_shows_one_table_below_what_is_printed(terminal: Open) -> None:
    shown = terminal(WORK)
    assert shown.wait() == 0
    lines = shown.lines
    notes = [
        text for number in (0, 10, 20) for text in (f"clip {number} ended its worker", "a warning of some library")
    ]
    assert lines[:-4] == notes
    assert lines[-4].split() == ["stage", "done", "rate", "in", "flight", "rejected", "failed", "eta"]
    # bar, rate and eta are left out: they depend on the machine
    assert [lines[-3].split()[i] for i in (0, 2, 4, 5, 6)] == ["intake", "35/40", "4", "2", "3"]
    assert [lines[-2].split()[i] for i in (0, 2, 4, 5, 6)] == ["identity", "0/0", "0", "0", "0"]
    # 30 of 35 passed, so about 4 of the 5 that are left will come to the next stage; how quick that is nobody knows
    assert re.fullmatch(r"total  35/44  elapsed \d+s", lines[-1])
    assert shown.scrolled_away == 0
    assert not shown.screen.cursor.hidden


@pytest.mark.parametrize("columns", [40, 60])
def test_a_narrow_terminal_shows_fewer_columns_but_whole_ones(columns: int, terminal: Open) -> None:
    shown = terminal(WORK, columns)
    assert shown.wait() == 0
    header, intake = shown.lines[-4].split(), shown.lines[-3].split()
    assert header[:2] == ["stage", "done"]
    assert "failed" in header
    assert "35/40" in intake
    assert not any("…" in line for line in shown.lines)


def test_a_terminal_that_becomes_narrower_holds_one_table_and_the_last_notes(terminal: Open) -> None:
    shown = terminal(
        WORK
        + """
    while os.get_terminal_size().columns > 50:
        time.sleep(0.05)
    time.sleep(1)
""",
        columns=120,
    )
    shown.wait_for(lambda lines: any("35/40" in line for line in lines))
    shown.resize(50, 24)
    assert shown.wait() == 0
    assert sum(line.startswith(HEADER) for line in shown.lines) == 1
    assert "clip 20 ended its worker" in shown.lines
    assert "35/40" in shown.lines[-3]


def test_ctrl_c_leaves_a_terminal_as_it_was(terminal: Open) -> None:
    guarded = f"try:\n{indent(WORK, '    ')}        time.sleep(60)\nexcept KeyboardInterrupt:\n    print('stopped')"
    shown = terminal(guarded)
    shown.wait_for(lambda lines: lines != [] and lines[-1].split()[:2] == ["total", "35/44"])
    shown.type(b"\x03")
    assert shown.wait() == 0
    assert sum(line.startswith(HEADER) for line in shown.lines) == 1
    total, stopped = shown.lines[-2:]
    assert (total.split()[0], stopped) == ("total", "stopped"), shown.lines
    assert not shown.screen.cursor.hidden


def test_elsewhere_there_are_plain_lines() -> None:
    out = io.StringIO()
    with progress(["intake", "identity"], to=out) as shown:
        shown.expect("intake", 3)
        shown.expect("identity", 2)
        shown.started("intake", 3)
        shown.note("a note")
        shown.ended("intake", ok=1, rejected=1, failed=1)
        shown.started("identity", 2)
        shown.ended("identity", quarantined=1)
    stamped = [line.partition("  ") for line in out.getvalue().splitlines()]
    assert all(re.fullmatch(r"\d\d:\d\d:\d\d", at) for at, _, _ in stamped)
    note, intake, identity, total = (text for _, _, text in stamped)
    assert note == "a note"
    assert total.startswith("total  4/5  elapsed 0s  about ")
    assert [intake.split("  ")[i] for i in (0, 1, 3, 4, 5, 6)] == [
        "intake", "3/3", "in flight 0", "rejected 1", "failed 1", "eta done",
    ]  # fmt: skip
    assert [identity.split("  ")[i] for i in (0, 1, 3, 4, 5, 6)] == [
        "identity", "1/2", "in flight 1", "rejected 0", "failed 0", "quarantined 1",
    ]  # fmt: skip


def test_a_build_with_nothing_to_do_says_nothing() -> None:
    out = io.StringIO()
    with progress(["intake"], to=out):
        pass
    assert out.getvalue() == ""


def test_a_note_steers_no_terminal_and_shows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE_SECRET", "correct horse")
    out = io.StringIO()
    with progress([], to=out) as shown:
        shown.note("a\nb\x1b[2J\udcff é correct horse")
    assert out.getvalue().endswith("  a\\nb\\x1b[2J\\udcff é ***\n")


def test_a_stream_that_cannot_spell_a_name_gets_it_escaped() -> None:
    raw = io.BytesIO()
    with progress([], to=io.TextIOWrapper(raw, "ascii", write_through=True)) as shown:
        shown.note("é.mp4")
    assert raw.getvalue().endswith(b"  \\xe9.mp4\n")


@pytest.mark.parametrize("is_terminal", [False, True])
def test_a_screen_that_has_gone_stops_no_build(is_terminal: bool) -> None:
    master, slave = os.openpty()
    stream = os.fdopen(slave, "w")
    os.close(master)
    with progress(["intake"], to=stream, is_terminal=is_terminal) as shown:
        shown.expect("intake", 1)
        shown.note("nobody reads this")
        shown.ended("intake", ok=1)
    with pytest.raises(OSError, match="error"):
        stream.close()
    assert sys.stderr is not stream


def test_what_is_dumb_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    out = io.StringIO()
    monkeypatch.setattr(out, "isatty", lambda: True)
    with progress(["intake"], to=out) as shown:
        shown.expect("intake", 1)
    assert "\x1b" not in out.getvalue()
