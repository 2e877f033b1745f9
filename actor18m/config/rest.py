"""What is well of a pipeline's file beside what is wrong: whoever mends a file wants to hear of everything at once."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import PydanticCustomError

from actor18m.config.stage_class import imported
from actor18m.config.stage_config import Step

_SAID = {"name": "unnamed", "profile": "unnamed"}
"""In the place of what is lacking or wrong and must be there."""
_WHOLE = {"policy": 3, "subsets": 2}
"""How far down a path leads to what can be left out: half of a rule is none. Other sections are left out."""


def rest_of(
    given: Mapping[Any, Any], problems: Sequence[tuple[str, str]], known: Sequence[str]
) -> tuple[dict[str, Any], list[str], bool] | None:
    """The pipeline without what the problems are of, and paths of which nothing more can be told; and whether it lacks
    a stage, which could not be imported. None where nothing can be said of the rest.
    """
    rest = {key: value for key, value in copy.deepcopy(dict(given)).items() if key in known}
    stages = rest.get("stages")
    if not isinstance(stages, list):
        return None
    gone: list[str] = []
    lacking: set[int] = set()
    for path in [path for path, _ in problems if path]:
        section, *below = path.split(".")
        if section in _SAID:
            rest[section] = _SAID[section]
        elif section != "stages":
            _leave_out(rest, [section, *below][: _WHOLE.get(section, 1)])
        elif not below:
            return None
        elif (step := _bare(stages[int(below[0])])) is None:
            lacking.add(int(below[0]))
        else:
            stages[int(below[0])] = step
            gone.append(f"stages.{below[0]}")
    rest["stages"] = [step for number, step in enumerate(stages) if number not in lacking]
    return rest, gone, bool(lacking)


def _bare(step: object) -> Step | None:
    """A stage of this name, with nothing that could be wrong."""
    if isinstance(step, Step):
        return step
    try:
        stage = imported(str(step["stage"]))  # type: ignore[index]
    except (PydanticCustomError, KeyError, TypeError):
        return None
    of = step.get("of") if isinstance(step, Mapping) else None
    told = tuple(each for each in of if isinstance(each, str)) if isinstance(of, list) else ()
    return Step.model_construct(stage=step["stage"], parameters=stage.parameters, of=told)  # type: ignore[index]


def _leave_out(section: Any, path: Sequence[str]) -> None:
    for name in path[:-1]:
        section = section.get(name) if isinstance(section, dict) else None
    if isinstance(section, dict):
        section.pop(path[-1], None)
