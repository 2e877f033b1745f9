"""`--set identity.mean_similarity=0.45`: one number of a pipeline changed for one run, or who plays a role."""

import copy
from collections.abc import Sequence, Set
from typing import Any

import yaml

from actor18m.config.stage_class import imported
from actor18m.errors import WrongUsage, instead_of
from actor18m.policy.rules import BOUNDS
from actor18m.yaml_file import in_one_line, parse_yaml

SPLIT = "split"
_RELATIONS = ("duplicates", "identities")
_HOW = (
    "write --set stage.rule=value, stage.rule.bound=value, stage.parameter=value, stage.roles.role=backend, "
    "stage.run.name=value, or stage.rule=null to go without a rule"
)


def apply(pipeline: dict[str, Any], settings: Sequence[str], stages: Sequence[str]) -> dict[str, Any]:
    """A resolved pipeline as data, changed; `stages` are the names of its stages, in order."""
    changed = copy.deepcopy(pipeline)
    for setting in settings:
        path, equals, text = setting.partition("=")
        if not equals:
            raise WrongUsage(f"--set {setting}: has no value; {_HOW}")
        try:
            _set(changed, path.strip().split("."), _value(text), stages, is_blank=not text.strip())
        except _CannotSet as error:
            raise WrongUsage(f"--set {setting}: {error}") from error
    return changed


class _CannotSet(Exception):
    pass


def _set(pipeline: dict[str, Any], path: list[str], value: object, stages: Sequence[str], is_blank: bool) -> None:
    stage, *rest = path
    if stage not in stages and stage == SPLIT:
        return _set_split(pipeline[SPLIT], rest, value)
    if stage not in stages and stage in _RELATIONS and not rest:
        return _turn_off(pipeline, stage, value)
    if stage not in stages and stage in _RELATIONS:
        return _set_relation(pipeline[stage], stage, rest, value)
    if stage not in stages:
        raise _CannotSet(f"no stage {stage}; {instead_of(stage, [*stages, SPLIT, *_RELATIONS])}")
    rules = pipeline["policy"].get(stage, {})
    step = pipeline["stages"][stages.index(stage)]
    parameters = step["parameters"]
    bound_value = "" if is_blank else value  # a shell's variable that is not set turns no rule off
    match rest:
        case ["roles", role, *below] if "roles" not in rules and "roles" not in parameters:
            _set_role(step["roles"], stage, role, below, value, imported(step["stage"]).may_lack)
        case ["run", *name] if "run" not in rules and "run" not in parameters:
            _set_run(step["run"], stage, name, value)
        case ["rules", name, *bound] if "rules" not in rules:
            _set_bound(rules, name, bound, bound_value)
        case ["parameters", name] if "parameters" not in rules:
            _set_parameter(parameters, name, value)
        case ["parameters", name, key] if "parameters" not in rules and name in parameters:
            _set_within(parameters, stage, name, key, value)
        case [name] if name in rules and name in parameters:
            raise _CannotSet(
                f"{name} is a rule and a parameter of {stage}; write {stage}.rules.{name} or {stage}.parameters.{name}"
            )
        case [name] if name in parameters:
            _set_parameter(parameters, name, value)
        case [name, key] if name in parameters and name not in rules:
            _set_within(parameters, stage, name, key, value)
        case [name, *bound] if name in rules:
            _set_bound(rules, name, bound, bound_value)
        case [name, *_]:
            known = [*rules, *parameters, "run"]
            raise _CannotSet(f"{stage} has no rule or parameter {name}; {instead_of(name, known)}")
        case _:
            raise _CannotSet(f"names a stage only; {_HOW}")


def _set_split(split: dict[str, Any], path: list[str], value: object) -> None:
    """`split.mode`, `split.shots.max_s`, `split.shots.least_score` (a parameter of its stage),
    `split.shots.roles.shots`."""
    match path:
        case ["mode"]:
            split["mode"] = value
        case [mode, *_] if mode in split and split[mode] is None:
            raise _CannotSet(
                f"the pipeline has no section split.{mode}, which names the stage that looks for cuts: copy it from a "
                "shipped one, as `actor18m render embedded` shows it"
            )
        case [mode, "run", *name] if isinstance(split.get(mode), dict):
            _set_run(split[mode]["run"], f"split.{mode}", name, value)
        case [mode, "roles", role, *below] if isinstance(split.get(mode), dict):
            _set_role(split[mode]["roles"], f"split.{mode}", role, below, value)
        case [mode, name] if isinstance(split.get(mode), dict):
            section = split[mode]
            place = section["parameters"] if name in section["parameters"] else section
            if name not in place or isinstance(place[name], dict):
                numbers = [each for each, there in section.items() if not isinstance(there, dict)]
                raise _CannotSet(f"split.{mode} has no {name}; {instead_of(name, [*numbers, *section['parameters']])}")
            place[name] = value
        case _:
            raise _CannotSet("write --set split.mode=shots, or --set split.shots.min_score=0.1")


def _turn_off(pipeline: dict[str, Any], name: str, value: object) -> None:
    """`duplicates=null`: nothing of the kind is told."""
    if value is not None:
        names = ", ".join(f"{name}.{each}" for each in pipeline[name] or ())
        one_of_them = f"; to change a part of it, write {names}" if names else ""
        raise _CannotSet(f"{name} is a section; to turn it off, write {name}=null{one_of_them}")
    pipeline[name] = None


def _set_relation(relation: dict[str, Any] | None, name: str, path: list[str], value: object) -> None:
    """`duplicates.at_most`, `identities.within`."""
    if relation is None:
        raise _CannotSet(f"the pipeline has no {name}; copy the section from a shipped pipeline")
    if len(path) != 1 or path[0] not in relation:
        raise _CannotSet(f"{name} has no {'.'.join(path)}; {instead_of('.'.join(path), relation)}")
    relation[path[0]] = value


def _set_role(
    roles: dict[str, Any],
    stage: str,
    role: str,
    below: list[str],
    value: object,
    may_lack: Set[str] = frozenset(),
) -> None:
    """`identity.roles.faces=centerface`, with that one's own defaults; `identity.roles.faces.batch=4`;
    `faces.roles.heads=null`, of a role that may be left unplayed."""
    if role not in roles and below and role in may_lack:
        raise _CannotSet(f"nobody plays {role} of {stage}: say who, with {stage}.roles.{role}=backend")
    if role not in roles and role not in may_lack:
        raise _CannotSet(f"{stage} has no role {role}; {instead_of(role, [*roles, *may_lack])}")
    match below:
        case []:
            roles[role] = value
        case [name]:
            backend = roles[role] if isinstance(roles[role], dict) else {"backend": roles[role]}
            known = [each for each in backend if each != "backend"]
            if name not in known:
                cause = f"{backend['backend']} has no parameter {name}"
                raise _CannotSet(f"{cause}; {instead_of(name, known)}" if known else cause)
            backend[name] = value
        case _:
            raise _CannotSet(_HOW)


def _set_run(run: dict[str, Any], of: str, path: list[str], value: object) -> None:
    """`motion.run.workers`: how a stage is run."""
    name, *below = path or [""]
    if name not in run:
        raise _CannotSet(f"{of}.run has no {name or 'name'}; {instead_of(name, run)}")
    match below:
        case []:
            run[name] = value
        case [key] if isinstance(run[name], dict):  # run.budget.dollars: what it knows is checked with the rest
            run[name] = {**run[name], key: value}
        case _:
            raise _CannotSet(f"{of}.run.{name} has nothing below it; write {of}.run.{name}=VALUE")


def _set_parameter(parameters: dict[str, Any], name: str, value: object) -> None:
    if name not in parameters:
        raise _CannotSet(f"no parameter {name}; {instead_of(name, parameters)}")
    parameters[name] = value


def _set_within(parameters: dict[str, Any], stage: str, name: str, key: str, value: object) -> None:
    """`views.prompts.back`: one entry of a parameter that has entries by name; null takes it out."""
    there = parameters[name]
    if not isinstance(there, dict):
        raise _CannotSet(f"{stage}.{name} has no entries with names; write {stage}.{name}=VALUE, for all of it")
    parameters[name] = {each: of for each, of in there.items() if each != key}
    if value is not None:
        parameters[name][key] = value


def _set_bound(rules: dict[str, Any], name: str, bound: list[str], value: object) -> None:
    if name not in rules:
        raise _CannotSet(f"no rule {name}; {instead_of(name, rules)}")
    rule = rules[name]
    given = [each for each in BOUNDS if each in rule]
    match bound:
        case [] if value is None:  # as `null` in a file takes a rule out
            del rules[name]
        case []:
            if len(given) > 1:
                raise _CannotSet(f"rule {name} has {' and '.join(given)}; write {name}.{given[0]}, for one of them")
            rule[given[0]] = value
        case [each] if each in BOUNDS:
            rule[each] = value
        case [each, *_]:
            raise _CannotSet(f"no bound {each}; {instead_of(each, BOUNDS)}")


def _value(text: str) -> object:
    try:
        return parse_yaml(text)
    except yaml.YAMLError as error:
        raise _CannotSet(f"the value is not valid YAML: {in_one_line(error)}") from error
