"""Logs: JSON lines in a file for each run, short lines on stderr for people. The standard `logging` does the rest.

Any module logs as usual, with `logging.getLogger(__name__)`; stage, clip and lot come from the `bind` around it. Once
`guard` was called, no record of this process shows a secret, whoever logs and whichever handler writes.
"""

import contextvars
import json
import logging
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import IO, Any

from actor18m.redact import redact

_about: contextvars.ContextVar[Mapping[str, str | int]] = contextvars.ContextVar("about", default=MappingProxyType({}))


@contextmanager
def bind(*, stage: str | None = None, clip: str | None = None, lot: int | None = None) -> Iterator[None]:
    """Every record from here to the end of the block, in this thread, says what it is about."""
    given = {"stage": stage, "clip": clip, "lot": lot}
    token = _about.set({**_about.get(), **{name: value for name, value in given.items() if value is not None}})
    try:
        yield
    finally:
        _about.reset(token)


@contextmanager
def run_log(path: Path, on_stderr: bool = True) -> Iterator[None]:
    """What happens from here to the end of the block goes into the file, and what is worth a warning to stderr too,
    where somebody looks there.
    """
    guard()
    path.parent.mkdir(parents=True, exist_ok=True)
    file = logging.FileHandler(path, encoding="utf-8")
    file.setFormatter(_JsonLines())
    people = _Stderr() if on_stderr else logging.NullHandler()
    people.setLevel(logging.WARNING)
    people.setFormatter(_ForPeople())
    root, ours = logging.getLogger(), logging.getLogger("actor18m")
    level_before = ours.level
    ours.setLevel(logging.INFO)
    for handler in (file, people):
        root.addHandler(handler)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        for handler in (file, people):
            root.removeHandler(handler)
        with suppress(OSError):  # a full disk: the build has said so
            file.close()
        ours.setLevel(level_before)


def guard() -> None:
    """From now on every record is redacted when it is made, and so is the traceback of what nobody caught. A worker's
    process calls it first.
    """
    logging.setLogRecordFactory(_Record)
    sys.excepthook = _tell
    threading.excepthook = lambda died: _tell(died.exc_type, died.exc_value, died.exc_traceback)
    # Else a record that cannot be written, for want of space say, goes to stderr with its arguments as they are.
    logging.raiseExceptions = False


def printable(text: str) -> str:
    """On one line, with whatever could steer a terminal spelt out: names of files can hold anything."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _tell(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if not issubclass(kind, SystemExit):
        sys.stderr.write(redact("".join(traceback.format_exception(kind, error, trace))))


class _Record(logging.LogRecord):
    """Redacted before any handler sees it, its traceback included."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.about = _about.get()
        if self.exc_info and self.exc_info[0]:
            # Formatters use this text when it is there, and would make their own of the exception when it is not.
            self.exc_text = redact(logging.Formatter().formatException(self.exc_info))
        if self.stack_info:
            self.stack_info = redact(self.stack_info)

    def getMessage(self) -> str:
        return redact(super().getMessage())


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"at": at, "level": record.levelname, "logger": record.name, **_about_of(record)}
        line["message"] = record.getMessage()
        if record.exc_text:
            line["error"] = record.exc_text
        if trace := getattr(record, "trace", None):
            line["traceback"] = redact(trace)
        return json.dumps(line)


class _ForPeople(logging.Formatter):
    """warning: identity 3f2a91c0d4e5f6a7b8c9: the message. The traceback is in the file."""

    def format(self, record: logging.LogRecord) -> str:
        about = " ".join(str(value) for name, value in _about_of(record).items() if name != "lot")
        cause = record.exc_text.strip().splitlines()[-1] if record.exc_text else ""
        said = [record.levelname.lower(), about, record.getMessage(), cause]
        return printable(": ".join(part for part in said if part))


class _Stderr(logging.StreamHandler[IO[str]]):
    """Writes to what stderr is at that moment: a progress table puts itself in its place for a while."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> IO[str]:  # type: ignore[override]
        return sys.stderr


def _about_of(record: logging.LogRecord) -> dict[str, str | int]:
    about: Mapping[str, str | int] = getattr(record, "about", {})
    return {name: redact(value) if isinstance(value, str) else value for name, value in about.items()}
