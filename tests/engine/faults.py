"""Which requests to an object store go wrong, and how: drawn by a seed, at a rate for each kind, and counted."""

import hashlib
import os
import signal
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from tests.engine.faulty import Fault

Kind = Literal["look", "read", "list", "write", "part", "delete"]
Rates = Mapping[Kind, Mapping[Fault, float]]

READING: Mapping[Fault, float] = {"busy": 0.06, "cut": 0.05, "slow": 0.02, "lost": 0.02}
WRITING: Mapping[Fault, float] = {"busy": 0.06, "lost": 0.06, "cut": 0.02, "slow": 0.02, "late": 0.02}
"""Of those that were `lost`, `cut` or `late`, a writer cannot know whether they were done."""
SHAKY: Rates = {
    "look": READING,
    "read": READING,
    "list": READING,
    "write": WRITING,
    "part": WRITING,
    "delete": WRITING,
}


@dataclass
class Faults:
    """What becomes of the n-th request of a kind for a name depends on the seed, on nothing else: not on the order in
    which threads ask, nor on the bucket.
    """

    seed: int
    rates: Rates = field(default_factory=lambda: SHAKY)
    asked: Counter[Kind] = field(default_factory=Counter)
    injected: Counter[tuple[Kind, Fault]] = field(default_factory=Counter)
    _nth: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, head: bytes) -> Fault:
        kind, name = request_of(head)
        with self._lock:
            self._nth[f"{kind} {name}"] += 1
            drawn = _share(f"{self.seed} {kind} {name} {self._nth[f'{kind} {name}']}")
            fault = self._fault(kind, drawn)
            self.asked[kind] += 1
            if fault != "none":
                self.injected[kind, fault] += 1
        return fault

    def _fault(self, kind: Kind, drawn: float) -> Fault:
        for fault, rate in self.rates.get(kind, {}).items():
            if drawn < rate:
                return fault
            drawn -= rate
        return "none"

    @property
    def total(self) -> int:
        return self.injected.total()

    def __str__(self) -> str:
        lines = [f"{self.asked.total()} requests, {self.total} of them spoilt"]
        for kind in sorted(self.asked):
            spoilt = ", ".join(f"{n} {fault}" for (of, fault), n in sorted(self.injected.items()) if of == kind)
            lines.append(f"  {kind}: {self.asked[kind]}; {spoilt or 'none spoilt'}")
        return "\n".join(lines)


class Killer:
    """Kills a process at its n-th request that changes something."""

    def __init__(self, faults: Faults, at: int, last: Fault) -> None:
        self.faults, self.at, self.last = faults, at, last
        self.pid: int | None = None
        self.killed = False
        self.changes, self._lock = 0, threading.Lock()

    def __call__(self, head: bytes) -> Fault:
        with self._lock:
            self.changes += head.startswith((b"PUT", b"DELETE", b"POST"))
            if self.changes == self.at and self.pid is not None and not self.killed:
                self.killed = True
                os.kill(self.pid, signal.SIGKILL)
                return self.last
        return self.faults(head)


def request_of(head: bytes) -> tuple[Kind, str]:
    """What it asks for, and the object's name in its bucket: in the words of S3, and of Google's JSON API."""
    method, target = head.split(b"\r\n")[0].decode().split(" ")[:2]
    path, query = urlsplit(target).path, urlsplit(target).query
    if "/b/" in path:
        return _of_google(method, path, query)
    name = path.lstrip("/").partition("/")[2]
    if method == "GET":
        return ("read" if name else "list"), name or query
    if "uploadId" in query or "uploads" in query:
        return "part", name
    return {"HEAD": "look", "PUT": "write", "DELETE": "delete", "POST": "delete"}[method], name  # type: ignore[return-value]


def _of_google(method: str, path: str, query: str) -> tuple[Kind, str]:
    name = path.partition("/b/")[2].partition("/o")[2].lstrip("/")
    if method == "DELETE":
        return "delete", name
    if path.startswith("/upload/"):
        return ("part" if "upload_id" in query or "resumable" in query else "write"), name or query
    if method == "GET" and (path.startswith("/download/") or "alt=media" in query):
        return "read", name
    return ("look" if name else "list"), name or query


def _share(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) / 2**64
