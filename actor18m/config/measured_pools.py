"""What `actor18m preflight` wrote of how a pipeline's stages should run, where a file extends the pipeline and that. It
holds for the stages and models that were measured; of others it would say nothing that is true.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from actor18m.config.shipped import folder
from actor18m.errors import ActorError

PREFLIGHT = "preflight"
"""The section by which such a file is known: `pipeline`, as it was named, and by stage and role the `models`."""


def check_fits(pools: Path, content: Mapping[Any, Any], pipeline: Path, before: Mapping[Any, Any]) -> None:
    """`before`: what the files before it in the list come to. An error names all that is of another pipeline."""
    measured = content.get(PREFLIGHT)
    if not isinstance(measured, Mapping):
        return
    name = pipeline.stem if pipeline.resolve().parent == folder().resolve() else str(pipeline)
    steps: dict[object, Mapping[Any, Any]]
    steps = {step.get("stage"): step for step in before.get("stages") or () if isinstance(step, Mapping)}
    models = measured.get("models")
    told = [step.get("stage") for step in content.get("stages") or () if isinstance(step, Mapping)]
    problems = [f"{stage}: {name} has no such stage" for stage in told if stage not in steps]
    for stage, roles in models.items() if isinstance(models, Mapping) else ():
        there = steps.get(stage, dict[str, Any]()).get("roles")
        if not isinstance(roles, Mapping) or not isinstance(there, Mapping):
            continue
        for role, model in roles.items():
            given = there.get(role)
            now = given.get("backend") if isinstance(given, Mapping) else given
            if now is not None and now != model:
                problems.append(f"{stage}: was measured with {model} as {role}, and {name} has {now}")
    if problems:
        listed = "".join(f"\n  {problem}" for problem in problems)
        raise ActorError(
            f"{pools}: was measured of the pipeline {measured.get('pipeline')}, and does not fit {name}:{listed}\n"
            f"Measure this one, `actor18m preflight {name} --write {pools.name}`, or take these stages out of {pools}."
        )


def refuse_alone(path: Path, content: object) -> None:
    """It is no pipeline, until it says itself what it extends."""
    if isinstance(content, Mapping) and isinstance(measured := content.get(PREFLIGHT), Mapping):
        other = measured.get("pipeline")
        raise ActorError(
            f"{path}: says how the stages of {other} should run, and is no pipeline by itself: write a file with "
            f"`extends: [{other}, {path.name}]`, and build with that"
        )
