"""Which stages ask for the images that a maker makes, and whose images a stage looks at."""

import itertools
from collections.abc import Sequence

from actor18m.config.stage_config import Step


def served_by(steps: Sequence[Step], step: Step) -> tuple[str, ...]:
    """Of a maker the stages whose requests it serves, of a stage of images the makers whose images it looks at: those
    that it names, or all before it.
    """
    kind = step.stage_class.of
    if kind == "clips" or step.of:
        return step.of
    before = itertools.takewhile(lambda each: each.name != step.name, steps)
    return tuple(each.name for each in before if asks_or_makes(each, kind))


def asks_or_makes(step: Step, kind: str) -> bool:
    return step.stage_class.requests is not None if kind == "requests" else step.stage_class.of == "requests"
