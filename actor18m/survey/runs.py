"""The builds of a store: what each was asked, when, and how it ended.

`runs/000004.begun.json` is written when the build of epoch 4 begins, and `runs/000004.json` when it ends. Meanwhile
`runs/000004.so-far.json` tells what it took so far: of one that was killed it stays. Beside them lies its log.
"""

import json
import logging
import platform
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import fields, is_dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from actor18m import __version__, stopping
from actor18m.amounts import amount
from actor18m.errors import ActorError, Refused
from actor18m.log import run_log
from actor18m.policy.words import Words, now
from actor18m.redact import redacted
from actor18m.storage.disk import Disk
from actor18m.storage.lease import Lease, living
from actor18m.storage.store import Store, StoreError
from actor18m.survey.chain import Link
from actor18m.survey.code import code_of

log = logging.getLogger(__name__)

FINISHED, REFUSED, FAILED, INTERRUPTED = "finished", "refused", "failed", "interrupted"
RUNNING, DID_NOT_END = "running", "did not end"
"""What a run is called that has told of its beginning alone: by whether its process is still there."""

_ACCOUNT = re.compile(r"runs/(\d{6,})(\.begun|\.so-far)?\.json")


@contextmanager
def told(
    links: Iterable[Link], lease: Lease, what: Mapping[str, object], on_stderr: bool = True
) -> Iterator[dict[str, Any]]:
    """Keeps in the store when this run was, what it was asked, what it came to and how it ended. The block may say
    itself `how` it ended, and `why`. Warnings go to its log, and to stderr unless nobody looks there.
    """
    account: dict[str, Any] = dict(what) | {
        "begun": now(),
        "actor18m": __version__,
        "python": platform.python_version(),
        "stages": {
            link.name: link.recipe
            | {"fingerprint": link.fingerprint, "code": code_of(link.step), "unit": link.unit}
            | _prices(link)
            for link in links
        },
    }
    begun = time.monotonic()
    lease.create(f"runs/{lease.epoch:06d}.begun.json", as_json(account).encode())
    try:
        with _logged(lease.store, lease, on_stderr):
            yield account
    except BaseException as error:
        account |= _end(error)
        with suppress(StoreError):  # what stopped it is what to tell: a full disk, a takeover
            _keep(account, lease, begun)
        raise
    account |= {"how": FINISHED, "why": None} | account
    _keep(account, lease, begun)


def accounts(store: Store) -> list[dict[str, Any]]:
    """Of the runs so far, the last one last, by `run` and `how` each ended. One that cannot be read is left out, and
    told in the log.
    """
    found: dict[int, dict[str, Any]] = {}
    so_far: dict[int, dict[str, Any]] = {}
    alive = living(store)
    for path in store.names("runs"):
        match = _ACCOUNT.fullmatch(path)
        if match is None:
            continue
        try:
            account = json.loads(store.read(path))
        except FileNotFoundError:  # a build that ended while one looked
            continue
        except ValueError:
            account = None
        if not isinstance(account, dict) or not is_account(account):
            log.warning("%s/%s is damaged; estimates and reasons do without it", store.url, path)
            continue
        run = int(match[1])
        if match[2] is None:
            found[run] = {"how": FINISHED, "why": None} | account | {"run": run}
        elif match[2] == ".so-far":
            so_far[run] = account
        elif run not in found:
            found[run] = account | {"run": run, "how": RUNNING if run == alive else DID_NOT_END, "why": None}
    for run in so_far.keys() & found.keys():
        if is_open(found[run]):
            found[run] |= so_far[run]
    return [found[run] for run in sorted(found)]


def is_open(account: Mapping[str, object]) -> bool:
    """It has not told how it ended: it is running, or was killed."""
    return account["how"] in (RUNNING, DID_NOT_END)


def keep_so_far(lease: Lease, account: Mapping[str, Any]) -> None:
    """Of a run that goes on, in place of what was kept before; to have none of it is no reason to stop a build."""
    with suppress(OSError, ActorError):
        lease.store.place.replace(_so_far(lease), as_json(account).encode(), lease.aside)


def stages_of(account: Mapping[str, object]) -> Mapping[str, Mapping[str, Any]]:
    """Those that a run tells of as a build does."""
    stages = account.get("stages")
    if not isinstance(stages, Mapping):
        return {}
    return {
        str(name): told
        for name, told in stages.items()
        if isinstance(told, Mapping) and isinstance(told.get("fingerprint"), str)
    }


def lost_words(store: Store, words: Words) -> str | None:
    """In words how many files of words have gone since the last build; None where none has."""
    counts = ((run["run"], run["words"]) for run in reversed(accounts(store)) if isinstance(run.get("words"), int))
    run, before = next(counts, (0, 0))
    if words.files >= before:
        return None
    return (
        f"has {amount(words.files, 'file')}, and build {run:06d} had {before}: what a person denied may stand in them"
    )


def is_account(told: object) -> bool:
    """What a run left, as far as others read it without looking twice."""
    return isinstance(told, dict) and isinstance(told.get("begun"), str)


def as_json(account: Mapping[str, Any]) -> str:
    """Without secrets: arguments of commands and errors may hold some."""
    return json.dumps(redacted(json.loads(json.dumps(account, default=_plain))), indent=2) + "\n"


def _prices(link: Link) -> dict[str, object]:
    """By which what it costs is reckoned: what a worker claims of GPUs, and what is paid; nothing where neither is."""
    run = link.step.run
    prices = run.dollars_per.model_dump(exclude_defaults=True)
    return ({"gpus": run.gpus} if run.gpus else {}) | ({"dollars_per": prices} if prices else {})


def _end(error: BaseException) -> dict[str, str | None]:
    if isinstance(error, KeyboardInterrupt) or stopping.was_asked():
        return {"how": INTERRUPTED, "why": None}
    why = str(error) if isinstance(error, ActorError) else f"{type(error).__name__}: {error}"
    return {"how": REFUSED if isinstance(error, Refused) else FAILED, "why": why}


def _keep(account: dict[str, Any], lease: Lease, begun: float) -> None:
    account |= {"ended": now(), "seconds": round(time.monotonic() - begun, 1)}
    lease.create(f"runs/{lease.epoch:06d}.json", as_json(account).encode())
    with suppress(StoreError):  # nobody reads it any more
        lease.delete(_so_far(lease))


def _so_far(lease: Lease) -> str:
    return f"runs/{lease.epoch:06d}.so-far.json"


@contextmanager
def _logged(store: Store, lease: Lease, on_stderr: bool) -> Iterator[None]:
    """Into `runs/000004.log.jsonl`: line by line on a disk, at the end in an object store."""
    name = f"runs/{lease.epoch:06d}.log.jsonl"
    if isinstance(store.place, Disk):
        with run_log(store.place.root / name, on_stderr):
            yield
        return
    with TemporaryDirectory(prefix="actor18m-log-") as folder:
        path = Path(folder, "log.jsonl")
        try:
            with run_log(path, on_stderr):
                yield
        finally:
            lease.create(name, path)


def _plain(value: object) -> object:
    if isinstance(value, range):
        return [value.start, value.stop]
    if is_dataclass(value):
        return {each.name: getattr(value, each.name) for each in fields(value)}
    return str(value)
