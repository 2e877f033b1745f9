"""One video through the stages, in this process and without a store: what a stage measures, and where it raises.

from actor18m import inspect

rows = inspect("clip.mp4", until="motion")
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from actor18m.config.pipeline import Pipeline, load_pipeline
from actor18m.config.serving import served_by
from actor18m.config.shipped import find_pipeline
from actor18m.config.stage_config import Step
from actor18m.errors import ActorError
from actor18m.inputs import Input, canonical_uri
from actor18m.keys import reference_key
from actor18m.ledger.rows import OUTCOME
from actor18m.models.shared import Shared
from actor18m.requests import SOURCE
from actor18m.stage import Clip, Failure, Image, Requests, Row, Stage

Values = Mapping[str, Any]


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
    so_far = _SoFar(given.uri, given.id)
    with closing(Shared()) as shared:
        for step in _needed(pipeline, until):
            stage = step.made(shared)
            if step.stage_class.of == "clips":
                outcomes = _outcomes(stage, [so_far.clip(stage)])
            else:
                images = so_far.images(stage, served_by(pipeline.stages, step))
                outcomes = _outcomes(stage, images) if images else []
            yield step, outcomes
            rows = [outcome for outcome in outcomes if isinstance(outcome, Row)]
            if outcomes and not rows:
                return
            so_far.rows[step.name] = {row.key: row for row in rows}
            so_far.makers.extend([step.name] if step.stage_class.of == "requests" else [])
            if stage.requests is not None:
                so_far.asked[step.name] = _requests(stage.requests, rows[0])
            if step is pipeline.stages[0]:
                so_far.key = str(rows[0].values["clip"])
                so_far.rows[step.name] = {so_far.key: rows[0]}


@dataclass
class _SoFar:
    """What was measured of the one clip and of its images."""

    uri: str
    key: str
    rows: dict[str, dict[str, Row]] = field(default_factory=dict)
    """stage -> key of the clip or image -> row."""
    asked: dict[str, list[Values]] = field(default_factory=dict)
    """stage -> its requests."""
    makers: list[str] = field(default_factory=list)

    def clip(self, stage: Stage[Any]) -> Clip:
        return Clip(self.key, self.uri, upstream=self._upstream(stage, self.key, "clips"))

    def images(self, stage: Stage[Any], of: Sequence[str]) -> list[Image]:
        """All that a stage of requests or of images is given."""
        makes = stage.of == "requests"
        requests = {
            reference_key(self.key, each["name"]): each
            for name, asked in self.asked.items()
            if name in of or not makes
            for each in asked
        }
        keys = list(requests) if makes else [key for name in of for key in self.rows.get(name, {})]
        return [
            Image(
                key,
                self.clip(stage),
                requests[key] if makes or stage.reads_request else {},
                self._upstream(stage, key, "images"),
                {} if makes else self._files(key),
                self._source(requests[key]) if makes or stage.reads_source_image else {},
            )
            for key in keys
            if all(key in self.rows[name] for name in self._about(stage, "images"))
        ]

    def _upstream(self, stage: Stage[Any], key: str, kind: str) -> dict[str, Values]:
        needed = self._about(stage, kind)
        return {name: {each: self.rows[name][key].values[each] for each in needed[name]} for name in needed}

    @staticmethod
    def _about(stage: Stage[Any], kind: str) -> dict[str, Sequence[str]]:
        return {needed.writes.name: columns for needed, columns in stage.needs.items() if needed.of == kind}

    def _source(self, request: Values) -> Mapping[str, bytes]:
        name = request.get(SOURCE)
        return self._files(reference_key(self.key, name)) if name else {}

    def _files(self, key: str) -> Mapping[str, bytes]:
        return next((self.rows[name][key].images for name in self.makers if key in self.rows[name]), {})


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


def _requests(requests: Requests, row: Row) -> list[Values]:
    found = row.values[requests.column]
    return list(found) if isinstance(found, list) else []


def _outcomes(stage: Stage[Any], units: Sequence[Clip | Image]) -> list[Row | Failure]:
    """One by one, with the values as the ledger would keep them, in the types of the stage's columns."""
    return [_one(stage, unit) for unit in units]


def _one(stage: Stage[Any], unit: Clip | Image) -> Row | Failure:
    outcomes = list(stage.measure([unit]))
    if len(outcomes) != 1 or outcomes[0].key != unit.key:
        raise ValueError(f"stage {stage.writes.name} gave {len(outcomes)} outcomes of {unit.key}, or of another one")
    (outcome,) = outcomes
    stage.check(outcome)
    (kept,) = stage.writes.table([outcome], {unit.key: ""}).to_pylist()
    if isinstance(outcome, Failure):
        return outcome
    values = {name: value for name, value in kept.items() if name not in OUTCOME.names}
    return Row(unit.key, values, outcome.images, outcome.restricted)
