"""The files of the catalog, numbered in the order they were written, whatever they hold: all of them, and right.

`catalog/batch-000003.<digest>.parquet` has its mark beside it, `catalog/batch-000003.<digest>.mark`, written right
after it: a file that has gone leaves a gap in the numbers, or its mark. Where the last ones went with their marks,
others know of them (survey/catalog_gone.py); a mark alone is no loss.
"""

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from actor18m.storage import sealed
from actor18m.storage.lease import Lease
from actor18m.storage.sealed import DIGEST
from actor18m.storage.store import Store, StoreError, sha256_of

BATCH, OF_SPLIT, PRESENCE, OF_RIGHTS = "batch", "children", "presence", "rights"
FOLDER = "catalog"
_FILE = re.compile(rf"{FOLDER}/({BATCH}|{OF_SPLIT}|{PRESENCE}|{OF_RIGHTS})-(\d{{6,}})\.{DIGEST}\.(parquet|mark)")
WAY_OUT = (
    "Nothing else knows which inputs were registered, in which lots, and what was said of them since: put a copy of it "
    "back. Without one, build into a new store."
)


@dataclass(frozen=True)
class CatalogFiles:
    store: Store

    def of(self, *kinds: str) -> list[str]:
        """Paths, in the order they were written."""
        listed = self.by_kind()
        return sorted((path for kind in kinds for path in listed[kind]), key=number_of)

    def by_kind(self) -> dict[str, list[str]]:
        """Paths of all, by one listing."""
        found, _ = self._whole()
        paths = dict[str, list[str]]({kind: [] for kind in (BATCH, OF_SPLIT, PRESENCE, OF_RIGHTS)})
        for _, path in sorted(found.items()):
            paths[kind_of(path)].append(path)
        return paths

    def opened(self, path: str) -> AbstractContextManager[IO[bytes]]:
        return sealed.opened(self.store, path, WAY_OUT)

    def add(self, lease: Lease, kind: str, content: Path) -> None:
        """The next file."""
        found, marked = self._whole()
        last = max(found, default=0)
        if last and last not in marked:  # its writer died in between
            self._mark(lease, found[last])
        with content.open("rb") as stream:
            digest = sha256_of(stream).hex()[: sealed.DIGITS]
        path = f"{FOLDER}/{kind}-{last + 1:06d}.{digest}.parquet"
        lease.create(path, content)
        self._mark(lease, path)

    def latest(self) -> int:
        """The number of the last file, be it there or only its mark; 0 when there is none."""
        files, marked = self._listed()
        return max([*files, *marked], default=0)

    def trouble(self) -> list[str]:
        """What is wrong with the files that are there and those that are not, as sentences."""
        return self._trouble(*self._listed())

    def _trouble(self, files: Mapping[int, list[str]], marked: Mapping[int, str]) -> list[str]:
        numbers = range(1, max([*files, *marked], default=0) + 1)
        gone = [marked.get(n, f"{FOLDER}/…-{n:06d}.….parquet") for n in numbers if n not in files]
        twice = [", ".join(paths) for paths in files.values() if len(paths) > 1]
        return [f"{self.store.url}/{path} has gone from the store. {WAY_OUT}" for path in gone] + [
            f"{self.store.url} has two files with one number: {paths}. A build that was taken over wrote one of them: "
            "delete the later one, and its mark."
            for paths in twice
        ]

    def _whole(self) -> tuple[dict[int, str], dict[int, str]]:
        """By number, paths of all files, and of those that are marked."""
        files, marked = self._listed()
        if self._trouble(files, marked):  # what is written during a look may be seen in part
            files, marked = self._listed()
            if trouble := self._trouble(files, marked):
                raise StoreError(trouble[0])
        return {number: paths[0] for number, paths in files.items()}, marked

    def _listed(self) -> tuple[dict[int, list[str]], dict[int, str]]:
        files: dict[int, list[str]] = {}
        marked: dict[int, str] = {}
        for path in self.store.names(FOLDER):
            if match := _FILE.fullmatch(path):
                number = int(match.group(2))
                if match.group(3) == "mark":
                    marked[number] = f"{path.removesuffix('.mark')}.parquet"
                else:
                    files.setdefault(number, []).append(path)
        return files, marked

    def _mark(self, lease: Lease, path: str) -> None:
        lease.create(f"{path.removesuffix('.parquet')}.mark", f"{path}\n".encode())


def number_of(path: str) -> int:
    match = _FILE.fullmatch(path)
    assert match is not None
    return int(match.group(2))


def kind_of(path: str) -> str:
    return path.rpartition("/")[2].partition("-")[0]
