"""A dataset: its versions 000001, 000002, ..., and `latest` and the tags, which lead to some of them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from errno import EDQUOT, ENOSPC
from pathlib import Path

from actor18m.dataset import manifest
from actor18m.errors import ActorError
from actor18m.inputs import canonical_uri, refusal
from actor18m.redact import without_secrets
from actor18m.storage.disk import Disk
from actor18m.storage.objects import place_at
from actor18m.storage.place import Place, size_in

LATEST = "latest"
_VERSION = re.compile(r"\d{6,}")
_TAG = re.compile(r"[a-z][a-z0-9._-]{0,63}")


class DatasetError(ActorError):
    """The dataset cannot be read or written."""


@dataclass(frozen=True)
class Dataset:
    """Small enough to travel to workers."""

    url: str
    """A path where it is on a file system."""
    place: Place

    @staticmethod
    def at(url: str | Path) -> "Dataset":
        """The dataset at a URL or a path, whether it is there or not."""
        text = str(url).rstrip("/")
        try:
            uri = canonical_uri(text)
            if refused := refusal(uri):
                raise DatasetError(f"cannot open the dataset {without_secrets(text)!r}: {refused[1]}.")
            return Dataset(*place_at(uri, text))
        except DatasetError:
            raise
        except ActorError as error:
            raise DatasetError(f"cannot open the dataset {without_secrets(text)!r}: {error}") from error

    def is_same(self, other: "Dataset") -> bool:
        """Whether both are at the same place, be it by symbolic links."""
        if isinstance(self.place, Disk) and isinstance(other.place, Disk):
            return self.place.root.resolve() == other.place.root.resolve()
        return self.url == other.url

    def names(self) -> list[str]:
        """The numbers of its versions, from the oldest on."""
        with self.trouble():
            numbers = (name for name, is_folder in self.place.entries("") if is_folder and is_version(name))
            return sorted((name for name in numbers if self.is_whole(name)), key=int)

    def is_whole(self, number: str) -> bool:
        """A version's manifest is written last: a folder without one is somebody else's, or damaged."""
        return bool(self._size(number))

    def is_given_up(self, number: str) -> bool:
        """Did a build begin a version of this number, which nobody will complete? Among objects an empty manifest
        says so (on_objects.py).
        """
        return not self.place.links and self._size(number) == 0

    def _size(self, number: str) -> int | None:
        """Of a manifest, as far as it says whether there is one."""
        path = f"{number}/{manifest.NAME}"
        if self.place.links:
            return 1 if self.place.exists(path) else None
        try:
            size = size_in(self.place.stamp(path))
        except FileNotFoundError:
            return None
        return 1 if size is None else size

    def given_up(self) -> list[str]:
        """Numbers that no version has, or will have."""
        with self.trouble():
            numbers = (name for name, is_folder in self.place.entries("") if is_folder and is_version(name))
            return sorted(filter(self.is_given_up, numbers), key=int)

    def latest(self) -> str | None:
        """The number of the version that `latest` leads to."""
        with self.trouble():
            return self.place.pointer(LATEST)

    def tags(self) -> dict[str, str]:
        """Names that people gave to versions, with these."""
        with self.trouble():
            names = sorted(name for name, is_folder in self.place.entries("") if not is_folder and is_tag(name))
            pointers = {name: self.place.pointer(name) for name in names}
        return {name: number for name, number in pointers.items() if number is not None and is_version(number)}

    @contextmanager
    def trouble(self) -> Iterator[None]:
        """Says what a failed read or write means for the dataset; failures elsewhere pass."""
        try:
            yield
        except DatasetError:
            raise
        except ActorError as error:
            if isinstance(error, OSError):  # of the place, which cannot be reached or refuses
                raise DatasetError(f"the dataset {self.url}: {error}. Its latest version is as it was.") from error
            raise
        except OSError as error:
            if error.errno in (ENOSPC, EDQUOT):
                raise DatasetError(
                    f"no space left for the dataset {self.url}. Its latest version is as it was: free some space and "
                    "run the same command again; what is made already is used."
                ) from error
            if str(error.filename or "").startswith(self.url):
                raise DatasetError(f"the dataset {self.url}: {error}. Its latest version is as it was.") from error
            raise


def is_version(name: str) -> bool:
    """Is a folder of this name a version, if it has a manifest?"""
    return _VERSION.fullmatch(name) is not None


def is_tag(name: str) -> bool:
    """Can a version be called so?"""
    return name != LATEST and _TAG.fullmatch(name) is not None
