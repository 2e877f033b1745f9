"""A person's last word about a clip, above all rules; and a file of such words: keys, verdicts, who said so and why.

What a file says is taken into the store (words.py), and lasts.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import AfterValidator, Field, StringConstraints, ValidationError, model_validator

from actor18m.errors import ActorError
from actor18m.policy.rules import OVERRIDE
from actor18m.policy.words import DENY, Word, Words
from actor18m.yaml_file import Section, explained, problems_of, read_yaml, trouble

_KEY = re.compile(r"[0-9a-f]{20}(-[a-z0-9]+)*")
_Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


def _key(given: str) -> str:
    if not _KEY.fullmatch(given):
        raise trouble(
            "must be the key of a clip (20 hexadecimal digits, as `actor18m explain FILE` tells it) or of an image, "
            f"not {given!r}; a path or a URI is for `actor18m deny` and `allow`"
        )
    return given


class Override(Section):
    key: Annotated[str, AfterValidator(_key)] = Field(description="of a clip or a reference")
    verdict: Literal["allow", "deny"]
    who: _Said
    why: _Said

    @model_validator(mode="after")
    def _denies_images_only(self) -> "Override":
        if "-" in self.key and self.verdict == "allow":
            raise trouble(IMAGES_ARE_DENIED)
        return self

    def word(self, at: str) -> Word:
        return Word(verb=self.verdict, of=self.key, who=self.who, why=self.why, at=at)


IMAGES_ARE_DENIED = (
    "an image can be denied, not allowed: all images of an accepted clip are in the dataset. Allow the clip, or take a "
    "denial back with `actor18m undo`"
)


@dataclass(frozen=True)
class LastWord:
    """About one clip or image."""

    key: str
    verdict: str
    said: str
    """Who, why, and by which way it came to this clip."""
    like: str | None = None
    """The denied clip that it is a near duplicate of, when it is denied for that alone."""

    def __str__(self) -> str:
        return self.said


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


def taken(words: Words, given: Sequence[Override], at: str) -> tuple[list[Word], list[str]]:
    """Of a file's entries those that were not said before, and in words where something else was said of the same key:
    the newer one counts. An entry is as old as the build that it was given to first, however it is worded since; but a
    denial that was taken back, and is worded otherwise now, is one that is said again.
    """
    new, notes = [], []
    said = {(word.verb, word.of) for word in words.said}
    worded = {(word.verb, word.of, word.who, word.why) for word in words.said}
    for each in given:
        word, force = each.word(at), words.of(each.key)
        is_denied_again = word.verb == DENY and (word.verb, word.of, word.who, word.why) not in worded
        if force is not None and force.verb == word.verb:
            if (force.who, force.why) != (word.who, word.why):
                notes.append(f"{each.key}: {force} was said before, and is kept; the file says now: {word}")
        elif (word.verb, word.of) not in said or is_denied_again:
            new.append(word)
            if force is not None:
                notes.append(f"{each.key}: {word} (before: {force})")
        elif force is None:
            notes.append(f"{each.key}: {word} stands in the file and was taken back since: that counts{_anew(word)}")
        else:
            since = f"but since then: {force}, and that counts"
            notes.append(f"{each.key}: {word} stands in the file, {since}{_anew(word)}")
    return new, notes


def _anew(word: Word) -> str:
    return f". `actor18m {word.verb} {word.of}` says it again"


def override(verdicts: pa.Table, overrides: Sequence[LastWord]) -> pa.Table:
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
