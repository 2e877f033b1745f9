"""A publish that is killed by SIGKILL just before its n-th change to the file system."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from actor18m.publish import Block, publish
from tests.publish.material import FACTS, PIPELINE, key_of, lot, sample, video

CHANGES = ("chmod", "fsync", "link", "mkdir", "rename", "replace", "rmdir", "symlink", "unlink")
_DARK, _LOW, _OVER, _NOBODY = map(sample, ("very_dark_1", "low_resolution_1", "overexposed_1", "nobody_2"))


def old() -> list[Block]:
    return [lot(0, [video(_DARK), video(_LOW)]), lot(1, [video(_OVER)])]


def new() -> list[Block]:
    """Has one shard as before, one changed, and one more."""
    return [
        lot(0, [video(_DARK), video(_LOW)], rejected=[key_of(_LOW)]),
        lot(1, [video(_OVER)]),
        lot(2, [video(_NOBODY)]),
    ]


def publish_and_die(dataset: Path, at: int, told: Any) -> None:
    """When it is not killed, because it changes less often, it tells how often."""
    changes = 0

    def counted(change: Callable[..., Any]) -> Callable[..., Any]:
        def dying(*given: Any, **named: Any) -> Any:
            nonlocal changes
            changes += 1
            if changes == at:
                os.kill(os.getpid(), signal.SIGKILL)
            return change(*given, **named)

        return dying

    for name in CHANGES:
        setattr(os, name, counted(getattr(os, name)))
    publish(dataset, new(), PIPELINE, FACTS)
    told.put(changes)
