"""Files that lie elsewhere, through fsspec, with its troubles said so that a person can mend them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from fsspec.core import url_to_fs
from fsspec.registry import known_implementations

from actor18m.errors import ActorError
from actor18m.inputs import local_path, shown


def at(uri: str) -> tuple[Any, str]:
    """The file system behind a URI, and the path in it. It remembers no listing, so that what it says is true now."""
    try:
        fs, path = url_to_fs(uri, use_listings_cache=False)
    except ImportError as error:
        raise ActorError(
            f"{shown(uri)} cannot be reached: its driver is not installed. Install it: pip install {_package(uri)}"
        ) from error
    except ValueError as error:
        raise ActorError(f"{shown(uri)} cannot be reached: {error}") from error
    return fs, path


def _package(uri: str) -> str:
    """That has the driver: packages of fsspec's drivers are called as their modules."""
    known = known_implementations.get(uri.partition("://")[0], {})
    return str(known.get("class", "fsspec")).partition(".")[0].replace("_", "-")


@contextmanager
def trouble(uri: str) -> Iterator[None]:
    """FileNotFoundError stays what it is; whatever else a driver raises is not the file's fault."""
    try:
        yield
    except (FileNotFoundError, ActorError):
        raise
    except Exception as error:
        raise ActorError(
            f"cannot look at {shown(uri)}: {type(error).__name__}: {error}. Nothing was registered: see that the place "
            "can be reached and that its credentials are set, and run the same command again."
        ) from error


def open_uri(uri: str) -> IO[bytes]:
    """To be read from its beginning, wherever it lies."""
    path = local_path(uri)
    try:
        if path is not None:
            return path.open("rb")
        fs, name = at(uri)
        with trouble(uri):
            stream: IO[bytes] = fs.open(name, "rb")
            return stream
    except OSError as error:
        raise ActorError(f"cannot read {shown(uri)}: {error.strerror or error}") from error
