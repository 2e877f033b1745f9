"""A real terminal for a child process, and an emulator that shows what a person would see in it."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pyte

_HISTORY = 1000
_PATIENCE_S = 60
_LINGERS_S = 0.2
ROOT = Path(__file__).parents[1]


def _take_over() -> None:
    """In the child: the terminal is its own, and Ctrl-C reaches it; shells have jobs in the background ignore that."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Terminal:
    """Runs Python code in a terminal of this size, with the terminal as its stdin, stdout and stderr."""

    def __init__(self, code: str, columns: int = 80, rows: int = 24) -> None:
        self.screen = pyte.HistoryScreen(columns, rows, history=_HISTORY)
        self._stream = pyte.ByteStream(self.screen)
        self._master, self._slave = pty.openpty()
        self._tell_size()
        self.process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            cwd=ROOT,
            # Whoever runs the tests may say how wide its own terminal is.
            env={name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
            | {"TERM": "xterm-256color"},
            start_new_session=True,
            preexec_fn=_take_over,
        )

    @property
    def lines(self) -> list[str]:
        """What stands on the screen, above its empty end."""
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip().splitlines()

    @property
    def scrolled_away(self) -> int:
        return len(self.screen.history.top)

    def wait_for(self, seen: Callable[[list[str]], bool]) -> None:
        while not seen(self.lines):
            assert self._read(), f"the process ended before; the screen shows {self.lines}"

    def wait(self) -> int:
        """Reads to the end; returns the exit code."""
        while self._read():
            pass
        return self.process.wait(_PATIENCE_S)

    def resize(self, columns: int, rows: int) -> None:
        """Lines that have become too long go on in the next one, as most terminals do it; the emulator cuts them."""
        lines = self.lines
        self.screen.resize(rows, columns)
        self.screen.reset()
        self._stream.feed("\r\n".join(lines).encode())
        self._tell_size()
        self.process.send_signal(signal.SIGWINCH)

    def type(self, text: bytes) -> None:
        os.write(self._master, text)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._slave)
        os.close(self._master)

    def _tell_size(self) -> None:
        size = struct.pack("HHHH", self.screen.lines, self.screen.columns, 0, 0)
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, size)

    def _read(self) -> bool:
        """False when the process has ended and all was read."""
        ended = self.process.poll() is not None
        # what was written last may still be on its way through the terminal when its writer has ended
        if not select.select([self._master], [], [], _LINGERS_S if ended else 0.05)[0]:
            return not ended
        self._stream.feed(os.read(self._master, 1 << 16))
        return True
