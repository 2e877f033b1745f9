"""Places elsewhere, through fsspec: the one way to ask them anything, so that no call of theirs waits for ever, fails
at the first hiccup, or ends in a driver's own words.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

from actor18m.errors import ActorError
from actor18m.inputs import shown
from actor18m.redact import redact
from actor18m.storage.causes import (
    NO_BUCKET,
    Refusal,
    brief,
    is_of_dropped_upload,
    is_of_no_bucket,
    is_of_nobody,
    is_passing,
    is_without_words,
    refusal_of,
    retry_after,
)

T = TypeVar("T")

AMAZON = ("s3", "s3a")
GOOGLE = ("gs", "gcs")
"""Schemes of whose drivers more is known than fsspec says."""
TIMEOUT = "ACTOR18M_NETWORK_TIMEOUT_S"
"""The environment variable with the seconds that a place may be silent."""
_SILENT_S = 30.0
_CONNECT_S = 10.0
_CALL = 4
"""A call may take so many times as long: for drivers that have no time-outs of their own."""
_PATIENCE = 2
"""A place is tried for so many times as long..."""
_NOBODY_THERE_S = 10.0
"""...but no longer than this where nobody listens at all."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 2.0
_GAVE_UP_FOR_S = 60.0
"""A place that was given up is tried once a call for so long: else each of many files would be waited for."""
_SLOWEST_BYTES_S = 256 << 10
_PASSED_ON = (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError, ActorError, MemoryError)

_log = logging.getLogger(__name__)
_gave_up: dict[str, float] = {}


class Unreachable(ActorError, ConnectionError):
    """The place was tried for as long as makes sense. It says nothing about what lies there."""


class NoAccess(ActorError, PermissionError):
    """The place answers, and does not let us in."""


def at(uri: str) -> tuple[Any, str]:
    """The file system behind a URI, and the path in it. It remembers no listing, so that what it says is true now."""
    scheme = uri.partition("://")[0]
    try:
        driver = _driver(scheme)
        fs = driver(**driver._get_kwargs_from_urls(uri), **_patience_of(scheme), use_listings_cache=False)
        if scheme in AMAZON:
            fs.retries = 1  # whoever retries must know which attempt is the first
        return fs, driver._strip_protocol(uri)
    except ImportError as error:
        raise ActorError(
            f"{shown(uri)} cannot be reached: its driver is not installed. Install it: pip install {_package(uri)}"
        ) from error
    except (ValueError, TypeError, OSError) as error:
        raise ActorError(f"{shown(uri)} cannot be reached: {redact(str(error))}") from error


def _driver(scheme: str) -> Any:
    """What fsspec has for it; imported here, and not above: on a disk nobody waits for that."""
    if scheme in GOOGLE:
        # Not fsspec's choice, which before anything else asks a second service about the bucket, for up to a minute
        # where that cannot be reached. It writes tracebacks to the log, and what they say is told in our words.
        from gcsfs.core import GCSFileSystem

        logging.getLogger("gcsfs").setLevel(logging.CRITICAL)
        return GCSFileSystem
    from fsspec import get_filesystem_class

    return get_filesystem_class(scheme)


def asked(uri: str, what: str, ask: Callable[[], T], seconds: float | None = None) -> T:
    """What the place answers, tried again with growing pauses while its trouble looks as if it would pass.
    FileNotFoundError and the like come as they are. `seconds`: how long one call may take.
    """
    begun, pause, tries, told = time.monotonic(), _FIRST_PAUSE_S, 0, False
    silent_s = timeout_s()
    while True:
        tries += 1
        try:
            answer = _watched(uri, ask, seconds or _CALL * silent_s)
        except _PASSED_ON as error:
            if what == "write" and isinstance(error, FileNotFoundError) and not is_of_dropped_upload(error):
                raise _refused(uri, what, NO_BUCKET, error) from error
            raise
        except Exception as error:
            worded = _in_words(uri, error)
            if refusal := refusal_of(worded, uri.partition("://")[0] in (*AMAZON, *GOOGLE)):
                raise _refused(uri, what, refusal, worded) from error
            if not is_passing(error):
                raise ActorError(f"cannot {what} {shown(uri)}: {type(error).__name__}: {brief(error)}") from error
            pause = max(pause, retry_after(error))
            spent = time.monotonic() - begun
            if spent + pause > _patience_s(uri, error, silent_s):
                _gave_up[_place(uri)] = time.monotonic()
                raise Unreachable(
                    f"cannot {what} {shown(uri)}: {brief(error) or type(error).__name__}; tried {tries} times in "
                    f"{spent:.0f} s. See that the place can be reached and has recovered, and run this again"
                ) from error
            if spent > silent_s / 4 and not told:
                told = True
                _log.warning("%s does not answer (%s); trying on", shown(uri), brief(error) or type(error).__name__)
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)
        else:
            _gave_up.pop(_place(uri), None)
            return answer


def call_s(size: int) -> float:
    """How long the transfer of so many bytes may take."""
    return _CALL * timeout_s() + size / _SLOWEST_BYTES_S


def timeout_s() -> float:
    try:
        return float(os.environ.get(TIMEOUT) or _SILENT_S)
    except ValueError as error:
        raise ActorError(f"{TIMEOUT} is {os.environ[TIMEOUT]!r}, which is no number of seconds") from error


def _patience_of(scheme: str) -> dict[str, Any]:
    """The driver's own time-outs, and no retries of its own; what a person configured for fsspec counts more."""
    from fsspec.config import conf

    silent_s = timeout_s()
    given = conf.get(scheme, {})
    if scheme in AMAZON:
        ours = {"connect_timeout": min(_CONNECT_S, silent_s), "read_timeout": silent_s,
                "retries": {"total_max_attempts": 1, "mode": "standard"}}  # fmt: skip
        return {"config_kwargs": {**ours, **given.get("config_kwargs", {})}}
    if scheme in ("http", "https"):
        return {"client_kwargs": {"timeout": _of_aiohttp(silent_s), **given.get("client_kwargs", {})}}
    if scheme in GOOGLE:
        return {"requests_timeout": _of_aiohttp(silent_s), **given}
    return {}


def _of_aiohttp(silent_s: float) -> Any:
    import aiohttp

    return aiohttp.ClientTimeout(total=None, sock_connect=min(_CONNECT_S, silent_s), sock_read=silent_s)


def _watched(uri: str, ask: Callable[[], T], seconds: float) -> T:
    """In a thread that is left behind when it does not come back: a driver may wait for an answer for ever."""
    answers: list[T] = []
    errors: list[BaseException] = []
    done = threading.Event()

    def run() -> None:
        try:
            answers.append(ask())
        except BaseException as error:
            errors.append(error)
        finally:
            done.set()

    threading.Thread(target=run, name=f"actor18m-{_place(uri)[:40]}", daemon=True).start()
    if not done.wait(seconds):
        raise TimeoutError(f"no answer within {seconds:.0f} s")
    if errors:
        raise errors[0]
    return answers[0]


def _patience_s(uri: str, error: BaseException, silent_s: float) -> float:
    gave_up = _gave_up.get(_place(uri))
    if gave_up is not None and time.monotonic() - gave_up < _GAVE_UP_FOR_S:
        return 0
    patience_s = _PATIENCE * silent_s
    return min(patience_s, _NOBODY_THERE_S) if is_of_nobody(error) else patience_s


def _in_words(uri: str, error: Exception) -> Exception:
    """Whether an object is there, S3 tells without words, also why it does not tell. To be shown a list is refused for
    the same reason.
    """
    if not uri.startswith(tuple(f"{scheme}://" for scheme in AMAZON)) or not is_without_words(error):
        return error
    try:
        fs, path = at(uri)
        bucket = fs.split_path(path)[0]
        _watched(uri, lambda: fs.call_s3("list_objects_v2", Bucket=bucket, MaxKeys=1), _CALL * timeout_s())
    except Exception as told:
        return told if refusal_of(told) else error
    return error


def refuse_no_bucket(uri: str) -> None:
    """For whom it matters whether there is nothing at a place, or not even its bucket. Of what else is wrong with it
    nothing is said here.
    """
    scheme = uri.partition("://")[0]
    if scheme not in (*AMAZON, *GOOGLE):
        return
    fs, path = at(uri)
    bucket = fs.split_path(path)[0]

    def look() -> None:
        if scheme in AMAZON:
            fs.call_s3("list_objects_v2", Bucket=bucket, MaxKeys=1)
        else:
            fs.call("GET", "b/{}/o", bucket, maxResults=1, json_out=True)

    try:
        _watched(uri, look, _CALL * timeout_s())
    except Exception as error:
        if is_of_no_bucket(error) or isinstance(error, FileNotFoundError):
            raise _refused(uri, "look at", NO_BUCKET, error) from error


def _refused(uri: str, what: str, refusal: Refusal, error: BaseException) -> ActorError:
    told = f"cannot {what} {shown(uri)}: {refusal.cause} ({brief(error) or type(error).__name__}). {refusal.way_out}"
    return NoAccess(told) if refusal.is_of_access else ActorError(told)


def _place(uri: str) -> str:
    """Scheme and host or bucket."""
    return "/".join(uri.split("/")[:3])


def _package(uri: str) -> str:
    """That has the driver: packages of fsspec's drivers are called as their modules."""
    from fsspec.registry import known_implementations

    known = cast(dict[str, str], known_implementations.get(uri.partition("://")[0], {}))
    return known.get("class", "fsspec").partition(".")[0].replace("_", "-")
