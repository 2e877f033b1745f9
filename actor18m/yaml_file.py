"""YAML files as frozen objects, with errors that name the file, the place in it, the cause and the way out."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from actor18m.errors import ActorError, instead_of


class Section(BaseModel):
    """A part of a file. Keys that it does not know are refused, and answered with the nearest one that it does."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _knows_every_key(cls, given: object) -> object:
        if isinstance(given, Mapping):
            for key in given:
                if key not in cls.model_fields:
                    raise trouble(f"unknown key {key}; {instead_of(str(key), cls.model_fields)}")
        return given


def trouble(message: str) -> PydanticCustomError:
    """What a validator raises: its words reach the reader as they are."""
    return troubles([("", message)])


def troubles(problems: Sequence[tuple[str, str]]) -> PydanticCustomError:
    """Several at once: (path below the value that is validated, cause)."""
    message = "; ".join(f"{path}: {cause}" if path else cause for path, cause in problems)
    return PydanticCustomError("actor18m", "{message}", {"message": message, "problems": list(problems)})


def read_yaml(path: Path, *, as_text: bool = False) -> object:
    """The file's content. A key given twice is refused; `as_text` leaves every scalar a string."""
    try:
        return parse_yaml(path.read_text(encoding="utf-8"), as_text=as_text)
    except OSError as error:
        raise ActorError(f"{path}: cannot be read ({error.strerror}). Check the name and the permissions.") from error
    except UnicodeDecodeError as error:
        raise ActorError(f"{path}: is not UTF-8 text (byte {error.start}). Is it a YAML file?") from error
    except yaml.YAMLError as error:
        raise ActorError(f"{path}: is not valid YAML: {in_one_line(error)}") from error


def parse_yaml(text: str, *, as_text: bool = False) -> object:
    return yaml.load(text, Loader=_StrictText if as_text else _Strict)


def in_one_line(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        mark = error.problem_mark
        return f"{error.problem} (line {mark.line + 1}, column {mark.column + 1})"
    return " ".join(str(error).split())


def explained(where: str, problems: Iterable[tuple[str, str]]) -> ActorError:
    """One line for each problem: where it is, its path inside, what is wrong and what to do."""
    return ActorError("\n".join(f"{where}: {f'{path}: ' if path else ''}{cause}" for path, cause in problems))


def problems_of(error: ValidationError) -> list[tuple[str, str]]:
    """(path, cause) of all that pydantic found."""
    found = []
    for each in error.errors(include_url=False):
        path = tuple(map(str, each["loc"]))
        shown = "" if each["type"] == "missing" or isinstance(each["input"], dict) else f", not {each['input']!r}"
        below = each["ctx"]["problems"] if each["type"] == "actor18m" else [("", each["msg"] + shown)]
        found += [(".".join((*path, inner) if inner else path), cause) for inner, cause in below]
    return found


class _NoTwins:
    """YAML lets a later key silently replace an earlier one of the same name: two rules would be one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)  # type: ignore[attr-defined]
            if isinstance(key, Hashable) and key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key} stands twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)  # type: ignore[misc,no-any-return]


class _Strict(_NoTwins, yaml.SafeLoader):
    pass


class _StrictText(_NoTwins, yaml.BaseLoader):
    pass
