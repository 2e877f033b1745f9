"""What a pipeline that extends another one takes out with `null`: it must be there, and a subset takes along the stages
that it alone needs.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic_core import PydanticCustomError

from actor18m.config.stage_class import imported
from actor18m.errors import instead_of
from actor18m.stage import Stage

Content = Mapping[Any, Any]
"""Of a file, as it is written: any of it may be wrong."""


def taken_out_in_vain(base: Content | None, own: Content) -> Iterator[tuple[str, str]]:
    """Path and cause of each rule and each subset that the other pipeline does not have: a name is misspelt. Without
    another pipeline, of all that is to be taken out."""
    if base is None:
        yield from _of_nothing(own)
        return
    policy = _section(base, "policy")
    for stage, rules in _section(own, "policy").items():
        there = policy.get(stage)
        if not isinstance(there, Mapping):
            if rules is None or (isinstance(rules, Mapping) and None in rules.values()):
                cause = f"null takes out rules of the pipeline before, which has none of a stage {stage}"
                yield f"policy.{stage}", f"{cause}; {instead_of(str(stage), map(str, policy))}"
            continue
        for name, rule in rules.items() if isinstance(rules, Mapping) else ():
            if rule is None and name not in there:
                cause = f"null takes out a rule of the pipeline before, in which {stage} has no rule {name}"
                yield f"policy.{stage}.{name}", f"{cause}; {instead_of(str(name), map(str, there))}"
    subsets = _section(base, "subsets")
    for name, subset in _section(own, "subsets").items():
        if subset is None and name not in subsets:
            cause = f"null takes out a subset of the pipeline before, which has no subset {name}"
            yield f"subsets.{name}", f"{cause}; {instead_of(str(name), map(str, subsets))}"


def _of_nothing(own: Content) -> Iterator[tuple[str, str]]:
    cause = "null takes out what the pipeline before has, and this file extends none; leave it out, or say `extends`"
    for stage, rules in _section(own, "policy").items():
        if rules is None:
            yield f"policy.{stage}", cause
        for name, rule in rules.items() if isinstance(rules, Mapping) else ():
            if rule is None:
                yield f"policy.{stage}.{name}", cause
    for name, subset in _section(own, "subsets").items():
        if subset is None:
            yield f"subsets.{name}", cause


def without(content: Content, paths: Sequence[str]) -> dict[Any, Any]:
    """All but what these paths lead to."""
    left = copy.deepcopy(dict(content))
    for path in paths:
        *way, last = path.split(".")
        section = left
        for name in way:
            section = section[name]
        del section[last]
    return left


def without_stages_of(subsets: Mapping[str, Content], pipeline: dict[str, Any]) -> dict[str, Any]:
    """A pipeline from which these subsets were taken out, without the stages that nothing of it needs any more, and
    without their rules.
    """
    stages = _stages_by_name(pipeline.get("stages"))
    gone = {name for subset in subsets.values() for name in _named(subset)}
    gone &= stages.keys()
    gone -= {name for subset in _section(pipeline, "subsets").values() for name in _named(subset)}
    while needed := {name for name in gone if _is_needed(name, gone, stages)}:
        gone -= needed
    # whoever looked at their images alone has nothing to look at
    makers = [name for name, (stage, _) in stages.items() if stage.of == "requests"]
    gone |= {
        name for name, (stage, step) in stages.items() if stage.of == "images" and {*(_of(step) or makers)} <= gone
    }
    if not gone:
        return pipeline
    kept = [_without_of(step, gone) for name, (_, step) in stages.items() if name not in gone]
    policy = {stage: rules for stage, rules in _section(pipeline, "policy").items() if stage not in gone}
    publish = dict(_section(pipeline, "publish"))
    if isinstance(lots := publish.get("lots_per_shard"), Mapping):
        publish["lots_per_shard"] = {name: count for name, count in lots.items() if name not in subsets}
    changed = {"stages": kept, "policy": policy, "publish": publish}
    return pipeline | {name: content for name, content in changed.items() if name in pipeline}


def _is_needed(name: str, gone: set[str], stages: Mapping[str, tuple[type[Stage[Any]], Content]]) -> bool:
    """Whether a stage that stays reads its rows, or is given images for which it asks or that it makes."""
    stage, step = stages[name]
    asks = {stage.requests.source} if stage.requests is not None else set[str]()
    if stage.of == "requests":
        asked = [stages[each][0].requests for each in _of(step) if each in stages]
        asks = {requests.source for requests in asked if requests is not None}
    for other, (reader, _) in stages.items():
        if other not in gone and (stage in reader.needs or (reader.requests and asks & {*reader.requests.made_from})):
            return True
    return False


def _stages_by_name(steps: object) -> dict[str, tuple[type[Stage[Any]], Content]]:
    """Nothing where one of them is none: whoever checks the pipeline says what is wrong."""
    found = {}
    for step in steps if isinstance(steps, list) else ():
        try:
            stage = imported(step["stage"])
        except (PydanticCustomError, TypeError, KeyError, AttributeError):
            return {}
        found[stage.writes.name] = (stage, step)
    return found


def _without_of(step: Content, gone: set[str]) -> Content:
    return {**step, "of": [name for name in _of(step) if name not in gone]} if _of(step) else step


def _of(step: Content) -> list[str]:
    given = step.get("of")
    return [each for each in given if isinstance(each, str)] if isinstance(given, list) else []


def _named(subset: object) -> list[str]:
    """Stages of its own, and makers."""
    told = [subset.get(name) for name in ("stages", "references")] if isinstance(subset, Mapping) else []
    return [
        name for each in told for name in ([each] if isinstance(each, str) else each or ()) if isinstance(name, str)
    ]


def _section(content: Content, name: str) -> Content:
    found = content.get(name)
    return found if isinstance(found, Mapping) else {}
