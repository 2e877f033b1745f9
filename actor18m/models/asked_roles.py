"""What the stages ask of models behind an endpoint, that are somewhere else and paid for. No stage knows who answers.

One thing is asked at a time and awaited; that many are under way is the stage's doing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel

from actor18m.arrays import Frame
from actor18m.models.roles import Edit

Said = TypeVar("Said", bound=BaseModel)
"""The form of an answer."""


@dataclass(frozen=True, eq=False)
class Question(Generic[Said]):
    """What a model that reads text and sees pictures is asked. Its words are the stage's own: nothing that stood in a
    picture, a caption or a row is ever among them."""

    task: str
    """What it is to do."""
    shown: Sequence[str | bytes | Frame]
    """Then, in this order: words, and pictures, as arrays or as the bytes of a WebP file."""
    form: type[Said]
    """How it has to answer, and how else it cannot."""
    sure_of: str | None = None
    """A property of the form with a few words to choose from, of which it is to be known how sure the model was."""


@dataclass(frozen=True, eq=False)
class Letter(Generic[Said]):
    """A question as it is sent."""

    body: bytes
    form: type[Said]
    sure_of: str | None


@dataclass(frozen=True)
class Answer(Generic[Said]):
    said: Said
    certainty: float | None
    """Of what the question is `sure_of`: the word's share of the probability of all words that it might have chosen, 0
    to 1. None where whoever answers does not tell probabilities."""
    tokens: int
    """Of question and answer."""
    dollars: float


@dataclass(frozen=True)
class NoAnswer:
    """What came back is no answer to the question; asked again, it would come again."""

    kind: str
    """One word to count by."""
    why: str
    tokens: int
    dollars: float


@dataclass(frozen=True)
class Edited:
    """A picture that came from somewhere else."""

    content: bytes
    """Of a file, such as PNG."""
    tokens: int
    """Of what was asked, shown and made."""


class Written(Protocol):
    """A request as it is sent."""

    digest: str
    """Of all that is in it: two that have one digest ask for the same."""


class BatchJobs(Protocol):
    """Of a model that is somewhere else: many requests go in one job, whose answers come minutes or a day later."""

    most: int
    """Requests in a job."""
    gather_s: float
    """So long a job waits for more requests, after the last one."""
    look_every_s: float
    """So often one asks whether a job has ended."""

    async def begin(self, called: str, requests: Mapping[str, Any]) -> str:
        """Sends a job with a name of one's own, of requests by their digest. How the endpoint calls it."""
        ...

    async def find(self, called: str) -> str | None:
        """How the endpoint calls the job that was given this name; None where it has none."""
        ...

    async def answers(self, job: str) -> "Mapping[str, Edited | NoAnswer | Exception] | None":
        """By digest; None while the job has not ended. JobEnded where it ended without answers."""
        ...


class JobEnded(Exception):
    """A job that will never have answers: `cause` is what that means for each of its requests."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(f"{cause}")
        self.cause = cause


class AskedEditor(Protocol):
    """Has pictures made by a model that is somewhere else; for stages that wait. Errors of the way there are raised."""

    @property
    def called(self) -> str:
        """Who makes the pictures: the model's name."""
        ...

    @property
    def batches(self) -> BatchJobs | None:
        """Where requests go in jobs; None where each is asked by itself."""
        ...

    def write(self, edit: Edit) -> Written:
        """What is sent. Work of the processor, such as encoding pictures."""
        ...

    async def ask(self, written: Any) -> Edited | NoAnswer:
        """Once: who calls it tries again."""
        ...


class Chat(Protocol):
    """Asks a model that is somewhere else; for stages that wait. Errors of the way there are raised."""

    @property
    def called(self) -> str:
        """Who answers: the model's name."""
        ...

    def write(self, question: Question[Said]) -> Letter[Said]:
        """Work of the processor, such as making pictures smaller."""
        ...

    async def ask(self, letter: Letter[Said]) -> Answer[Said] | NoAnswer:
        """Once: who calls it tries again."""
        ...
