"""What nobody foresaw, told in a sentence: what it was, where its traceback is, and what to do."""

import os
import tempfile
import traceback
from errno import EACCES, EDQUOT, ENOSPC, EPERM, EROFS
from pathlib import Path

from actor18m import __version__
from actor18m.redact import redact

TRACEBACK = "ACTOR18M_TRACEBACK"
"""The environment variable with which errors that nobody foresaw come with their tracebacks."""
_FULL = (ENOSPC, EDQUOT)
_NOT_ALLOWED = (EACCES, EPERM, EROFS)


def wants_traceback() -> bool:
    return os.environ.get(TRACEBACK, "") not in ("", "0")


def told(error: Exception) -> str:
    """A full disk is no bug; most other things are."""
    if isinstance(error, OSError):
        if "temporary directory" in str(error):
            return f"{error}. Set TMPDIR to a folder with room where you may write, and run the same command again."
        where = error.filename if error.filename is not None else f"a disk; TMPDIR is {tempfile.gettempdir()}"
        if error.errno in _FULL:
            return f"no space left on {where}: free some, or name another place, and run the same command again."
        if error.errno in _NOT_ALLOWED:
            return f"{where}: {error.strerror}. Give this user the right to it, or name another place."
    kind = f"{type(error).__name__}: {redact(str(error))[:300]}"
    return (
        f"{kind}\nThis is a bug of actor18m {__version__}: please report it with {_kept(error)}. What was committed "
        f"before stays; {TRACEBACK}=1 shows the traceback at once."
    )


def _kept(error: Exception) -> str:
    text = redact("".join(traceback.format_exception(error)))
    try:
        handle, name = tempfile.mkstemp(prefix="actor18m-error-", suffix=".txt", text=True)
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as out:
            out.write(text)
    except OSError:
        return f"its traceback, which could not be written to {Path(os.environ.get('TMPDIR', '/tmp'))}: set TMPDIR"
    return f"the traceback in {name}"
