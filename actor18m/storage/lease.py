"""Who may write: one writer per store, told apart by a rising epoch.

`writers/000004.json` is the claim of epoch 4: it is created exclusively, so of two that reach for an epoch one gets it,
and it is never changed or deleted. `writers/000004.beat.json` is its sign of life, written by its holder alone. The
store belongs to the highest claim. To take over is to claim the next epoch.

What a writer that was taken over can still commit. On a file system: nothing. It moves files out of
`aside/000004-...`, which the new writer renames before it reads or writes anything; the move then fails. On a network
file system a machine may look at folders as they were some seconds ago and name the source of a move by handle, and on
an object store there is no move: there a commit whose epoch was checked just before the takeover can still land just
after it. It is a whole file named by its content, so it adds measured rows and overwrites nothing. A deletion can slip
through likewise, and concerns only caches and what a fold covers.
"""

import json
import math
import os
import re
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from actor18m.errors import ActorError
from actor18m.storage.store import Store, StoreError

BEAT_S = 10.0
_CLAIM = re.compile(r"writers/(\d{6,})\.json")
_IS_TIME = re.compile(r"\d+(\.\d+)?")
SILENT_S = 45.0
"""A writer on another machine that gave no sign of life for so long is taken for dead."""
_BEATS_AT_ONCE = 8


class StoreBusy(StoreError):
    """Another build holds the store."""


class TakenOver(StoreError):
    """Another build took the store from this one."""


@dataclass(frozen=True)
class Holder:
    """A claim, as it is written."""

    epoch: int
    host: str
    pid: int
    process: str
    since: str
    nonce: str = ""
    """Told by it from another claim of the same process and second."""

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.since}"


@dataclass(frozen=True)
class Lease:
    """The right to write, as long as no higher epoch was claimed. It travels to workers."""

    store: Store
    epoch: int
    aside: str

    def check_epoch(self) -> None:
        if self.store.exists(_claim(self.epoch + 1)):
            raise TakenOver(
                f"the {self.store.what} {self.store.url} was taken over by {_last(self.store)}. This build stops; what "
                "it committed before stays."
            )

    def create(self, path: str, content: bytes | Path) -> bool:
        """A new file for ever; False when it is there already with the same content."""
        self.check_epoch()
        try:
            return self.store.create(path, content, self.aside)
        except FileNotFoundError as error:
            self.check_epoch()
            raise StoreError(f"cannot write {self.store.url}/{path}: {error}. Run the same command again.") from error

    def append(self, path: str, content: bytes) -> None:
        self.check_epoch()
        with self.store.trouble(path):
            self.store.place.append(path, content)

    def delete(self, path: str) -> None:
        """For caches and for what a newer file covers."""
        self.check_epoch()
        with self.store.trouble(path):
            self.store.place.delete(path)


@contextmanager
def hold(store: Store, take_over: bool = False, beat_s: float = BEAT_S, silent_s: float = SILENT_S) -> Iterator[Lease]:
    """The lease, from here to the end of the block. Refused while another lives, unless it is taken over."""
    last = _last(store)
    if last is not None and not take_over:
        _refuse_if_alive(store, last, beat_s, silent_s)
    lease = _claim_next(store, 0 if last is None else last.epoch)
    with store.trouble(_beat_path(lease.epoch)):
        _write_beat(lease, ended=False)
    stop = threading.Event()
    heart = threading.Thread(target=_beat, args=(lease, stop, beat_s), name="actor18m-heartbeat", daemon=True)
    heart.start()
    try:
        yield lease
    finally:
        stop.set()
        heart.join()
        with suppress(OSError, ActorError):
            _write_beat(lease, ended=True)
            store.place.drop_aside(lease.aside)


@dataclass(frozen=True)
class Unended:
    """A build that did not say that it ended, as far as can be told of it without waiting."""

    holder: Holder
    is_alive: bool
    silent_s: float | None
    """For so long nothing was heard of it; None of a process of this machine, where one looks whether it is there."""

    def __str__(self) -> str:
        if self.is_alive:
            return f"being built by {self.holder}"
        if self.silent_s is None:
            return f"the last build did not end: {self.holder}, is gone. The next build goes on where it was"
        heard = f"nothing was heard of it for {_spelt(self.silent_s)}"
        return f"the last build did not end: {self.holder}; {heard}. The next build goes on where it was"


def unended(store: Store, silent_s: float = SILENT_S) -> Unended | None:
    """The last build, unless it ended."""
    last = _last(store)
    if last is None:
        return None
    beat, ended = _read_beat(store, last.epoch)
    if ended:
        return None
    if _namespace(last.process) == _namespace(_this_process()):
        return Unended(last, _started(last.pid) == last.process, None)
    silent = max(time.time() - float(beat), 0.0)
    return Unended(last, silent < silent_s, silent)


def holder(store: Store) -> Holder | None:
    """Who builds now, or did when it was killed; None when the last build ended."""
    found = unended(store)
    return None if found is None else found.holder


def living(store: Store, silent_s: float = SILENT_S) -> int | None:
    """The epoch of a build that is running, as far as can be told without waiting; None when none is."""
    found = unended(store, silent_s)
    return found.holder.epoch if found is not None and found.is_alive else None


def _claim_next(store: Store, last_epoch: int) -> Lease:
    epoch = last_epoch + 1
    # Made before the claim: whoever claims a later epoch finds it and can drop it.
    lease = Lease(store, epoch, f"aside/{epoch:06d}-{uuid.uuid4().hex}")
    with store.trouble(lease.aside):
        store.place.make_aside(lease.aside)
    claim = Holder(epoch, socket.gethostname(), os.getpid(), _this_process(), _now(), uuid.uuid4().hex)
    try:
        with store.trouble(_claim(epoch)):
            store.place.create(_claim(epoch), json.dumps(asdict(claim), indent=2).encode(), lease.aside)
    except StoreError:
        other = _last(store)
        if other != claim:  # else it came through, and only the answer was lost
            store.place.drop_aside(lease.aside)
            if other is not None and other.epoch >= epoch:
                raise StoreBusy(_busy(store, other, "it started at the same moment")) from None
            raise
    for aside in store.place.asides():
        name = aside.removeprefix("aside/")
        if name.startswith("dropped-") or (name[:6].isdigit() and int(name[:6]) < epoch):
            store.place.drop_aside(aside)
    store.place.drop_uploads()
    return lease


def _refuse_if_alive(store: Store, last: Holder, beat_s: float, silent_s: float) -> None:
    beat, ended = _read_beat(store, last.epoch)
    if ended:
        return
    if _namespace(last.process) == _namespace(_this_process()):
        if _started(last.pid) == last.process:
            raise StoreBusy(_busy(store, last, "it is running"))
        return
    silent = time.time() - float(beat)
    if 0 <= silent < silent_s:
        raise StoreBusy(_busy(store, last, f"its last sign of life was {silent:.0f} s ago"))
    # Clocks of two machines differ: a beat that looks old is watched for as long as one may be silent.
    for _ in range(math.ceil(silent_s / beat_s)):
        time.sleep(beat_s)
        if _read_beat(store, last.epoch) != (beat, False):
            raise StoreBusy(_busy(store, last, "it gave a sign of life just now"))


def _busy(store: Store, other: Holder, sign: str) -> str:
    return (
        f"the store {store.url} is being built by {other}; {sign}. Wait for it or stop it there. If it is dead or "
        "should stop, run this command again with --take-over: the other can then commit nothing more."
    )


def _beat(lease: Lease, stop: threading.Event, beat_s: float) -> None:
    """Each beat is sent when it is due, be the answer to the one before it late: from afar a slow place must not look
    like a dead writer.
    """
    beats: list[threading.Thread] = []
    while not stop.wait(beat_s):
        beats = [each for each in beats if each.is_alive()]
        if len(beats) < _BEATS_AT_ONCE:
            beats.append(threading.Thread(target=_beat_once, args=(lease,), daemon=True))
            beats[-1].start()
    for each in beats:
        each.join(beat_s)  # so that none comes after the last


def _beat_once(lease: Lease) -> None:
    with suppress(OSError, ActorError):  # a commit will say what is wrong
        _write_beat(lease, ended=False)


def _write_beat(lease: Lease, ended: bool) -> None:
    text = json.dumps({"at": f"{time.time():.3f}", "ended": ended})
    lease.store.place.replace(_beat_path(lease.epoch), text.encode(), lease.aside)


def _read_beat(store: Store, epoch: int) -> tuple[str, bool]:
    """When it was, and whether it was the last. One that is missing or damaged is no sign of life: the next one is."""
    with suppress(FileNotFoundError, ValueError):
        match json.loads(store.read(_beat_path(epoch))):
            case {"at": str(at), "ended": bool(ended)} if _IS_TIME.fullmatch(at):
                return at, ended
    return "0", False


def _last(store: Store) -> Holder | None:
    claims = filter(None, map(_CLAIM.fullmatch, store.names("writers")))
    epochs = [int(claim.group(1)) for claim in claims]
    return _read_claim(store, max(epochs)) if epochs else None


def _read_claim(store: Store, epoch: int) -> Holder:
    """Its name is the claim. One whose content is damaged is of somebody whose signs of life tell whether they live."""
    with suppress(ValueError):
        match json.loads(store.read(_claim(epoch))):
            case {"host": str(host), "pid": int(pid), "process": str(process), "since": str(since), **rest}:
                return Holder(epoch, host, pid, process, since, str(rest.get("nonce", "")))
    return Holder(epoch, "an unknown machine", 0, "", "an unknown time")


def _claim(epoch: int) -> str:
    return f"writers/{epoch:06d}.json"


def _beat_path(epoch: int) -> str:
    return f"writers/{epoch:06d}.beat.json"


def _this_process() -> str:
    return _started(os.getpid()) or f"{uuid.uuid4().hex} unknown"


def _started(pid: int) -> str | None:
    """Names a process of this boot and pid namespace for ever, though pids are used again; None when it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = Path("/proc/self/ns/pid").readlink()
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[2].split()
    # A zombie was killed already; its parent has not looked yet.
    return None if state in "ZX" else f"{boot}/{namespace} {fields[18]}"


def _spelt(seconds: float) -> str:
    hours, minutes = int(seconds // 3600), max(int(seconds // 60), 1)
    return f"{minutes} min" if hours < 2 else f"{hours} h" if hours < 48 else f"{hours // 24} days"


def _namespace(process: str) -> str:
    return process.split(" ")[0]


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
