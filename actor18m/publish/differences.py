"""How the settings of a build differ from those of the version that was published last, by meaning and not by text."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from actor18m.config.pipeline import Pipeline
from actor18m.dataset import Dataset, Version
from actor18m.errors import ActorError
from actor18m.policy.words import Words
from actor18m.storage.store import Store
from actor18m.survey.runs import accounts
from actor18m.yaml_file import parse_yaml

PIPELINE = "pipeline.yaml"
_AS_USUAL = {"of": [], "candidates": 1}
"""Of a stage: what hardly any file says."""
_LONGEST = 60
Settings = Mapping[str, object]
"""What a pipeline says, piece by piece, by its place."""


@dataclass(frozen=True)
class Last:
    """The version that was published last, and how its build was called."""

    version: str
    pipeline: object
    """As data: what it names may not be there any more."""
    flags: tuple[str, ...]
    """Settings that were given to the build and stand in no file."""
    words: int
    """In so many files stood what people had said."""


@dataclass(frozen=True)
class Difference:
    place: str
    before: object
    now: object
    is_forgotten: bool = False
    """With the flags of then that are not given now it would be as before."""

    def __str__(self) -> str:
        return f"{self.place}: {_spelt(self.before)} -> {_spelt(self.now)}"


def last_published(store: Store, dataset: Dataset | None = None) -> Last | None:
    """By this store, into the dataset or any; None where there is no such version, or it is not there any more."""
    for account in reversed(list(accounts(store))):
        published = account.get("published")
        if not isinstance(published, Mapping):
            continue
        where, _, name = str(published.get("path")).rpartition("/")
        try:
            version = Version(Dataset.at(where), name)
            if dataset is not None and not version.dataset.is_same(dataset):
                continue
            latest = Version.latest(version.dataset)
            if latest is not None and not _is_same(version, latest):
                continue  # an older version was restored since
            pipeline = parse_yaml(version.read(PIPELINE).decode())
        except (ActorError, OSError, ValueError, yaml.YAMLError):
            return None
        words = account.get("words")
        flags = account.get("flags")
        return Last(
            version=name if latest is None else latest.name,
            pipeline=pipeline,
            flags=tuple(map(str, flags)) if isinstance(flags, Sequence) else (),
            words=words if isinstance(words, int) else 0,
        )
    return None


def _is_same(version: Version, newest: Version) -> bool:
    """Is it the latest version, or the one whose files that has?"""
    return version == newest or (version.is_there() and newest.is_there() and version.content == newest.content)


def differences(
    last: Last, pipeline: Pipeline, load: Callable[[Sequence[str]], Pipeline], flags: Sequence[str]
) -> list[Difference]:
    """Of this build's pipeline, which has these flags; `load` gives it with others."""
    before, now = settings(last.pipeline), _of(pipeline)
    more = lost(last, flags)
    then = _with_flags(load, [*flags, *more]) if more else now
    return [
        Difference(place, before.get(place), now.get(place), then.get(place) == before.get(place))
        for place in dict.fromkeys([*before, *now])
        if before.get(place) != now.get(place)
    ]


def lost(last: Last, flags: Sequence[str]) -> list[str]:
    """Flags of which nothing is said any more."""
    said = {flag.partition("=")[0] for flag in flags}
    return [flag for flag in last.flags if flag.partition("=")[0] not in said]


def said_since(last: Last, words: Words) -> list[str]:
    return [f"{word.verb} {word.of} by {word.who}" for word in words.later_than(last.words) if word.verb != "found"]


def settings(pipeline: object) -> Settings:
    """Of a rendered pipeline. How it is run is no setting: nothing of the dataset depends on it."""
    return dict(_pieces(pipeline)) if isinstance(pipeline, Mapping) else {}


def _of(pipeline: Pipeline) -> Settings:
    return settings(pipeline.told(with_run=False))


def _with_flags(load: Callable[[Sequence[str]], Pipeline], flags: Sequence[str]) -> Settings:
    """Those that can still be given."""
    given: list[str] = []
    for flag in flags:
        try:
            load([*given, flag])
        except ActorError:
            continue
        given.append(flag)
    return _of(load(given))


def _pieces(pipeline: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for section, said in pipeline.items():
        if section == "stages":
            yield from _of_stages(said)
        elif section == "policy":
            yield from _of_policy(said)
        else:
            yield from _below(section, said)


def _of_stages(stages: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, object]]:
    names = [_name(step["stage"]) for step in stages]
    yield "stages", ", ".join(names)
    for name, step in zip(names, stages, strict=True):
        yield f"{name} stage", step["stage"]
        for section, said in step.items():
            if section == "parameters":
                yield from _below(name, said)
            elif section == "roles":
                for role, backend in said.items():
                    yield from _of_backend(f"{name} {role}", backend)
            elif section not in ("stage", "run") and said != _AS_USUAL.get(section):
                yield from _below(f"{name}.{section}", said)


def _of_backend(place: str, said: str | Mapping[str, object]) -> Iterator[tuple[str, object]]:
    if isinstance(said, str):
        yield place, said
    else:
        yield place, said["backend"]
        yield from ((f"{place} {name}", value) for name, value in said.items() if name != "backend")


def _of_policy(policy: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """`identity.mean_similarity at_least`."""
    for stage, rules in policy.items():
        for rule, said in rules.items():
            yield from ((f"{stage}.{rule} {part}", value) for part, value in said.items())


def _below(place: str, said: object) -> Iterator[tuple[str, object]]:
    if isinstance(said, Mapping) and said:
        for name, value in said.items():
            if name != "run":
                yield from _below(f"{place}.{name}", value)
    else:
        yield place, said


def _name(path: str) -> str:
    """Of a stage, as it is most likely called."""
    return path.rpartition(":")[2].lower()


def _spelt(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    text = " ".join(str(value).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
