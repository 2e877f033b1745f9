"""A person's last word about a clip: a file of keys to allow or deny, with who said so and why."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, StringConstraints, ValidationError

from actor18m.errors import ActorError
from actor18m.policy import OVERRIDE
from actor18m.yaml_file import Section, explained, problems_of, read_yaml

_Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Override(Section):
    key: str = Field(pattern=r"^[0-9a-f]{20}(-[a-z]+-[a-z]+-\d\d)?$", description="of a clip or a reference")
    verdict: Literal["allow", "deny"]
    who: _Said
    why: _Said

    def __str__(self) -> str:
        return f"{self.verdict} by {self.who}: {self.why}"


def read_overrides(path: Path) -> tuple[Override, ...]:
    """A YAML list of {key, verdict, who, why}, or a CSV file with these columns."""
    given = _csv_rows(path) if path.suffix == ".csv" else read_yaml(path, as_text=True) or []
    if not isinstance(given, list):
        raise ActorError(f"{path}: must be a list of entries with key, verdict, who and why")
    overrides: dict[str, Override] = {}
    problems = []
    for number, entry in enumerate(given, start=1):
        try:
            override = Override.model_validate(entry)
        except ValidationError as error:
            problems += [
                (f"entry {number}{'.' + place if place else ''}", cause) for place, cause in problems_of(error)
            ]
            continue
        if override.key in overrides:
            problems.append((f"entry {number}", f"{override.key} stands twice; leave one of them"))
        overrides[override.key] = override
    if problems:
        raise explained(str(path), problems)
    return tuple(overrides.values())


def override(verdicts: pa.Table, overrides: Sequence[Override]) -> pa.Table:
    """The verdicts with the last word spoken, and a column `override` that quotes it. The rule that a clip failed
    before it was allowed stays named; a clip that passed before it was denied names `override` as its rule.
    """
    keys = pa.array([each.key for each in overrides], pa.string())
    entry = pc.index_in(verdicts["key"], value_set=keys)
    allowed = pa.array([each.verdict == "allow" for each in overrides], pa.bool_()).take(entry)
    passed = pc.coalesce(allowed, verdicts["passed"])
    rule = pc.if_else(pc.is_in(passed, pa.array([True])), verdicts["rule"], pc.fill_null(verdicts["rule"], OVERRIDE))
    changed = {"passed": passed, "rule": rule, OVERRIDE: pa.array(map(str, overrides), pa.string()).take(entry)}
    columns = {name: verdicts[name] for name in verdicts.column_names} | changed
    return pa.table(columns)


def _csv_rows(path: Path) -> list[object]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file, strict=True, restkey="more", restval=""))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ActorError(f"{path}: cannot be read as CSV: {error}") from error
