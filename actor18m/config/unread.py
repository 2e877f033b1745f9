"""Parameters that are set, and that nobody in the pipeline makes use of."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from actor18m.config.serving import served_by

if TYPE_CHECKING:
    from actor18m.config.pipeline import Pipeline


def unread(pipeline: "Pipeline") -> Iterator[str]:
    """In a sentence each, what is set in vain: it changes what is asked for, and no image."""
    for step in pipeline.stages:
        requests, plain = step.stage_class.requests, step.stage_class.parameters
        for field, names in requests.told_by.items() if requests is not None else ():
            makers = [each for each in pipeline.stages if step.name in served_by(pipeline.stages, each)]
            if not all(field in maker.stage_class.leaves_aside for maker in makers):
                continue
            for name in names:
                if getattr(step.parameters, name) != getattr(plain, name):
                    by = " and ".join(maker.name for maker in makers) or "no maker"
                    yield (
                        f"{step.name}.{name} has no effect on any image: it is told to makers as `{field}`, of which "
                        f"{by} makes no use. Leave it out, or take a maker that reads it."
                    )
