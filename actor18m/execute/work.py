"""What the driver asks of a worker and what comes back: keys, places of rows, and small numbers. Never frames."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from errno import (
    ECONNRESET,
    EDQUOT,
    EHOSTUNREACH,
    EIO,
    EMFILE,
    ENETDOWN,
    ENETUNREACH,
    ENFILE,
    ENOSPC,
    ESTALE,
    ETIMEDOUT,
)
from functools import cached_property
from typing import Any

import pyarrow as pa

from actor18m import stopping
from actor18m.beside import files_of, files_of_row
from actor18m.errors import ActorError, is_out_of_memory
from actor18m.execute.sources import Wanted, troubles
from actor18m.index import Values, known_of
from actor18m.ledger import Ledger, LotFiles
from actor18m.media.source import AWAY, MediaError
from actor18m.media.watch import NOTHING, SourceTrouble, not_as_registered, watched
from actor18m.models.shared import Shared
from actor18m.redact import redact
from actor18m.remote import Unreachable
from actor18m.rows import BESIDE
from actor18m.stage import Clip, Failure, Image, Row, Stage
from actor18m.step import Step
from actor18m.traces import place_of, trace_of
from actor18m.writer import Lease, TakenOver

log = logging.getLogger(__name__)

Unit = Clip | Image

PATIENCE_S = (0.5, 2.0, 8.0)
"""Pauses before a clip in transient trouble is tried again; after the last it is given up for this build."""
_PASSING = {ECONNRESET, EHOSTUNREACH, EIO, ENETDOWN, ENETUNREACH, ESTALE, ETIMEDOUT}
_PASSING |= {EDQUOT, EMFILE, ENFILE, ENOSPC}  # the machine's trouble, and no clip's
_BUSY = {408, 425, 429, 500, 502, 503, 504}
_MAX_TEXT = 2000
_BUGS = (AttributeError, ImportError, NameError, NotImplementedError, SyntaxError, TypeError)


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


@dataclass(frozen=True)
class _Found:
    """A row of an earlier stage, and what is beside it."""

    values: Mapping[str, Any]
    images: str | None
    """The file with its images, by its digest."""


class _NotOneEach(ValueError):
    """A stage told of a clip twice, or of one that it was not given: whose values they are is not known."""


class Worker:
    """A stage with its backends, ready to measure."""

    def __init__(self, duty: Duty, shared: Shared | None = None) -> None:
        """`shared` lends the backends of a process that has several workers."""
        self._duty = duty
        self._shared = shared or Shared()
        self._stage: Stage[Any] = duty.step.made(self._shared)
        self._watch = NOTHING

    def close(self) -> None:
        """Gives the backends back; it measures no more."""
        self._duty.step.given_back(self._shared)

    def do(self, task: Task, moved: Callable[[int], None] = lambda clips: None) -> Report:
        """Measures and commits. `moved` is told of each clip that is measured, as soon as it is."""
        begun = time.perf_counter()
        digests = {todo.key: todo.input_digest for todo in task.todos}
        outcomes: list[Row | Failure] = []
        given_up: dict[str, str] = {}
        too_large: list[str] = []
        raised: dict[str, Raised] = {}
        units, size = self._units(task), self._duty.step.run.clips_per_call
        sources = {todo.key: (todo.uri, todo.version) for todo in task.todos}
        for start in range(0, len(units), size):
            for key, result in self._of_registered(units[start : start + size], sources, moved):
                stopping.check()
                if isinstance(result, SourceTrouble):
                    given_up[key] = said(result)
                elif isinstance(result, Exception):
                    too_large.append(key)
                elif isinstance(result, Raised):
                    raised[key] = result
                    if result.is_passing:
                        given_up[key] = result.message
                else:
                    outcomes.append(result)
        part, rows = None, self._stage.writes.table(outcomes, digests)
        if outcomes:
            files = files_of(outcomes, digests)
            part = self._duty.ledger.commit(self._duty.lease, task.lot, rows, files)
        known = known_of([(task.lot, rows)], self._duty.values)
        return Report(part, known, given_up, tuple(too_large), time.perf_counter() - begun, raised)

    def _units(self, task: Task) -> list[Unit]:
        """What the stage is given, in the order of the task."""
        rows: dict[Read, _Found] = {}
        wanted: dict[tuple[str, int], set[Read]] = {}
        for todo in task.todos:
            for read in todo.all_reads:
                wanted.setdefault((read.stage, read.lot), set()).add(read)
        for (stage, lot), reads in wanted.items():
            rows |= self._rows(stage, task.files[stage, lot], reads)
        return [self._unit(todo, rows) for todo in task.todos]

    def _unit(self, todo: Todo, rows: Mapping[Read, "_Found"]) -> Unit:
        needed = {each.writes.name: columns for each, columns in self._stage.needs.items()}
        upstream = {read.stage: {name: rows[read].values[name] for name in needed[read.stage]} for read in todo.reads}
        if todo.image is None:
            return Clip(todo.key, todo.uri, todo.cut, todo.crop, upstream)
        about_images = {needed.writes.name for needed in self._stage.needs if needed.of != "clips"}
        clip, _, name = todo.key.partition("-")
        of_clip = {stage: values for stage, values in upstream.items() if stage not in about_images}
        return Image(
            key=todo.key,
            clip=Clip(clip, todo.uri, todo.cut, todo.crop, of_clip),
            request=self._request(todo.image.asked, name, rows),
            upstream={stage: values for stage, values in upstream.items() if stage in about_images},
            files=self._files(todo.image.made, rows),
            source=self._files(todo.image.source, rows),
            candidate=todo.image.candidate,
        )

    def _request(self, asked: Read | None, name: str, rows: Mapping[Read, "_Found"]) -> Mapping[str, Any]:
        if asked is None:
            return {}
        requests: Sequence[Mapping[str, Any]] = rows[asked].values[self._duty.requests[asked.stage]]
        return next(each for each in requests if each["name"] == name)

    def _files(self, read: Read | None, rows: Mapping[Read, "_Found"]) -> Mapping[str, bytes]:
        if read is None or (images := rows[read].images) is None:
            return {}
        shelf = self._duty.upstream[read.stage].shelf("images", read.lot, images)
        return files_of_row(shelf, read.key, read.input_digest)

    def _rows(self, stage: str, files: LotFiles, reads: set[Read]) -> dict[Read, "_Found"]:
        columns = self._columns[stage]
        table = self._duty.upstream[stage].read_lot(files, columns, with_beside=True)
        found: dict[Read, _Found] = {}
        for row in table.to_pylist():
            read = Read(stage, files.lot, row["key"], row["input_digest"])
            if read in reads:
                found[read] = _Found({column: row[column] for column in columns}, row[BESIDE["images"]])
        if lost := reads - found.keys():
            raise ActorError(
                f"stage {self._duty.stage}: the {stage} rows of {', '.join(sorted(r.key for r in lost))} have gone "
                "from the store while it was building. Run the same command again."
            )
        return found

    @cached_property
    def _columns(self) -> Mapping[str, list[str]]:
        """stage -> columns of its rows that are read: those that are needed, or requests; of makers their files are
        read alone.
        """
        read: dict[str, list[str]] = {name: [] for name in self._duty.upstream}
        for name, column in self._duty.requests.items():
            read[name].append(column)
        for needed, columns in self._stage.needs.items():
            read[needed.writes.name] += columns
        return {name: list(dict.fromkeys(columns)) for name, columns in read.items()}

    def _of_registered(
        self, clips: Sequence[Unit], sources: Mapping[str, Wanted], moved: Callable[[int], None]
    ) -> Iterator[tuple[str, Row | Failure | Raised | Exception]]:
        """Each clip with what was measured of the file that was registered, or with why there is nothing."""
        lost: dict[str, Exception] = dict(self._lost({clip.key: sources[clip.key] for clip in clips}))
        yield from lost.items()
        there = {clip.key: clip for clip in clips if clip.key not in lost}
        with watched(dict(sources[key] for key in there)) as self._watch:
            measured = list(self._measure(list(there.values()), moved))
        seen = {key: self._watch.troubles[clip.uri] for key, clip in there.items() if clip.uri in self._watch.troubles}
        seen |= self._lost({key: sources[key] for key in there})
        for key, result in measured:
            yield key, seen.get(key) or _away(result, *sources[key]) or result

    def _lost(self, sources: Mapping[str, Wanted]) -> Mapping[str, SourceTrouble]:
        """Clips whose files are not what they were, where the stage looks at files."""
        return troubles(sources, PATIENCE_S, is_transient) if self._stage.reads_source else {}

    def _measure(
        self, clips: Sequence[Unit], moved: Callable[[int], None]
    ) -> Iterator[tuple[str, Row | Failure | Raised | Exception]]:
        """Each clip with its outcome, or with what kept it from having one: an exception is for want of memory."""
        left = {clip.key: clip for clip in clips}
        outcomes: list[Row | Failure] = []
        too_much: Exception | None = None
        if len(clips) > 1:
            try:
                for outcome in self._outcomes(clips):
                    outcomes.append(outcome)
                    moved(1)
            except TakenOver:
                raise
            except _NotOneEach as error:
                log.warning("%s; each clip of the call is measured alone", error)
                outcomes.clear()
            except Exception as error:
                # one of those that are left spoilt it for the others: each for itself, unless it is for want of memory
                if is_out_of_memory(error):
                    # which of them needs so much shows in a process of its own; here it would be tried once too often
                    too_much = error.with_traceback(None)  # which would keep what the stage holds
        for outcome in self._writable(outcomes):
            del left[outcome.key]
            yield outcome.key, outcome
        for clip in left.values():
            yield clip.key, self._alone(clip) if too_much is None else too_much

    def _writable(self, outcomes: Sequence[Row | Failure]) -> Sequence[Row | Failure]:
        """Tried at once first: one after the other takes a multiple of the time."""
        try:
            self._check(outcomes)
        except Exception:
            return [each for outcome in outcomes for each in self._writable([outcome])] if len(outcomes) > 1 else []
        return outcomes

    def _check(self, outcomes: Sequence[Row | Failure]) -> None:
        no_digests = {outcome.key: "" for outcome in outcomes}
        self._stage.writes.table(outcomes, no_digests)
        for outcome in outcomes:
            self._stage.check(outcome)
        files_of(outcomes, no_digests)

    def _alone(self, clip: Unit) -> Row | Failure | Raised | Exception:
        try:
            return _patiently(lambda: self._outcome(clip))
        except MediaError as error:
            return what_was_raised(error) if is_transient(error) else Failure(clip.key, error.kind, said(error))
        except Exception as error:
            return error.with_traceback(None) if is_out_of_memory(error) else what_was_raised(error)

    def _outcome(self, clip: Unit) -> Row | Failure:
        (outcome,) = self._outcomes([clip])
        self._check([outcome])
        return outcome

    def _outcomes(self, clips: Sequence[Unit]) -> Iterator[Row | Failure]:
        left = {clip.key for clip in clips}
        self._watch.begin(clip.uri for clip in clips)
        try:
            for outcome in self._stage.measure(clips):
                if outcome.key not in left:
                    raise _NotOneEach(self._not_one_each(outcome.key, clips))
                left.discard(outcome.key)
                yield outcome
        except (Exception, KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # sys.exit(), a panic of a library: it has no say in when a build ends
            raise RuntimeError(f"it raised {type(error).__name__}: {error}") from error
        if left:
            raise ValueError(f"stage {self._duty.stage} gave no outcome of {', '.join(sorted(left))}")

    def _not_one_each(self, key: str, clips: Sequence[Unit]) -> str:
        told = f"stage {self._duty.stage} gave two outcomes of clip {key} in one call"
        if key not in {clip.key for clip in clips}:
            told = f"stage {self._duty.stage} gave an outcome of {key}, which it was not given in this call"
        return f"{told}; a stage gives one row or one failure for each clip that it is given"


def _away(result: Row | Failure | Raised | Exception, uri: str, version: str | None) -> SourceTrouble | None:
    """A stage may find by its own means that a file is away; by now it may be back."""
    if isinstance(result, Failure) and result.kind in AWAY and version is not None:
        return not_as_registered(uri, version, None)
    return None


def is_transient(error: BaseException) -> bool:
    """Would it likely go well another time, with nothing changed?"""
    if isinstance(error, ConnectionError | TimeoutError | SourceTrouble):
        return True
    if isinstance(error, OSError) and error.errno in _PASSING:
        return True
    status = getattr(error, "status_code", None) or getattr(error, "status", None) or getattr(error, "code", None)
    return status in _BUSY


def what_was_raised(error: Exception) -> Raised:
    return Raised(
        kind=type(error).__name__,
        message=said(error),
        place=place_of(error),
        trace=trace_of(error),
        is_bug=isinstance(error, _BUGS),
        is_passing=is_transient(error),
        is_of_file=isinstance(error, MediaError | SourceTrouble),
    )


def said(error: BaseException) -> str:
    """An error's text as it is kept: without secrets, and not without end."""
    return redact(f"{error}" or type(error).__name__)[:_MAX_TEXT]


def _patiently(attempt: Callable[[], Row | Failure]) -> Row | Failure:
    for pause in PATIENCE_S:
        try:
            return attempt()
        except Exception as error:
            if not is_transient(error) or isinstance(error, SourceTrouble | Unreachable):
                raise  # which is no matter of seconds, or was tried for as many as make sense
            time.sleep(pause)
    return attempt()
