"""A pipeline's file that extends another one: it says only what differs.

Mappings are merged, key by key, and a value takes the place of the other's. A rule replaces the rule of its name whole,
and is asked after those that stay. `null` takes out what the other has; of a subset, the stages that it alone needs,
too. Of `stages`, an entry with the other's import path changes that stage, and any other is a further stage: before the
next one in the list that the other has, so that a stage that is there can read it, or after all of them. One that says
`instead_of` with an import path takes that one's place, and whose requests or images it is given; nothing else of it.

Of a list of files the first one holds in full, and of each further one what it says itself: the rules of one pipeline
over the models of another, `extends: [cluster, paper]`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from actor18m.config.measured_pools import PREFLIGHT, check_fits, refuse_alone
from actor18m.config.shipped import find_pipeline
from actor18m.config.taken_out import taken_out_in_vain, without, without_stages_of
from actor18m.errors import ActorError, instead_of
from actor18m.yaml_file import explained, read_yaml

EXTENDS = "extends"
_DEEPEST = 8
_ROLES = ("stages", "roles")
_INSTEAD_OF = "instead_of"
_OF_PLACE = ("of", "candidates")
"""What a stage keeps of the one whose place it takes."""


def read_extended(path: Path) -> tuple[object, list[tuple[str, str]]]:
    """The file's content, with that of the one that it extends, if it does; and path and cause of what it takes out in
    vain, which the content is without: whoever mends the file wants to hear of everything at once."""
    return _read(path, ())


def _read(path: Path, below: tuple[Path, ...]) -> tuple[object, list[tuple[str, str]]]:
    given = read_yaml(path)
    if not isinstance(given, Mapping):
        return given, []
    if EXTENDS not in given:
        refuse_alone(path, given)
        problems = list(taken_out_in_vain(None, given))
        return without(given, [place for place, _ in problems]), problems
    names = given[EXTENDS] if isinstance(given[EXTENDS], list) else [given[EXTENDS]]
    if not names or not all(isinstance(name, str) for name in names):
        raise ActorError(
            f"{path}: {EXTENDS}: must be a shipped pipeline's name or a file, or a list of such, not {given[EXTENDS]!r}"
        )
    way = (*below, path.resolve())
    first, *further = (_other(path, name, way) for name in names)
    before, of_before = _read(first, way)
    if of_before:
        raise explained(str(first), of_before)
    merged = _mapping(path, first, before)
    for other in further:
        content = _mapping(path, other, read_yaml(other))
        check_fits(other, content, first, merged)
        merged = _extended(merged, _own(content))
    own = _own(given)
    problems = list(taken_out_in_vain(merged, own))
    return _extended(merged, without(own, [place for place, _ in problems])), problems


def _extended(base: Mapping[Any, Any], own: Mapping[Any, Any]) -> dict[Any, Any]:
    merged = _merged(base, own, ())
    before, now = (content.get("subsets") for content in (base, own))
    if not isinstance(before, Mapping) or not isinstance(now, Mapping):
        return merged
    gone = {name: subset for name, subset in before.items() if name in now and now[name] is None}
    return without_stages_of(gone, merged) if gone else merged


def _other(path: Path, name: str, way: tuple[Path, ...]) -> Path:
    """The file that it extends: one beside it, or a shipped one."""
    beside = path.parent / name
    try:
        other = beside if beside.is_file() else find_pipeline(name)
    except ActorError as error:
        raise ActorError(f"{path}: {EXTENDS}: {error}") from error
    if other.resolve() in way or len(way) > _DEEPEST:
        raise ActorError(f"{path}: {EXTENDS}: {' extends '.join(each.name for each in (*way, other))}, without end")
    return other


def _mapping(path: Path, other: Path, content: object) -> Mapping[Any, Any]:
    if not isinstance(content, Mapping):
        raise ActorError(f"{path}: {EXTENDS}: {other} is no pipeline")
    return content


def _own(given: Mapping[Any, Any]) -> dict[Any, Any]:
    return {key: value for key, value in given.items() if key not in (EXTENDS, PREFLIGHT)}


def _merged(base: Mapping[Any, Any], own: Mapping[Any, Any], place: tuple[str, ...]) -> dict[Any, Any]:
    if _is_rule(place):
        # rules are asked in their order: those of the other file that stay, then one's own
        return {key: rule for key, rule in base.items() if key not in own} | {
            k: v for k, v in own.items() if v is not None
        }
    merged = dict(base)
    for key, value in own.items():
        there = merged.get(key)
        if value is None and key in merged:
            del merged[key]
        elif key == "stages" and not place and isinstance(there, list) and isinstance(value, list):
            merged[key] = _stages(there, value)
        elif place == _ROLES:
            merged[key] = _backend(there, value)
        elif isinstance(there, Mapping) and isinstance(value, Mapping):
            merged[key] = _merged(there, value, (*place, str(key)))
        else:
            merged[key] = value
    return merged


def _backend(there: object, own: object) -> object:
    """What the other file says of a backend holds for that one only; who says no `backend` means the other's."""
    before = {"backend": there} if isinstance(there, str) else there
    if not isinstance(own, Mapping) or not isinstance(before, Mapping):
        return own
    is_same = own.get("backend", before.get("backend")) == before.get("backend")
    return {**before, **own} if is_same else own


def _is_rule(place: tuple[str, ...]) -> bool:
    """Whether what stands here by name are a stage's rules: half of one rule and half of another are none."""
    return len(place) == 2 and place[0] == "policy"


def _stages(base: list[Any], own: list[Any]) -> list[Any]:
    """Whatever is no stage is left for whoever checks the pipeline."""
    merged = list(base)
    further: list[Any] = []
    for step in own:
        paths = [_path(each) for each in merged]
        number = _place_of(step, paths)
        if number is None:
            further.append(step)
        else:
            there = merged[number] if _path(step) in paths else _as_taken(merged[number])
            merged[number : number + 1] = [*further, _merged(there, _without_place(step), ("stages",))]
            further = []
    return [*merged, *further]


def _place_of(step: Any, paths: list[object]) -> int | None:
    """Where the stage is that it changes, or whose place it takes."""
    path = _path(step)
    if path in paths and path is not None:
        return paths.index(path)
    other = step.get(_INSTEAD_OF) if isinstance(step, Mapping) else None
    if other is None:
        return None
    if other not in paths:
        there = instead_of(str(other), [each for each in paths if isinstance(each, str)])
        raise ActorError(f"{path} is to come instead of {other}, which is no stage of the pipeline before; {there}")
    return paths.index(other)


def _as_taken(step: Mapping[Any, Any]) -> dict[Any, Any]:
    return {key: value for key, value in step.items() if key in _OF_PLACE}


def _without_place(step: Mapping[Any, Any]) -> dict[Any, Any]:
    return {key: value for key, value in step.items() if key != _INSTEAD_OF}


def _path(step: Any) -> object:
    """A stage's import path."""
    return step.get("stage") if isinstance(step, Mapping) else None
