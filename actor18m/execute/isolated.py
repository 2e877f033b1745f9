"""One clip at a time in a child process, whose death is survived: for the serial executor."""

import ctypes
import multiprocessing
import os
import pickle
import signal
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
    """A process that was spawned: a fork would inherit threads' locks and what libraries hold."""

    def __init__(self, duty: Duty) -> None:
        self.duty = duty
        spawn = multiprocessing.get_context("spawn")
        self._here, there = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(there, duty, os.getpid()), daemon=True)
        self._process.start()
        there.close()

    def set_up(self) -> None:
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
        return self._process.is_alive()

    def stop(self) -> None:
        self._process.kill()
        self._process.join()
        self._here.close()

    def _answer(self, deadline_s: float) -> Report | Death | None:
        """What it sent, or how it ended; raises what it raised. None: it is set up."""
        # not on the pipe alone: a process that the backend started may hold it open
        if not wait([self._here, self._process.sentinel], timeout=deadline_s):
            return hung(deadline_s)
        try:
            answer = self._here.recv() if self._here.poll() else _NOTHING
        except (EOFError, ConnectionError):
            answer = _NOTHING
        if answer is _NOTHING:
            self._process.join(_LAST_WORDS_S)
            if self.is_alive:
                self.stop()
            assert self._process.exitcode is not None
            return exited(self._process.exitcode)
        if isinstance(answer, BaseException):
            raise answer
        assert answer is None or isinstance(answer, Report)
        return answer


def _serve(pipe: Connection, duty: Duty, parent: int) -> None:
    """The child's life."""
    _end_with(parent)
    guard()
    try:
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
