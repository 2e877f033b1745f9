"""Which models a version was made with, and under which terms: a part of its README.md."""

from collections.abc import Iterable, Mapping

from actor18m.models.lock import Model, read_lock
from actor18m.models.terms import terms_of

MODEL = "model."
"""Begins the facts that name a backend and its digest, by stage and role: `model.identity.faces`."""
_MARKS = {"allowed": "", "choice": " (with duties)", "unclear": " (not settled)", "forbidden": " (not for money)"}
_SHORT = 12


def models_told(facts: Mapping[str, str]) -> Iterable[tuple[str, ...]]:
    """Of each model: its name, what it plays, the beginning of its digest, and the terms of code, weights and training
    data. The dataset's own licence is nobody's to guess; what it may be used for hangs on these, too."""
    plays = dict[tuple[str, str], list[str]]()
    for fact, told in facts.items():
        if fact.startswith(MODEL):
            name, _, digest = told.partition(" ")
            plays.setdefault((name, digest), []).append(fact.removeprefix(MODEL))
    models = read_lock().models
    for (name, digest), places in sorted(plays.items()):
        yield name, ", ".join(places), digest[:_SHORT], *_terms(models.get(name))


def _terms(model: Model | None) -> tuple[str, str, str]:
    if model is None:
        return "-", "-", "-"
    code, weights, training = (f"{term.licence or term.what}{_MARKS[term.commercial]}" for term in terms_of(model))
    return f"{model.code.library}: {code}", weights, training
