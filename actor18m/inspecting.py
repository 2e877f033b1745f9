"""One video through the stages, in this process and without a store: what a stage measures, and where it raises.

from actor18m import inspect

rows = inspect("clip.mp4", until="motion")
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from actor18m.config.pipeline import Pipeline, load_pipeline
from actor18m.config.serving import served_by
from actor18m.config.shipped import find_pipeline
from actor18m.config.stage_config import Step
from actor18m.errors import ActorError
from actor18m.inputs import Input, canonical_uri
from actor18m.models.shared import Shared
from actor18m.so_far import SoFar, Values, as_kept
from actor18m.stage import Clip, Failure, Image, Requests, Row, Stage


def inspect(video: str | Path, until: str, pipeline: str | Path | Pipeline = "embedded") -> dict[str, Values]:
    """By stage what it measured of the video: of this one and of those that it needs; of a stage of images by the
    image's name. No rule is asked, and nothing is kept. Raises what a stage raises, and ActorError where one says that
    the clip or an image cannot be measured.
    """
    read = pipeline if isinstance(pipeline, Pipeline) else load_pipeline(find_pipeline(str(pipeline)))
    found: dict[str, Values] = {}
    for step, outcomes in measured(video, until, read):
        for outcome in outcomes:
            if isinstance(outcome, Failure):
                image = outcome.key.partition("-")[2]
                where = f"stage {step.name}" + (f", image {image}" if image else "")
                raise ActorError(f"{where}: {outcome.kind}: {outcome.message}")
        rows = {outcome.key: outcome.values for outcome in outcomes if isinstance(outcome, Row)}
        is_of_clips = step.stage_class.of == "clips"
        found[step.name] = (
            next(iter(rows.values())) if is_of_clips else {key.partition("-")[2]: row for key, row in rows.items()}
        )
    return found


def measured(video: str | Path, until: str, pipeline: Pipeline) -> Iterator[tuple[Step, Sequence[Row | Failure]]]:
    """Stage after stage, as soon as each is done, to the last or to the first that fails for the clip or all images."""
    given = Input(canonical_uri(video))
    so_far = SoFar(given.uri, given.id)
    with closing(Shared()) as shared:
        for step in _needed(pipeline, until):
            stage = step.made(shared)
            outcomes = [_one(stage, unit) for unit in so_far.units(type(stage), served_by(pipeline.stages, step))]
            yield step, outcomes
            rows = [outcome for outcome in outcomes if isinstance(outcome, Row)]
            if outcomes and not rows:
                return
            so_far.add(type(stage), rows, is_first=step is pipeline.stages[0])


def _needed(pipeline: Pipeline, until: str) -> list[Step]:
    """The stage and all that it reads, directly or not, in the pipeline's order; and the first, which names clips."""
    wanted = {until, pipeline.stages[0].name}
    pipeline.step(until)  # there is one, or an error names those that are
    for step in reversed(pipeline.stages):
        if step.name in wanted:
            wanted.update(needed.writes.name for needed in step.stage_class.needs)
            wanted.update(served_by(pipeline.stages, step))
            wanted.update(_makers_of_sources(pipeline, step))
    return [step for step in pipeline.stages if step.name in wanted]


def _makers_of_sources(pipeline: Pipeline, step: Step) -> Iterator[str]:
    """Of the images from which those that the stage makes, or looks at, are made."""
    askers = served_by(pipeline.stages, step)
    if step.stage_class.of == "images":
        makers = (pipeline.step(name) for name in (askers if step.stage_class.reads_source_image else ()))
        askers = tuple(name for maker in makers for name in served_by(pipeline.stages, maker))
    wanted = {word for name in askers if (asked := _asked_by(pipeline, name)) for word in asked.made_from}
    for maker in pipeline.stages:
        if maker.stage_class.of == "requests" and any(
            (asked := _asked_by(pipeline, name)) and asked.source in wanted
            for name in served_by(pipeline.stages, maker)
        ):
            yield maker.name


def _asked_by(pipeline: Pipeline, name: str) -> Requests | None:
    return pipeline.step(name).stage_class.requests


def _one(stage: Stage[Any], unit: Clip | Image) -> Row | Failure:
    outcomes = list(stage.measure([unit]))
    if len(outcomes) != 1:
        raise ValueError(f"stage {stage.writes.name} gave {len(outcomes)} outcomes of {unit.key}")
    return as_kept(stage, outcomes[0], unit.key)
