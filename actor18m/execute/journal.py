"""The journal: which clips are being measured right now, so that the next build knows which were in flight at a death.

`journal/000004-000001.jsonl` belongs to the writer of epoch 4. A beginning is written before the work starts, and so
survives the driver; a thread syncs it meanwhile, and soon it survives the machine, too. An end is written with the next
beginning, since a clip that is thought to be in flight and has its row is simply not missing.
"""

import json
import re
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from actor18m.storage.lease import Lease
from actor18m.storage.store import Store

_FOLDER = "journal"
_FILE = re.compile(rf"{_FOLDER}/(\d{{6,}})-(\d{{6,}})\.jsonl")
_ROTATE_BYTES = 4 << 20
_ROTATE_FILES = 256

Work = tuple[str, str]
"""Stage and key."""


class Journal:
    """Kept by the driver, which alone hands out work. Not for several threads at once."""

    def __init__(self, lease: Lease, rotate_bytes: int = _ROTATE_BYTES) -> None:
        self._lease = lease
        self._rotate_bytes = rotate_bytes
        self._flying: set[Work] = set()
        self._ended: list[Work] = []
        old = files(lease.store)
        self._deaths = _replay(lease, old)
        # a build that splits inputs keeps one journal after the other
        own = (number for epoch, number in map(_numbers, old) if epoch == lease.epoch)
        self._number = max(own, default=0)
        self._bytes = self._files = 0
        self._path = ""
        self._syncing = ThreadPoolExecutor(max_workers=1, thread_name_prefix="actor18m-journal")
        self._sync: Future[None] | None = None
        """The last that was asked for."""
        self._rotate(old)

    @property
    def deaths(self) -> dict[Work, int]:
        """What was in flight when a driver died and has not ended since, with the number of such deaths."""
        return dict(self._deaths)

    def begin(self, stage: str, keys: Iterable[str]) -> None:
        """The next build knows of it when this returns."""
        begun = list(keys)
        self._flying.update((stage, key) for key in begun)
        self._write([*_lines("end", self._ended), *_lines("begin", [(stage, key) for key in begun])])
        self._ended.clear()

    def end(self, stage: str, keys: Iterable[str]) -> None:
        """Its row was committed, or it was given up without blame."""
        for key in keys:
            self._flying.discard((stage, key))
            self._deaths.pop((stage, key), None)
            self._ended.append((stage, key))

    def close(self) -> None:
        """What has not ended counts as in flight."""
        if self._ended:
            self._write(list(_lines("end", self._ended)))
            self._ended.clear()
        self._syncing.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _write(self, lines: list[str]) -> None:
        content = "".join(f"{line}\n" for line in lines).encode()
        if self._lease.store.place.appends:
            self._lease.append(self._path, content)
            self._sync_soon()
        else:
            self._path = self._next_path()
            self._lease.create(self._path, content)
            self._files += 1
        self._bytes += len(content)
        if self._bytes > self._rotate_bytes or self._files > _ROTATE_FILES:
            self._rotate(files(self._lease.store))

    def _sync_soon(self) -> None:
        """One that waits for its turn will sync this, too."""
        if self._sync is None or self._sync.running() or self._sync.done():
            place, path = self._lease.store.place, self._path
            if self._sync is not None and self._sync.done():
                with self._lease.store.trouble(path):
                    self._sync.result()
            self._sync = self._syncing.submit(place.sync, path)

    def _rotate(self, old: list[str]) -> None:
        """A new file that says all that the old ones said; then they go."""
        self._path = self._next_path()
        lines = [json.dumps(["anew"])]
        lines += [json.dumps(["deaths", stage, key, count]) for (stage, key), count in sorted(self._deaths.items())]
        lines += _lines("begin", sorted(self._flying))
        self._lease.create(self._path, "".join(f"{line}\n" for line in lines).encode())
        self._bytes = self._files = 0
        for path in old:
            self._lease.delete(path)

    def _next_path(self) -> str:
        self._number += 1
        return f"{_FOLDER}/{self._lease.epoch:06d}-{self._number:06d}.jsonl"


def files(store: Store) -> list[str]:
    """In the order they were written."""
    return [path for path in store.names(_FOLDER) if _FILE.fullmatch(path)]


def is_entry(line: bytes) -> bool:
    """Other lines tell nothing: they were cut short by a death or a full disk, before the work they would have told
    of, or are damaged. At worst a clip that killed the last build is met without care.
    """
    try:
        match json.loads(line):
            case ["anew"] | ["deaths", str(), str(), int()]:
                return True
            case ["begin" | "end", str(), [*keys]]:
                return all(isinstance(key, str) for key in keys)
    except ValueError:
        pass
    return False


def _numbers(path: str) -> tuple[int, int]:
    """Epoch, and number within it."""
    match = _FILE.fullmatch(path)
    assert match is not None
    return int(match.group(1)), int(match.group(2))


def _replay(lease: Lease, paths: list[str]) -> dict[Work, int]:
    deaths: dict[Work, int] = {}
    flying: set[Work] = set()
    for path in paths:
        for line in filter(is_entry, lease.store.read(path).splitlines()):
            kind, *rest = json.loads(line)
            if kind == "anew":
                deaths.clear()
                flying.clear()
            elif kind == "deaths":
                stage, key, count = rest
                deaths[stage, key] = count
            else:
                stage, keys = rest
                works = {(stage, key) for key in keys}
                if kind == "begin":
                    flying |= works
                else:
                    flying -= works
                    for work in works & deaths.keys():
                        del deaths[work]
    for work in flying:
        deaths[work] = deaths.get(work, 0) + 1
    return deaths


def _lines(kind: str, works: Iterable[Work]) -> list[str]:
    by_stage: dict[str, list[str]] = {}
    for stage, key in works:
        by_stage.setdefault(stage, []).append(key)
    return [json.dumps([kind, stage, keys]) for stage, keys in by_stage.items()]
