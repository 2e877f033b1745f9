"""What Ray tells of an actor's death, what the actor's code raised, and what it had begun.

Ray sees a socket close, whatever closed it, and names the likely causes. An answer that was on its way then is lost:
of two calls that did not come back, the first may have ended well. So an actor leaves a note, outside of its process,
of what it begins: 0.2 ms each in Ray's own key-value store.
"""

import re
from dataclasses import dataclass

from ray.exceptions import (
    ActorUnavailableError,
    NodeDiedError,
    OutOfMemoryError,
    RayActorError,
    RayTaskError,
    RuntimeEnvSetupError,
)
from ray.experimental import internal_kv

from actor18m.errors import ActorError
from actor18m.execute.deaths import Death, exited
from actor18m.execute.trouble import said
from actor18m.redact import redact

SETTING_UP = -1
"""In the place of a task's number."""
BESIDE: Death = ("lost", "ended while this call waited, or before its answer was sent")
_LOST: Death = ("lost", "was lost with its machine, or cannot be reached")
NO_ENVIRONMENT = "no_environment"
"""The kind of one that Ray could not make what its stage says for, though it tries several times itself."""
_NOTES = b"actor18m"
_MOST_LETTERS = 500
_CRASHED: Death = ("killed", "crashed or was killed, by a segmentation fault for example or for want of memory")
_NO_MEMORY: Death = ("out_of_memory", "was stopped since its machine had hardly any memory left")


def death(error: BaseException) -> Death:
    """From what a call that did not come back raised."""
    text = str(error)
    if isinstance(error, RuntimeEnvSetupError):
        return NO_ENVIRONMENT, f"got no environment, since Ray could not make it: {_last_words(text)}"
    if isinstance(error, OutOfMemoryError) or "low on memory" in text:
        return _NO_MEMORY
    is_preempted = isinstance(error, RayActorError) and error.preempted
    if is_preempted or isinstance(error, ActorUnavailableError | NodeDiedError) or "node has died" in text:
        return _LOST
    if code := re.search(r"exit code (-?\d+)", text):
        return exited(int(code[1]))
    if "connection error" in text:
        return _CRASHED
    return "killed", f"ended: {_last_words(text) or type(error).__name__}"


def _last_words(text: str) -> str:
    """What a long trace ends with: `said` would keep its beginning, and cut it anywhere."""
    telling = [line.strip() for line in text.splitlines() if line.strip(" ^~")]
    return redact(telling[-1])[:_MOST_LETTERS] if telling else ""


def raised_in(error: BaseException) -> Exception | None:
    """What the actor's code raised; None when it did not, and the actor died."""
    if not isinstance(error, RayTaskError):
        return None
    if isinstance(error.cause, Exception):
        return error.cause
    return ActorError(said(error))  # its class cannot travel; what it says can


@dataclass(frozen=True)
class Begun:
    """What an actor noted last."""

    task: int
    """Number of the task that it is at, or ended last; or that it is being set up."""
    clips: int
    """Of it that are measured."""


def note_begun(actor: str, task: int, clips: int = 0) -> None:
    internal_kv._internal_kv_put(actor.encode(), f"{task} {clips}".encode(), overwrite=True, namespace=_NOTES)


def last_begun(actor: str) -> Begun | None:
    note: bytes | None = internal_kv._internal_kv_get(actor.encode(), namespace=_NOTES)
    return Begun(*map(int, note.split())) if note else None


def drop_note(actor: str) -> None:
    internal_kv._internal_kv_del(actor.encode(), namespace=_NOTES)
