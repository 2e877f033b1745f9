"""Backends that are loaded in a process: each once, however many stages and roles ask for it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from actor18m.models.backends import Backend


@dataclass
class _Held:
    backend: Any
    borrowers: int = 0


class Shared:
    """Lends backends, and closes each when the last one who has it gives it back. Two are the same where name and all
    parameters are, those without effect on results, too: they may be a device or an endpoint. A process asks them one
    after the other."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}

    def lend(self, backend: Backend) -> Any:
        name = _known_as(backend)
        if name not in self._held:
            self._held[name] = _Held(backend.loaded())
        self._held[name].borrowers += 1
        return self._held[name].backend

    def take_back(self, backend: Backend) -> None:
        held = self._held[_known_as(backend)]
        held.borrowers -= 1
        if held.borrowers == 0:
            _close(self._held.pop(_known_as(backend)))

    @contextmanager
    def staying(self, backends: Iterable[Backend]) -> Iterator[None]:
        """Of these, what is loaded stays so until the end of the block, whoever gives it back. Nothing is loaded."""
        loaded = [backend for backend in backends if _known_as(backend) in self._held]
        for backend in loaded:
            self.lend(backend)
        try:
            yield
        finally:
            for backend in loaded:
                self.take_back(backend)

    def close(self) -> None:
        """Closes what is still lent: nobody asks it any more."""
        while self._held:
            _close(self._held.popitem()[1])


def _close(held: _Held) -> None:
    if callable(close := getattr(held.backend, "close", None)):
        close()


def _known_as(backend: Backend) -> str:
    return backend.model_dump_json()
