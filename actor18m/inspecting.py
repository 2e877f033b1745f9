"""One video through the stages, in this process and without a store: what a stage measures, and where it raises.

from actor18m.inspecting import inspect

rows = inspect("clip.mp4", until="motion")
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from actor18m.errors import ActorError
from actor18m.inputs import Input, canonical_uri
from actor18m.pipeline import Pipeline, load_pipeline
from actor18m.rows import OUTCOME
from actor18m.shipped import find_pipeline
from actor18m.stage import Clip, Failure, Row, Stage
from actor18m.step import Step

Values = Mapping[str, Any]


def inspect(video: str | Path, until: str, pipeline: str | Path | Pipeline = "embedded") -> dict[str, Values]:
    """By stage what it measured of the video: of this one and of those that it needs. No rule is asked, and nothing is
    kept. Raises what a stage raises, and ActorError where one says that the clip cannot be measured.
    """
    read = pipeline if isinstance(pipeline, Pipeline) else load_pipeline(find_pipeline(str(pipeline)))
    found: dict[str, Values] = {}
    for stage, outcome in measured(video, until, read):
        if isinstance(outcome, Failure):
            raise ActorError(f"stage {stage}: {outcome.kind}: {outcome.message}")
        found[stage] = outcome.values
    return found


def measured(video: str | Path, until: str, pipeline: Pipeline) -> Iterator[tuple[str, Row | Failure]]:
    """Stage after stage, as soon as each is done, to the last or to the first that fails."""
    given = Input(canonical_uri(video))
    key, rows = given.id, dict[str, Row]()
    for step in _needed(pipeline, until):
        stage = step.made()
        clip = Clip(
            key,
            given.uri,
            None,
            None,
            {
                needed.writes.name: {name: rows[needed.writes.name].values[name] for name in columns}
                for needed, columns in stage.needs.items()
            },
            {needed.writes.name: rows[needed.writes.name].images for needed in stage.needs_images},
        )
        outcome = _one(stage, clip)
        yield step.name, outcome
        if isinstance(outcome, Failure):
            return
        rows[step.name] = outcome
        if step is pipeline.stages[0]:
            key = str(outcome.values["clip"])


def _needed(pipeline: Pipeline, until: str) -> list[Step]:
    """The stage and all that it reads, directly or not, in the pipeline's order; and the first, which names clips."""
    wanted = {pipeline.step(until).stage_class, pipeline.stages[0].stage_class}
    for step in reversed(pipeline.stages):
        if step.stage_class in wanted:
            wanted.update(step.stage_class.needs)
    return [step for step in pipeline.stages if step.stage_class in wanted]


def _one(stage: Stage, clip: Clip) -> Row | Failure:
    """With the values as the ledger would keep them, in the types of the stage's columns."""
    outcomes = list(stage.measure([clip]))
    if len(outcomes) != 1 or outcomes[0].key != clip.key:
        raise ValueError(f"stage {stage.writes.name} gave {len(outcomes)} outcomes of one clip, or of another one")
    (outcome,) = outcomes
    (kept,) = stage.writes.table([outcome], {clip.key: ""}).to_pylist()
    if isinstance(outcome, Failure):
        return outcome
    values = {name: value for name, value in kept.items() if name not in OUTCOME.names}
    return Row(clip.key, values, outcome.images, outcome.restricted)
