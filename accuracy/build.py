"""Measures a set through the engine, into a store that is kept: a second run measures only what has changed."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from accuracy.sets import Filmed
from actor18m.building import measuring
from actor18m.config.loading import load
from actor18m.config.pipeline import Pipeline
from actor18m.config.shipped import find_pipeline
from actor18m.errors import ActorError
from actor18m.execute.crews import Crew
from actor18m.inputs import Input
from actor18m.models.lock import read_lock
from actor18m.models.weights import pull
from actor18m.storage.file_versions import versions
from actor18m.storage.lease import hold
from actor18m.storage.store import make_store
from actor18m.survey.project import Project
from actor18m.survey.runs import told
from actor18m.terminal.progress import progress

DEFAULT, PAPER = "embedded", "paper"
POLICIES = (DEFAULT, PAPER)


def pipelines() -> dict[str, Pipeline]:
    """By name of their policy. They measure alike, so that one store serves both. Weights that are not here are
    fetched.
    """
    loaded = {name: load(find_pipeline(name), None) for name in POLICIES}
    default, paper = (loaded[name] for name in POLICIES)
    for ours, theirs in zip(default.stages, paper.stages, strict=False):
        if (ours.stage, ours.parameters, ours.roles) != (theirs.stage, theirs.parameters, theirs.roles):
            raise ActorError(
                f"pipelines {DEFAULT} and {PAPER} measure {theirs.name} otherwise, and cannot share a store: give it "
                "the same parameters and backends in both."
            )
    backends = {backend.name for step in default.stages for backend in step.roles.values()}
    pull(sorted(backends & read_lock().models.keys()), say=lambda text: print(text, file=sys.stderr))
    return loaded


def without_gates(pipeline: Pipeline) -> Pipeline:
    """Every stage measures every clip that is readable and of use, so that each can be judged by itself."""
    first = pipeline.stage_names[0]
    return pipeline.model_copy(update={"policy": {first: pipeline.rules(first)}})


def inputs_now(inputs: Sequence[Input]) -> list[Input]:
    """As their files are now: what is registered without a version counts as a file that is not there."""
    seen = versions([each.uri for each in inputs])
    return [replace(each, version=version) for each, version in zip(inputs, seen, strict=True)]


def measure(store: Path, clips: Sequence[Filmed], by: Sequence[Pipeline], crew: Crew, until: str | None = None) -> None:
    """All that these pipelines need of the clips. Those that repeat another one are registered after it."""
    firsts = inputs_now([Input(clip.uri) for clip in clips if clip.repeats is None])
    every = inputs_now([Input(clip.uri) for clip in clips])
    for pipeline in by:
        with hold(make_store(store)) as lease:
            project = Project(pipeline, lease.store, until=until)
            with told(project.links, lease, {"pipeline": pipeline.name, "policy": pipeline.policy}) as account:
                measuring.register(project, lease, firsts)
                account["registration"] = measuring.register(project, lease, every, sync=True)
                with progress([link.name for link in project.links], sys.stderr) as watcher:
                    account["tally"] = measuring.measure(project, lease, crew.hire, watcher)
                measuring.settle_down(project, lease)
