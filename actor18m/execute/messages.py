"""What the driver asks of a worker and what comes back: keys, places of rows, and small numbers. Never frames."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pyarrow as pa

from actor18m.config.stage_config import Step
from actor18m.ledger.index import Values
from actor18m.ledger.ledger import Ledger, LotFiles
from actor18m.storage.lease import Lease


@dataclass(frozen=True)
class Read:
    """A row that is read for a clip."""

    stage: str
    lot: int
    key: str
    input_digest: str


@dataclass(frozen=True)
class ToImage:
    """Of an image, what is to be read of it."""

    asked: Read | None
    """The row with its request, where that is read."""
    made: Read | None
    """Its maker's row; None where it is to be made."""
    source: Read | None
    """The maker's row of its source image, where there is one and it is read."""
    candidate: int


@dataclass(frozen=True)
class Todo:
    """A clip or an image to measure."""

    key: str
    input_digest: str
    uri: str
    cut: tuple[int, int] | None = None
    crop: tuple[int, int, int, int] | None = None
    reads: tuple[Read, ...] = ()
    version: str | None = None
    """Of the file, which the first stage reads or has read; None: there was none."""
    image: ToImage | None = None

    @property
    def all_reads(self) -> tuple[Read, ...]:
        of_image = () if self.image is None else (self.image.asked, self.image.made, self.image.source)
        return (*self.reads, *(read for read in of_image if read is not None))


@dataclass(frozen=True)
class Task:
    """Clips or images of one lot, for one call of a stage, or for a few quick ones; committed together."""

    number: int
    stage: str
    lot: int
    todos: tuple[Todo, ...]
    files: Mapping[tuple[str, int], LotFiles]
    """Where the rows to read are: (stage, lot) -> files."""

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(todo.key for todo in self.todos)


@dataclass(frozen=True)
class Raised:
    """What a stage raised when it was given a clip alone."""

    kind: str
    """The exception's name."""
    message: str
    place: str = ""
    trace: str = ""
    is_bug: bool = False
    """Of a kind that says more of the code than of the clip."""
    is_passing: bool = False
    is_of_file: bool = False

    @property
    def told(self) -> str:
        """As the ledger keeps it."""
        return f"{self.message} (at {self.place})" if self.place else self.message


@dataclass(frozen=True)
class Report:
    """What a call came to. Its rows are durable."""

    part: str | None
    """Of the ledger, with the rows; None when no clip got one."""
    known: pa.Table
    """What planning has to know of the rows."""
    given_up: Mapping[str, str]
    """Clips in transient trouble, by key, with the reason: nothing was committed of them."""
    out_of_memory: tuple[str, ...]
    """Clips that need more memory than there was."""
    seconds: float
    raised: Mapping[str, Raised] = field(default_factory=dict)
    """What was raised of clips, by key: of those given up, and of those of which the driver is to say whether they
    failed or their stage did. Nothing was committed of them."""
    costs: Mapping[str, float] = field(default_factory=dict)
    """What the call cost, beside time."""
    took_s: float | None = None
    """From its beginning to its end, where that is not its working time: others were in flight beside it."""
    left: tuple[str, ...] = ()
    """Keys of what was not begun, since the stage was to begin nothing more."""


@dataclass(frozen=True)
class Duty:
    """What a worker is for: enough to set it up in another process."""

    stage: str
    step: Step
    ledger: Ledger
    upstream: Mapping[str, Ledger]
    requests: Mapping[str, str]
    """Stage -> the column in which it asks for images, of those whose requests are read."""
    values: Values
    lease: Lease

    def for_one_of(self, workers: int) -> "Duty":
        """What one of so many workers is for: its share of the requests that may begin."""
        run = self.step.run
        if run.requests_per_minute is None or workers == 1:
            return self
        share = run.model_copy(update={"requests_per_minute": run.requests_per_minute / workers})
        return replace(self, step=self.step.model_copy(update={"run": share}))
