"""One clip at a time in a child process, whose death is survived: for the serial executor."""

import ctypes
import json
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
from contextlib import suppress
from multiprocessing.connection import Connection, wait

from actor18m.errors import ActorError
from actor18m.execute.deaths import OUT_OF_MEMORY, Death, exited, hung, not_set_up
from actor18m.execute.limits import SET_UP_S, limit_memory
from actor18m.execute.messages import Duty, Report, Task
from actor18m.execute.trouble import said
from actor18m.execute.waiting_worker import WaitingWorker
from actor18m.execute.worker import Worker
from actor18m.execute.workers import Broken, Done
from actor18m.log import guard

_PR_SET_PDEATHSIG = 1
_NOTHING = object()
_CHILD = """\
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from actor18m.execute.isolated import serve
serve(*map(int, sys.argv[2:]))
"""
"""What the child runs. What multiprocessing spawns would begin with the caller's script again, from its first line."""
_LAST_WORDS_S = 5.0
"""From a closed pipe to the end of the process."""


class Isolated:
    """Keeps one child, since setting up a stage takes seconds; a fresh one after a death and for another stage."""

    def __init__(self) -> None:
        self._child: _Child | None = None

    def run(self, duty: Duty, task: Task, deadline_s: float) -> Done | Broken:
        """Measures and commits, in the child."""
        is_well = False
        try:
            answer = self._child_for(duty).do(task, deadline_s)
            is_well = isinstance(answer, Report)
        finally:  # after Ctrl-C it is still at work
            if not is_well:
                self.close()
        if isinstance(answer, Report):
            return Done(task, answer)
        kind, why = answer
        return Broken(task, why, kind, is_blamed=True)

    def close(self) -> None:
        """Stops the child, at once."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    def _child_for(self, duty: Duty) -> "_Child":
        if self._child is not None and not (self._child.duty is duty and self._child.is_alive):
            self.close()
        if self._child is None:
            self._child = _Child(duty)
            self._child.set_up()
        return self._child


class _Child:
    """A fresh interpreter: a fork would inherit threads' locks and what libraries hold."""

    def __init__(self, duty: Duty) -> None:
        self.duty = duty
        self._here, there = multiprocessing.Pipe()
        with there:
            told = [json.dumps(sys.path), str(there.fileno()), str(os.getpid())]
            self._process = subprocess.Popen([sys.executable, "-c", _CHILD, *told], pass_fds=[there.fileno()])
        self._ended = os.pidfd_open(self._process.pid)

    def set_up(self) -> None:
        with suppress(ConnectionError):  # it has died, and its end says more
            self._here.send(self.duty)
        try:
            answer = self._answer(SET_UP_S)
        except Exception as error:
            raise not_set_up(self.duty.stage, error) from error
        if isinstance(answer, tuple):
            raise not_set_up(self.duty.stage, answer[1])

    def do(self, task: Task, deadline_s: float) -> Report | Death:
        self._here.send(task)
        try:
            answer = self._answer(deadline_s)
        except MemoryError:
            return OUT_OF_MEMORY
        assert answer is not None
        return answer

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._here.close()
        os.close(self._ended)

    def _answer(self, deadline_s: float) -> Report | Death | None:
        """What it sent, or how it ended; raises what it raised. None: it is set up."""
        # not on the pipe alone: a process that the backend started may hold it open
        if not wait([self._here, self._ended], timeout=deadline_s):
            return hung(deadline_s)
        try:
            answer = self._here.recv() if self._here.poll() else _NOTHING
        except (EOFError, ConnectionError):
            answer = _NOTHING
        if answer is _NOTHING:
            try:
                return exited(self._process.wait(_LAST_WORDS_S))
            except subprocess.TimeoutExpired:  # it has closed the pipe, and lives on
                self._process.kill()
                return exited(self._process.wait())
        if isinstance(answer, BaseException):
            raise answer
        assert answer is None or isinstance(answer, Report)
        return answer


def serve(pipe_number: int, parent: int) -> None:
    """The child's life."""
    _end_with(parent)
    guard()
    pipe = Connection(pipe_number)
    try:
        duty = pipe.recv()
        limit_memory(duty.step.run.memory_gib)
        worker = WaitingWorker(duty) if duty.step.waits else Worker(duty)
    except Exception as error:
        _send(pipe, error)
        return
    _send(pipe, None)
    while True:
        try:
            task = pipe.recv()
        except EOFError:
            return
        try:
            _send(pipe, worker.do(task))
        except Exception as error:
            _send(pipe, error)


def _send(pipe: Connection, answer: Report | Exception | None) -> None:
    if isinstance(answer, Exception):
        try:
            pickle.loads(pickle.dumps(answer))
        except Exception:  # its class cannot travel; what it says can
            answer = ActorError(f"{type(answer).__name__}: {said(answer)}")
    pipe.send(answer)


def _end_with(parent: int) -> None:
    """Even when the driver is killed while a backend hangs. Ctrl-C is the driver's, who stops this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)
