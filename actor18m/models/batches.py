"""As many items at once as a model's memory takes."""

import logging
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from actor18m.errors import is_out_of_memory
from actor18m.models.torch_device import released

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batches(Generic[Item, Result]):
    """Gives a model `most` items at once. Where memory does not suffice it gives half as many from there on, and says
    so in the log, down to one: only when the model cannot take one item alone is it the item that needs too much.

    A backend makes one when it is loaded: `self._detected = Batches("own:Detector", self._network, parameters.batch)`.
    """

    def __init__(self, backend: str, model: Callable[[Sequence[Item]], Sequence[Result]], most: int) -> None:
        """`model` has one result for each item; `backend` is what the log calls it."""
        self._backend = backend
        self._model = model
        self._most = most

    def __call__(self, items: Sequence[Item]) -> list[Result]:
        results: list[Result] = []
        while len(results) < len(items):
            batch = items[len(results) : len(results) + self._most]
            if (found := self._tried(batch)) is None:
                self._halve(len(batch))
            elif len(found) != len(batch):
                raise ValueError(f"backend {self._backend} has {len(found)} results of {len(batch)} items")
            else:
                results += found
        return results

    def _tried(self, batch: Sequence[Item]) -> Sequence[Result] | None:
        """None: it was too much at once. The error is not kept, since it keeps what filled the memory."""
        try:
            return self._model(batch)
        except Exception as error:
            if len(batch) == 1 or not is_out_of_memory(error):
                raise
            return None

    def _halve(self, tried: int) -> None:
        released()
        self._most = tried // 2
        logging.getLogger(__name__).warning(
            "backend %s: no memory for %d at once, so %d from here on", self._backend, tried, self._most
        )
