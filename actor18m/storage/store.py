"""The store: whole files under an fsspec URL, written once. Reading needs nothing, writing a lease (lease.py)."""

import hashlib
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from errno import EACCES, EDQUOT, ENOSPC, EPERM, EROFS
from pathlib import Path
from typing import IO

from actor18m import __version__
from actor18m.errors import ActorError
from actor18m.inputs import canonical_uri, refusal
from actor18m.redact import without_secrets
from actor18m.storage.disk import Disk
from actor18m.storage.objects import place_at, refuse_no_bucket
from actor18m.storage.place import Place, trouble_with

SCHEMA = 2
"""Raised when a store written by this version cannot be read by an older one, or the other way round."""

MARK = "store.json"
_ASIDE = "aside/new"
_CHUNK = 1 << 20


class StoreError(ActorError):
    """The store cannot be read or written."""


@dataclass(frozen=True)
class Store:
    """Small enough to travel to workers."""

    url: str
    place: Place
    mark: str = MARK
    """The file by which it is known."""
    what: str = "store"
    """As it is called in messages; whatever has one writer at a time can be held like a store."""

    def read(self, path: str) -> bytes:
        """Raises FileNotFoundError when the store is there and the file is not."""
        with self.trouble(path):
            return self.place.read(path)

    def open(self, path: str) -> IO[bytes]:
        """To read parts of a large file. Raises FileNotFoundError like read()."""
        with self.trouble(path):
            return self.place.open(path)

    def exists(self, path: str) -> bool:
        with self.trouble(path):
            return self.place.exists(path)

    def names(self, folder: str) -> list[str]:
        """Every file in the folder and below it, sorted. What lies aside is not listed: it is no file yet."""
        with self.trouble(folder):
            found = sorted(path for path in self.place.names(folder) if not path.startswith("aside/"))
            if not found:
                self._must_be_there(None)
            return found

    def stamps(self, folder: str) -> dict[str, str]:
        """names(), each with what changes whenever the file is written to or another one takes its place."""
        with self.trouble(folder):
            found = sorted(each for each in self.place.stamps(folder) if not each[0].startswith("aside/"))
            if not found:
                self._must_be_there(None)
            return dict(found)

    def stamp(self, path: str) -> str:
        """Of one file. Raises FileNotFoundError like read()."""
        with self.trouble(path):
            return self.place.stamp(path)

    def create(self, path: str, content: bytes | Path, aside: str) -> bool:
        """Whole and for ever. False when the same content is there already; other content is an error."""
        with self.trouble(path):
            try:
                self.place.create(path, content, aside)
                return True
            except FileExistsError:
                if self._same(path, content):
                    return False
        raise StoreError(
            f"{self.url}/{path} is there already with other content, and files of a store are never overwritten. "
            "Something else wrote to this store, or the file was damaged: compare it with a backup, or move it away."
        )

    @contextmanager
    def trouble(self, path: str) -> Iterator[None]:
        """Says what a failed read or write means for the store."""
        try:
            yield
        except FileNotFoundError as error:
            self._must_be_there(error)
            raise
        except StoreError:
            raise
        except ActorError as error:
            raise StoreError(f"the {self.what} {self.url}: {error}") from error
        except OSError as error:
            if error.errno in (ENOSPC, EDQUOT):
                raise StoreError(
                    f"no space left for {self.url}/{path}. Nothing half-written is kept and no committed row is lost: "
                    "free some space and run the same command again."
                ) from error
            if error.errno in (EROFS, EACCES, EPERM):
                raise StoreError(
                    f"{self.url}/{path} cannot be read or written ({error.strerror}). Give this user the right to, or "
                    "name another --store. No committed row is lost."
                ) from error
            raise StoreError(f"{self.url}/{path}: {type(error).__name__}: {error}") from error

    def _must_be_there(self, cause: Exception | None) -> None:
        try:
            if self.place.exists(self.mark):
                return
        except ActorError as error:  # that it cannot be reached does not mean that it is gone
            raise StoreError(f"the {self.what} {self.url}: {error}") from error
        except OSError as error:
            cause = error
        raise StoreError(
            f"the {self.what} {self.url} is gone: it has no {self.mark} any more. Was it moved or deleted, or is its "
            "disk not mounted? Nothing more was written; when it is back, run the same command again."
        ) from cause

    def _same(self, path: str, content: bytes | Path) -> bool:
        with self.place.open(path) as there:
            found = sha256_of(there)
        if isinstance(content, bytes):
            return found == hashlib.sha256(content).digest()
        with content.open("rb") as given:
            return found == sha256_of(given)


def open_store(url: str | Path) -> Store:
    """The store at a URL or a path."""
    store = store_at(url)
    try:
        text = store.place.read(MARK)
    except FileNotFoundError as error:
        with store.trouble(MARK):
            refuse_no_bucket(store.place)
        raise StoreError(f"there is no store at {store.url} (it has no {MARK}). `actor18m build` makes one.") from error
    except ActorError as error:
        raise StoreError(f"the store {store.url}: {error}") from error
    except OSError as error:
        raise StoreError(f"{store.url}: {type(error).__name__}: {error}") from error
    _check_schema(store, text)
    return store


def id_of(store: Store) -> str:
    """Made by chance with the store: a copy of it has the same, any other store another one."""
    return str(json.loads(store.read(MARK)).get("id", ""))


def store_or_empty(url: str | Path) -> Store:
    """The store at a URL or a path; where there is none yet, an empty one in memory: asking makes nothing."""
    return open_store(url) if store_at(url).exists(MARK) else make_store(f"memory://actor18m-{uuid.uuid4().hex}")


def make_store(url: str | Path) -> Store:
    """The store at a URL or a path, made if nothing is there."""
    store = store_at(url)
    if store.exists(MARK):
        return open_store(url)
    if isinstance(store.place, Disk):
        try:
            store.place.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"cannot make a store at {store.url}: {error.strerror}. Name a place with --store where you may write."
            ) from error
    if any(not path.startswith("aside/") for path in store.place.names("")):
        raise StoreError(
            f"{store.url} is not empty and is no store (it has no {MARK}). Name an empty or new folder with --store."
        )
    if not isinstance(store.place, Disk):
        _try_out(store)
    told = {"schema": SCHEMA, "made_by": f"actor18m {__version__}", "id": uuid.uuid4().hex}
    mark = json.dumps(told, indent=2) + "\n"
    try:
        store.place.make_aside(_ASIDE)
        store.place.create(MARK, mark.encode(), _ASIDE)
    except FileExistsError:
        return open_store(url)  # another process made it just now
    except ActorError as error:
        raise StoreError(f"the store {store.url}: {error}") from error
    except OSError as error:
        raise StoreError(f"cannot make a store at {store.url}: {type(error).__name__}: {error}") from error
    return store


def store_at(url: str | Path) -> Store:
    """The store at a URL or a path, whether it is there or not."""
    text = str(url).rstrip("/")
    uri = canonical_uri(text)
    if refused := refusal(uri):
        raise StoreError(f"cannot open {without_secrets(text)!r}: {refused[1]}.")
    return Store(*place_at(uri, text))


def _try_out(store: Store) -> None:
    try:
        trouble = trouble_with(store.place, f"{_ASIDE}/{uuid.uuid4().hex}")
    except (ActorError, OSError) as error:
        raise StoreError(f"cannot make a store at {store.url}: {error}") from error
    if trouble:
        raise StoreError(f"cannot make a store at {store.url}: {trouble}.")


def _check_schema(store: Store, text: bytes) -> None:
    try:
        mark = json.loads(text)
        schema, made_by = int(mark["schema"]), str(mark.get("made_by", "another version"))
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{store.url}/{MARK} is damaged: {error}. Restore it from a backup.") from error
    if schema > SCHEMA:
        raise StoreError(
            f"the store {store.url} has schema {schema}, made by {made_by}; this is actor18m {__version__}, which "
            f"reads up to {SCHEMA}. Install the newer version, or build into another store."
        )
    if schema < SCHEMA:
        raise StoreError(
            f"the store {store.url} has schema {schema}, made by {made_by}, whose files do not say what their bytes "
            f"must be; this is actor18m {__version__}, which reads schema {SCHEMA}. Build into a new store with "
            "--store, and into a new dataset with --dataset."
        )


def sha256_of(stream: IO[bytes]) -> bytes:
    digest = hashlib.sha256()
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
    return digest.digest()
