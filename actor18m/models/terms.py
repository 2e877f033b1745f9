"""Whether a model may be used for money: by its code, by its weights, and by what these were trained on."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from actor18m.models.backends import players
from actor18m.models.lock import Commercial, Model, read_lock

_FORBIDS = re.compile(r"\bnc\b|non-?commercial|research only|research purposes|academic", re.IGNORECASE)
_COPYLEFT = re.compile(r"\b(a|l)?gpl", re.IGNORECASE)
_FREE = re.compile(
    r"^(apache-2|mit\b|bsd|bsl-1|isc\b|cc0|cc-by-[0-9]|unlicense|public domain|python-2|psf)", re.IGNORECASE
)
_WORST = ("forbidden", "unclear", "choice", "allowed")


@dataclass(frozen=True)
class Term:
    """Of one of the three."""

    of: Literal["code", "weights", "training data"]
    what: str
    """The library, or the data."""
    licence: str
    commercial: Commercial

    def __str__(self) -> str:
        return ": ".join(filter(None, (f"{self.of} {self.what}".strip(), self.licence)))


def of_licence(name: str) -> Commercial:
    """As far as the licence's name tells it."""
    if _FORBIDS.search(name):
        return "forbidden"
    if _COPYLEFT.search(name):
        return "choice"
    return "allowed" if _FREE.match(name) else "unclear"


def terms_of(model: Model) -> list[Term]:
    code, weights = model.code, model.weights
    found = [
        Term("code", code.library, code.licence, code.commercial or of_licence(code.licence)),
        Term("weights", "", weights.licence, weights.commercial or of_licence(weights.licence)),
    ]
    if weights.training is None:
        return [*found, Term("training data", "not told", "", "unclear")]
    return [*found, Term("training data", weights.training.data, "", weights.training.commercial)]


def strictest(model: Model) -> Commercial:
    """What binds most of the three."""
    return min((term.commercial for term in terms_of(model)), key=_WORST.index)


def forbidding(model: Model) -> str:
    """The terms that forbid to use it for money, in words; empty where none do."""
    return "; ".join(str(term) for term in terms_of(model) if term.commercial == "forbidden")


def allowed_players(role: type[object]) -> Iterator[str]:
    """Backends that ship, can play this role, and that no terms forbid to use for money."""
    lock = read_lock().models
    return (name for name in players(role) if name not in lock or strictest(lock[name]) != "forbidden")
