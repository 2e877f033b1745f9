"""What stages that wait note in the store for whoever goes on after a death: what was asked and is not answered yet."""

import re
from dataclasses import dataclass

from actor18m.storage.lease import Lease

FOLDER = "asked"
NAME = re.compile(r"[0-9a-z][0-9a-z.-]*")


@dataclass(frozen=True)
class StoreNotes:
    """Of one stage."""

    lease: Lease
    stage: str

    def names(self) -> list[str]:
        folder = f"{FOLDER}/{self.stage}/"
        there = (path.removeprefix(folder) for path in self.lease.store.names(folder.rstrip("/")))
        return [name for name in there if NAME.fullmatch(name)]

    def read(self, name: str) -> bytes:
        return self.lease.store.read(self._path(name))

    def write(self, name: str, content: bytes) -> None:
        self.lease.create(self._path(name), content)

    def forget(self, name: str) -> None:
        self.lease.delete(self._path(name))

    def _path(self, name: str) -> str:
        if not NAME.fullmatch(name):
            raise ValueError(f"a note's name has lower-case letters, digits, . and -, not {name!r}")
        return f"{FOLDER}/{self.stage}/{name}"
