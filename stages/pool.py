"""The attribute pool: which environments, lightings, expressions and motions there are to draw from, as data."""

from collections import Counter
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any

import yaml

from actor18m.shipped import manifest

FILE = "attributes.yaml"


@dataclass(frozen=True)
class Painting:
    """What the compositor's painter makes of an environment."""

    scene: str
    palette: tuple[str, ...]
    density: float
    lightings: tuple[str, ...]
    """Under which it is credible."""


@dataclass(frozen=True)
class Environment:
    name: str
    place: str
    """`indoor` or `outdoor`."""
    text: str
    painting: Painting | None = None
    """None where no painter gives it credibly."""


@dataclass(frozen=True)
class Lighting:
    name: str
    outdoor: str
    indoor: str
    light: dict[str, Any]


@dataclass(frozen=True)
class Told:
    """An expression or a motion."""

    name: str
    text: str


@dataclass(frozen=True)
class Pool:
    environments: tuple[Environment, ...]
    lightings: tuple[Lighting, ...]
    expressions: tuple[Told, ...]
    motions: tuple[Told, ...]


@cache
def pool() -> Pool:
    """The one that ships with the project."""
    return read(manifest(FILE).read_text(encoding="utf-8"))


def read(text: str) -> Pool:
    """ValueError where two of a kind have one name: draws name what they drew."""
    told = yaml.safe_load(text)
    for kind, listed in told.items():
        if twice := [name for name, count in Counter(each["name"] for each in listed).items() if count > 1]:
            raise ValueError(f"{FILE}: {kind}: {', '.join(twice)} stands twice; give each a name of its own")
    return Pool(
        tuple(_environment(each) for each in told["environments"]),
        tuple(Lighting(**each) for each in told["lightings"]),
        tuple(Told(**each) for each in told["expressions"]),
        tuple(Told(**each) for each in told["motions"]),
    )


@cache
def pool_digest() -> str:
    """Names its content, so that draws of another pool are others."""
    return sha256(manifest(FILE).read_bytes()).hexdigest()


def _environment(told: dict[str, Any]) -> Environment:
    painting = told.get("painting")
    painted = painting and Painting(
        painting["scene"], tuple(painting["palette"]), float(painting["density"]), tuple(painting["lightings"])
    )
    return Environment(told["name"], told["place"], told["text"], painted)
