"""What may go wrong with one clip or image: whether it would go well another time, and how long to wait until then."""

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime
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

from actor18m.errors import is_out_of_memory
from actor18m.execute.messages import Raised
from actor18m.media.source import MediaError
from actor18m.media.watch import SourceTrouble
from actor18m.redact import redact
from actor18m.stage import Failure
from actor18m.storage.remote import Unreachable
from actor18m.traces import place_of, trace_of

PATIENCE_S: Sequence[float] = (0.5, 2.0, 8.0)
"""Pauses before a clip in transient trouble is tried again; after the last it is given up for this build."""
ENOUGH = 2
"""After so many that were given up in a row, whoever follows is tried once: the trouble is not theirs."""
_PASSING = {ECONNRESET, EHOSTUNREACH, EIO, ENETDOWN, ENETUNREACH, ESTALE, ETIMEDOUT}
_PASSING |= {EDQUOT, EMFILE, ENFILE, ENOSPC}  # the machine's trouble, and no clip's
_BUSY = {408, 425, 429, 500, 502, 503, 504, 529}
_CLIENTS = {"httpx", "httpcore", "aiohttp", "requests", "urllib3", "openai", "anthropic", "http"}
_LOST = {
    "NetworkError", "TimeoutException", "RemoteProtocolError", "ProxyError", "ClientConnectionError",
    "ClientPayloadError", "APIConnectionError", "ConnectionError", "Timeout", "ChunkedEncodingError", "ProtocolError",
    "TimeoutError", "IncompleteRead",
}  # fmt: skip
"""What clients of HTTP call a connection that was lost or never came about, by name: none of them need be installed."""
_BUGS = (AttributeError, ImportError, NameError, NotImplementedError, SyntaxError, TypeError)
_MAX_TEXT = 2000


class Patience:
    """How long a worker waits for what may pass: less, once it lasted for several clips."""

    def __init__(self) -> None:
        self._given_up = 0

    @property
    def pauses_s(self) -> Sequence[float]:
        """Before another attempt, each."""
        return PATIENCE_S if self._given_up < ENOUGH else ()

    def gave_up(self) -> None:
        self._given_up += 1

    def regained(self) -> None:
        """Something went well."""
        self._given_up = 0


def is_transient(error: BaseException) -> bool:
    """Would it likely go well another time, with nothing changed?"""
    if isinstance(error, ConnectionError | TimeoutError | SourceTrouble):
        return True
    if isinstance(error, OSError) and error.errno in _PASSING:
        return True
    if isinstance(reason := getattr(error, "reason", None), Exception):  # as urllib wraps it
        return is_transient(reason)
    of_client = (kind for kind in type(error).__mro__ if kind.__module__.partition(".")[0] in _CLIENTS)
    return _status(error) in _BUSY or any(kind.__name__ in _LOST for kind in of_client)


def is_soon_over(error: BaseException) -> bool:
    """Is it worth another attempt in a few seconds?"""
    # the others are no matter of seconds, or were tried for as many as make sense
    return is_transient(error) and not isinstance(error, SourceTrouble | Unreachable)


def retry_after_s(error: BaseException) -> float | None:
    """How long whoever was asked wants to be left alone: an error's `retry_after_s`, or the header Retry-After of its
    response, in seconds or as a date.
    """
    for each in _chain(error):
        told = getattr(each, "retry_after_s", None)
        if told is None:
            told = next((value for headers in _headers(each) for value in _values(headers, "retry-after")), None)
        if told is not None and (seconds := _seconds(told)) is not None:
            return seconds
    return None


def ended_by(key: str, error: Exception) -> Failure | Raised | Exception:
    """What an error means for the one clip or image that was measured: its own failure, what the driver has to decide
    of, or a want of memory as it is.
    """
    if isinstance(error, MediaError) and not is_transient(error):
        return Failure(key, error.kind, said(error))
    return error.with_traceback(None) if is_out_of_memory(error) else what_was_raised(error)


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


def _status(error: BaseException) -> object:
    """Of HTTP, by whatever name a client gives it."""
    response = getattr(error, "response", None)
    found = (getattr(each, name, None) for each in (error, response) for name in ("status_code", "status", "code"))
    return next((each for each in found if isinstance(each, int)), None)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _headers(error: BaseException) -> Iterator[Mapping[str, object]]:
    for owner in (error, getattr(error, "response", None)):
        if hasattr(headers := getattr(owner, "headers", None), "items"):
            yield headers  # type: ignore[misc]


def _values(headers: Mapping[str, object], name: str) -> Iterator[object]:
    return (value for key, value in headers.items() if str(key).lower() == name)


def _seconds(told: object) -> float | None:
    try:
        return max(0.0, float(str(told)))
    except ValueError:
        pass
    try:
        at = parsedate_to_datetime(str(told))
    except ValueError:
        return None
    return max(0.0, (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - time.time())
