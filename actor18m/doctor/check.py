"""What one look at the machine found."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from actor18m.errors import ActorError
from actor18m.redact import redact

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Check:
    name: str
    state: State
    found: str
    fix: str = ""
    """What to do; empty when all is well, or when what was found says it."""


Look = Callable[[], Iterable[Check]]


def carried_out(name: str, look: Look) -> list[Check]:
    """What it found. A look that fails is a finding too: the others still tell theirs."""
    try:
        found = list(look())
    except ActorError as error:
        found = [Check(name, "fail", str(error))]
    except Exception as error:
        # Drivers of object stores and broken native libraries raise anything.
        found = [Check(name, "fail", f"{type(error).__name__}: {error}", f"make {name} work, then look again")]
    return [replace(check, found=redact(check.found)) for check in found]


def spelt_size(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"
