"""The Ray that workers run on: one that is started here and ends with the build, or one that is there."""

import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import ray
import ray._private.worker as ray_worker
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actor18m.errors import ActorError
from actor18m.execute.limits import ONE_THREAD
from actor18m.execute.pools import Node

T = TypeVar("T")

_OBJECT_STORE_BYTES = 256 * 2**20
"""Keys and small numbers travel. Ray's default, a third of the memory, is more than many a container's /dev/shm."""
_DEATH_INFO_MS = 10_000
_PROBE_S = 5.0
_EACH_NODE_S = 30.0

_log = logging.getLogger(__name__)


def join(address: str | None) -> bool:
    """Joins the cluster at the address, or the one whose job this is; without either starts Ray here. True when it was
    started, and is to be stopped.
    """
    if ray.is_initialized():
        return False
    address = address or os.environ.get("RAY_ADDRESS")
    if address is not None:
        _check_that_somebody_listens(address)
    _log_what_ray_tells()
    try:
        with _own_signals():
            if address is not None:
                ray.init(address=address, log_to_driver=False, configure_logging=False)
                return False
            ray.init(
                address="local",
                include_dashboard=False,
                log_to_driver=False,
                configure_logging=False,
                object_store_memory=_OBJECT_STORE_BYTES,
                # On a busy machine Ray may need more than its default of 1 s to know that a worker died. On a cluster
                # a lost machine takes longer to notice anyway.
                _system_config={"timeout_ms_task_wait_for_death_info": _DEATH_INFO_MS},
            )
            return True
    except Exception as error:  # a cluster that wants a token says so in an error of its own
        where = f"join the Ray cluster at {address}" if address else "start Ray on this machine"
        raise ActorError(
            f"cannot {where}: {str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__}. "
            "Check --address and RAY_ADDRESS with `ray status`, and RAY_AUTH_TOKEN where the cluster wants one, or "
            "build with --executor serial."
        ) from error


def _check_that_somebody_listens(address: str) -> None:
    """Ray itself tries a dead address for minutes."""
    if address in ("auto", "local"):
        return
    scheme, slashes, place = address.rpartition("://")
    host, colon, port = place.rstrip("/").rpartition(":")
    if slashes and scheme != "ray":
        told = " It is where jobs are submitted: `ray job submit --address`." if scheme in ("http", "https") else ""
        raise ActorError(
            f"{address} is no address that a build can join: give --address ray://HOST:10001, or HOST:6379.{told}"
        )
    if not (colon and host and port.isdecimal() and int(port) < 65536):
        raise ActorError(f"{address} names no host and port: give --address ray://HOST:10001, or HOST:6379")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_PROBE_S).close()
    except OSError as error:
        raise ActorError(
            f"cannot join the Ray cluster at {address}: nobody listens there ({error.strerror or error}). See that it "
            "is up and can be reached from here: `ray status --address HOST:6379`; or build with --executor serial."
        ) from error


def nodes() -> list[Node]:
    """The machines that are alive."""
    found = [(node["NodeID"], node["Resources"]) for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
    return [Node(has.get("CPU", 0), int(has.get("GPU", 0)), has.get("memory", 0) / 2**30, id) for id, has in found]


def on_each_node(task: Callable[[str], None], told: str) -> None:
    """Runs it on every machine that answers soon: what a lost one leaves undone is left."""
    late = 0
    try:
        for _, answer, is_late in answers(task, told, _EACH_NODE_S):
            if is_late:
                late += 1
            else:
                ray.get(answer)
        if late:
            _log.info("%d machines of the cluster did not do %s in time", late, task.__name__)
    except Exception as error:  # a cluster that is lost raises whatever it comes to
        _log.info("not each machine of the cluster did %s: %s", task.__name__, error)


def answers(
    task: Callable[[T], object], told: T, within_s: float, having: str | None = None
) -> Iterator[tuple[str, "ray.ObjectRef[Any]", bool]]:
    """Runs a task on every machine that is there and, if one is named, has the resource. Of each: its name, what to ask
    for the answer, and whether that is late; those come last.
    """
    nodes = [node for node in ray.nodes() if node["Alive"] and (having is None or node["Resources"].get(having))]  # type: ignore[no-untyped-call]
    own = {"num_cpus": 0, "max_retries": 0, "runtime_env": {"env_vars": dict(environment())}}
    remote: Any = ray.remote(task)
    asked = {
        remote.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False), **own).remote(
            told
        ): node["NodeManagerHostname"]
        for node in nodes
    }
    done, late = ray.wait(list(asked), num_returns=len(asked), timeout=within_s) if asked else ([], [])
    yield from ((asked[answer], answer, answer in late) for answer in (*done, *late))


def environment() -> Mapping[str, str]:
    """Of a worker: where modules and weights are, and one thread in each library."""
    # what a folder named on the command line, a notebook or a test added; a worker finds the installed ones itself
    installed = (sys.prefix, sys.base_prefix, str(Path(ray.__file__).parent))
    folders = [str(Path(entry).absolute()) for entry in sys.path if not entry.startswith(installed)]
    ours = {name: value for name, value in os.environ.items() if name.startswith("ACTOR18M_")}
    return {**ours, **ONE_THREAD, "PYTHONPATH": os.pathsep.join(dict.fromkeys(folders))}


@contextmanager
def _own_signals() -> Iterator[None]:
    """Ray puts a handler of its own in the place of ours for SIGTERM."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, ours)


def _log_what_ray_tells() -> None:
    """Deaths of workers, which Ray would print among a command's output, `log_to_driver` or not. Its warnings are of
    how it was started, which is not the user's concern.
    """
    logging.getLogger("ray").setLevel(logging.ERROR)

    def tell(data: Mapping[str, object], ignore_prefix: bool) -> None:
        lines = data["lines"]
        assert isinstance(lines, list)
        _log.info("Ray: %s", " ".join(map(str, lines)))

    ray_worker.print_to_stdstream = tell
