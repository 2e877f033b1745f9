"""Whether a pipeline's models may be used as the user means to use what is made with them."""

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING

from actor18m.errors import ActorError
from actor18m.models.backends import WEIGHTLESS
from actor18m.models.lock import read_lock
from actor18m.models.terms import allowed_players, forbidding, terms_of

if TYPE_CHECKING:
    from actor18m.config.pipeline import Pipeline

_ASKS = ("openai-chat", "gemini-image")


class Licence(StrEnum):
    """What a dataset is to be used for."""

    any = "any"
    commercial = "commercial"


def check(pipeline: "Pipeline", wanted: Licence) -> list[str]:
    """What somebody has to decide about each model, in a sentence; ActorError where one may not be used so at all."""
    if wanted is Licence.any:
        return []
    if refused := list(_forbidden(pipeline)):
        raise ActorError(
            "\n".join(
                [
                    f"pipeline {pipeline.name} has models that may not be used for money (--licence commercial):",
                    *(f"  {line}" for line in refused),
                    "Put another backend into the pipeline, as the shipped pipeline commercial does.",
                ]
            )
        )
    return list(_to_decide(pipeline))


def _forbidden(pipeline: "Pipeline") -> Iterator[str]:
    """Each role whose backend some terms forbid, with those terms, and who else can play it."""
    models = read_lock().models
    for step in pipeline.steps:
        for role, backend in step.roles.items():
            for name in (backend.name, *backend.parameters.adapters):
                if why := forbidding(models[name]) if name in models else "":
                    others = [each for each in allowed_players(step.stage_class.roles[role]) if each != name]
                    instead = f"instead: {', '.join(others)}" if others else "nothing that ships can play it instead"
                    yield f"{step.name}.roles.{role}: {name} ({why}); {instead}"


def _to_decide(pipeline: "Pipeline") -> Iterator[str]:
    """What is not forbidden and not plainly allowed, each backend once."""
    models = read_lock().models
    backends = (backend for step in pipeline.steps for backend in step.roles.values())
    for name in dict.fromkeys(name for each in backends for name in (each.name, *each.parameters.adapters)):
        if name in models:
            terms = terms_of(models[name])
            if chosen := [str(term) for term in terms if term.commercial == "choice"]:
                yield f"{name}: {'; '.join(chosen)}: allowed, with duties (such as giving out source) that you choose"
            if unclear := [str(term) for term in terms if term.commercial == "unclear"]:
                yield f"{name}: {'; '.join(unclear)}: not settled whether this binds what is made; yours to decide"
        elif name in _ASKS:
            yield f"{name}: the terms are those of the model that you ask there"
        elif name not in WEIGHTLESS:
            yield f"{name}: a backend of your own, of whose terms the model lock tells nothing"
