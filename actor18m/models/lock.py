"""The model lock: which weight files the backends need, what they must be, and where they can be had."""

from functools import cache
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from actor18m.errors import ActorError, instead_of
from actor18m.shipped import manifest

FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
"""A bare name: a lock can never point outside the weights folder."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Url(_Record):
    """A file at its publisher, at a fixed version; one that ends in .bz2 is unpacked."""

    url: str = Field(pattern=r"^https?://")

    def __str__(self) -> str:
        return self.url


class Wheel(_Record):
    """A file inside a package that carries it."""

    package: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    version: str = Field(pattern=r"^[A-Za-z0-9.!+]+$")
    path: str
    package_licence: str

    def __str__(self) -> str:
        return f"{self.path} in {self.package}=={self.version}"


class WeightFile(_Record):
    name: FileName
    size: int | None = Field(default=None, gt=0, description="bytes; none where who names the digest does not say")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    sources: list[Url | Wheel] = Field(min_length=1, description="in the order to try")


class Snapshot(_Record):
    """Files of a repository of a model hub, or of GitHub, whose bytes the project has not seen: the first pull pins
    them."""

    hub: str = Field(pattern=r"^[\w.-]+/[\w.-]+$")
    at: Literal["huggingface", "github"] = "huggingface"
    revision: str | None = Field(default=None, pattern=r"^[0-9a-f]{40}$", description="the hub's commit, where known")
    files: list[str] = Field(min_length=1, description="names or patterns, of which each has to be there")
    about_gb: float | None = Field(
        default=None, gt=0, description="of large ones, reckoned from their parameters; what is pinned is known exactly"
    )

    @model_validator(mode="after")
    def _is_said_whole(self) -> Self:
        if self.at == "github" and (self.revision is None or any("*" in name for name in self.files)):
            raise ValueError("of GitHub needs a revision and whole names, since nobody lists its files")
        return self


Commercial = Literal["allowed", "choice", "forbidden", "unclear"]
"""Whether something may be used for money. `choice`: it may, with duties that not all take on, as of the AGPL."""


class Code(_Record):
    library: str
    licence: str
    commercial: Commercial | None = Field(default=None, description="where the licence's name alone does not tell it")


class Training(_Record):
    """What the weights were trained on, as far as their authors tell it."""

    data: str
    commercial: Commercial = Field(
        default="unclear", description="forbidden where the data's terms forbid it of what is made from the data, too"
    )


class Weights(_Record):
    licence: str
    origin: str
    commercial: Commercial | None = Field(default=None, description="where the licence's name alone does not tell it")
    training: Training | None = None


class Model(_Record):
    role: str
    backend: str = Field(description="the module that loads it")
    code: Code
    weights: Weights
    profile: Literal["embedded", "cluster"] = "embedded"
    adapts: list[FileName] = Field(
        default=[], description="of weights that change a backend's, such as a LoRA, and are none: models they are for"
    )
    files: list[WeightFile] = []
    snapshot: Snapshot | None = None

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Self:
        if bool(self.files) == (self.snapshot is not None):
            raise ValueError("has either `files` or a `snapshot`")
        return self

    @property
    def is_adapter(self) -> bool:
        return bool(self.adapts)


class Lock(_Record):
    version: Literal[1]
    models: dict[FileName, Model]

    @model_validator(mode="after")
    def _one_entry_per_file(self) -> Self:
        names = [file.name for model in self.models.values() for file in model.files]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"named by two models: {', '.join(twice)}")
        return self

    @model_validator(mode="after")
    def _adapts_what_there_is(self) -> Self:
        for name, model in self.models.items():
            if absent := [base for base in model.adapts if base not in self.models]:
                raise ValueError(f"{name} adapts {', '.join(absent)}, which the lock has not")
        return self

    def named(self, models: list[str] | None = None, profile: str | None = None) -> dict[str, Model]:
        """The named models; when none is named, those of a profile, or all."""
        if unknown := sorted(set(models or []) - set(self.models)):
            told = [f"no model is called {each}; {instead_of(each, self.models)}" for each in unknown]
            raise ActorError("\n".join(told))
        return {
            name: model
            for name, model in self.models.items()
            if (name in models if models else profile in (None, model.profile))
        }

    def files(self, models: list[str] | None = None, profile: str | None = None) -> list[WeightFile]:
        """Their single files, whose digests the lock itself names."""
        return [file for model in self.named(models, profile).values() for file in model.files]


def read_lock(path: Path | None = None) -> Lock:
    """The lock that ships with the project, which is read once in a process, or another one."""
    return _read_shipped() if path is None else _read(path)


@cache
def _read_shipped() -> Lock:
    return _read(manifest("models.lock.yaml"))


def _read(source: Traversable) -> Lock:
    return Lock.model_validate(yaml.safe_load(source.read_text(encoding="utf-8")))
