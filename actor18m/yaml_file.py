"""YAML files as frozen objects, with errors that name the file, the place in it, the cause and the way out."""

import re
import reprlib
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from actor18m.errors import ActorError, instead_of

LACKING = "is lacking and must be said"
_LONGEST = 4 << 20
_DEEPEST = 100
_MOST_VALUES = 200_000
_MOST_DIGITS = 100
_brief = reprlib.Repr()
"""Of a value that is wrong: enough of it to be found."""
_brief.maxstring = _brief.maxother = 120


class Section(BaseModel):
    """A part of a file. Keys that it does not know are refused, and answered with the nearest one that it does."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="wrap")
    @classmethod
    def _knows_every_key(cls, given: Any, read: ModelWrapValidatorHandler[Self]) -> Self:
        """What else is wrong is told with them."""
        unknown = [key for key in given if key not in cls.model_fields] if isinstance(given, Mapping) else []
        if not unknown:
            return read(given)
        found = [("", f"unknown key {key}; {instead_of(str(key), cls.model_fields)}") for key in unknown]
        try:
            read({key: value for key, value in given.items() if key not in unknown})
        except ValidationError as error:
            found += [problem for problem in problems_of(error) if problem[1] != LACKING]  # it may be misspelt
        raise troubles(found)


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
    """Raises yaml.YAMLError for whatever is wrong with it, also where it would take the memory or the day."""
    if len(text) > _LONGEST:
        raise yaml.YAMLError(f"it is longer than {_LONGEST:,} characters")
    loader = (_StrictText if as_text else _Strict)(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _check_size(node)
        return loader.construct_document(node)
    except RecursionError as error:
        raise yaml.YAMLError(f"it is nested more than {_DEEPEST} deep") from error
    except ValueError as error:  # a date that is none, for example
        raise yaml.YAMLError(str(error)) from error
    finally:
        loader.dispose()


def as_yaml(content: object) -> str:
    """What parse_yaml() reads as the same."""
    return str(yaml.dump(content, Dumper=_Dumper, sort_keys=False, width=120))


def _check_size(root: yaml.Node) -> None:
    """With every alias written out: a few lines of them can stand for billions of values."""
    sizes: dict[int, int] = {}
    above: set[int] = set()

    def size(node: yaml.Node, depth: int) -> int:
        if depth > _DEEPEST:
            raise yaml.YAMLError(f"it is nested more than {_DEEPEST} deep")
        if id(node) in above:
            raise yaml.composer.ComposerError(None, None, "an alias stands inside of what it names", node.start_mark)
        if id(node) not in sizes:
            above.add(id(node))
            inner = node.value if isinstance(node, yaml.CollectionNode) else ()
            parts = [part for each in inner for part in (each if isinstance(each, tuple) else (each,))]
            sizes[id(node)] = 1 + sum(size(part, depth + 1) for part in parts)
            above.discard(id(node))
        if sizes[id(node)] > _MOST_VALUES:
            raise yaml.YAMLError(f"with its aliases written out it has more than {_MOST_VALUES:,} values")
        return sizes[id(node)]

    size(root, 0)


def in_one_line(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        mark = error.problem_mark
        return f"{error.problem} (line {mark.line + 1}, column {mark.column + 1})"
    return " ".join(str(error).split())


def explained(where: str, problems: Iterable[tuple[str, str]]) -> ActorError:
    """One line for each problem: where it is, its path inside, what is wrong and what to do."""
    return ActorError("\n".join(f"{where}: {f'{path}: ' if path else ''}{cause}" for path, cause in problems))


_A_MAPPING = "must be a mapping, as `name: value`"
_KINDS = {"missing": LACKING, "dict_type": _A_MAPPING, "mapping_type": _A_MAPPING}
"""In place of pydantic's words."""
_OWN = "Value error, "
"""What pydantic puts before the words of a stage's own validator."""


def problems_of(error: ValidationError) -> list[tuple[str, str]]:
    """(path, cause) of all that pydantic found."""
    found = []
    for each in error.errors(include_url=False):
        path = tuple(map(str, each["loc"]))
        shown = (
            ""
            if each["type"] == "missing" or isinstance(each["input"], dict)
            else f", not {_brief.repr(each['input'])}"
        )
        said = _KINDS.get(each["type"], each["msg"].removeprefix(_OWN)) + shown
        below = each["ctx"]["problems"] if each["type"] == "actor18m" else [("", said)]
        found += [(".".join((*path, inner) if inner else path), cause) for inner, cause in below]
    return found


class _NoTwins:
    """YAML lets a later key silently replace an earlier one of the same name: two rules would be one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                cause = "a list or a mapping cannot be a key"
                raise yaml.constructor.ConstructorError(None, None, cause, key_node.start_mark)
            key = self.construct_object(key_node, deep=True)  # type: ignore[attr-defined]
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key} stands twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)  # type: ignore[misc,no-any-return]


class _Strict(_NoTwins, yaml.SafeLoader):
    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        """In YAML 1.1, 010 is 8 and 1:30 is 90, which hardly anybody means."""
        digits = node.value.replace("_", "").lstrip("+-")
        cause = ""
        if (digits.startswith("0") and digits.isdecimal() and digits != "0") or ":" in digits:
            cause = f"{node.value[:40]} is a number of another base in YAML; write it in plain decimal, or in quotes"
        elif len(digits) > _MOST_DIGITS:
            cause = f"a number of {len(digits):,} digits"
        if cause:
            raise yaml.constructor.ConstructorError(None, None, cause, node.start_mark)
        return int(super().construct_yaml_int(node))


class _Dumper(yaml.SafeDumper):
    """Puts a text in quotes that would be read as a number."""


_EXPONENT = re.compile(r"[-+]?[0-9][0-9_]*(\.[0-9_]*)?[eE][-+]?[0-9]+\Z")
"""YAML 1.1 takes 1e-3 for a text, because it has no point."""
for one in (_Strict, _Dumper):
    one.add_implicit_resolver("tag:yaml.org,2002:float", _EXPONENT, list("-+0123456789"))
_Strict.add_constructor("tag:yaml.org,2002:int", _Strict.construct_yaml_int)


class _StrictText(_NoTwins, yaml.BaseLoader):
    pass
