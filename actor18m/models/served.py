"""A model's server as a child of the process that asks it: on its GPUs, and no longer there than the process is.

Servers of models start many processes. All of them are the group of a keeper, `kept_child.py`, which ends them when its
standard input ends: when this process closes it, and also when this process is killed.
"""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from actor18m.errors import ActorError
from actor18m.redact import redact

PORT, MODEL = "{port}", "{model}"
"""What is filled into a command."""
_KEEPER = Path(__file__).with_name("kept_child.py")
_MOST_STARTS = 3
_LOOK_EVERY_S, _ANSWER_S = 0.5, 5.0
_TOLD_LINES = 20
_TOLD_BYTES = 16 << 10
_ENDS_WITHIN_S = 20.0


class Served:
    """The server that a command starts. It is there when this is made, or ActorError tells the end of its log."""

    def __init__(self, command: Sequence[str], model: str, ready_s: float) -> None:
        self._given, self._model, self._ready_s = command, model, ready_s
        self._lock = threading.Lock()
        self._starts = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] = tempfile.TemporaryFile(prefix="actor18m-serve-")  # noqa: SIM115
        self.port = _free_port()
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def must_be_there(self) -> None:
        """Starts it once more, at the same port, where it has ended: a few times, and then it is given up."""
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                return
            if self._process is None or self._starts >= _MOST_STARTS:
                raise ActorError(f"{self._ended()} It was started {self._starts} times. {self._told()}")
            self._start()

    def close(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            _end(process)
        self._log.close()

    def _start(self) -> None:
        self._starts += 1
        command = [filled(part, self._model, self.port) for part in self._given]
        keeper = [sys.executable, "-I", str(_KEEPER), *command]
        self._process = subprocess.Popen(
            keeper, stdin=subprocess.PIPE, stdout=self._log, stderr=self._log, start_new_session=True
        )
        until = time.monotonic() + self._ready_s
        while True:
            is_answered = self._answers()
            if self._process.poll() is not None:  # whoever answers then is another one
                raise ActorError(f"{self._ended()} {self._told()}")
            if is_answered:
                return
            if time.monotonic() > until:
                raise ActorError(
                    f"`{self._given[0]}` did not answer at {self.url}/models within {self._ready_s:g} s (`ready_s`). "
                    f"{self._told()}"
                )
            time.sleep(_LOOK_EVERY_S)

    def _answers(self) -> bool:
        """It lists its models once it can be asked; with a key that it wants, too, it is there."""
        try:
            with build_opener(ProxyHandler({})).open(f"{self.url}/models", timeout=_ANSWER_S):
                return True
        except URLError as error:
            return getattr(error, "code", None) in (401, 403)
        except OSError:
            return False

    def _ended(self) -> str:
        code = None if self._process is None else self._process.poll()
        return f"`{self._given[0]}`, by which the stage has its model served, ended with {code}."

    def _told(self) -> str:
        """The end of what it wrote."""
        log = self._log.fileno()
        begins = max(0, os.fstat(log).st_size - _TOLD_BYTES)
        lines = os.pread(log, _TOLD_BYTES, begins).decode(errors="replace").splitlines()[-_TOLD_LINES:]
        return "Its last words:\n" + redact("\n".join(lines)) if lines else "It wrote nothing."


def filled(part: str, model: str, port: int) -> str:
    return part.replace(PORT, str(port)).replace(MODEL, model)


def wrong_in(command: Sequence[str]) -> str | None:
    """Why it cannot be such a command."""
    if not command:
        return "must begin with a program"
    return None if any(PORT in part for part in command) else f"must have {PORT} in it, where its port is filled in"


def _free_port() -> int:
    with contextlib.closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _end(process: "subprocess.Popen[bytes]") -> None:
    """The keeper ends all of them, and is ended where it does not."""
    assert process.stdin is not None
    with contextlib.suppress(OSError):
        process.stdin.close()
    try:
        process.wait(_ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
