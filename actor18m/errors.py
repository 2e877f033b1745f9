"""The one kind of trouble that a person can mend."""

from collections.abc import Iterable
from difflib import get_close_matches

_NO_MEMORY = "out of memory", "failed to allocate memory", "can't allocate memory", "status_alloc_failed"


class ActorError(Exception):
    """Its message says what went wrong, where, and what to do about it. The command line prints it and exits with 1."""


class WrongUsage(ActorError):
    """What was asked for does not exist: a mistyped stage, rule or subset. The command line exits with 2."""


class Refused(ActorError):
    """The version that would be made is not what was meant, in all likelihood. The latest one is as it was. The command
    line exits with 3.
    """


def instead_of(wrong: str, known: Iterable[str]) -> str:
    """What a misspelt name may have meant, as the end of a sentence."""
    names = sorted(known)
    if close := get_close_matches(wrong, names, n=1, cutoff=0.6):
        return f"did you mean {close[0]}?"
    return f"there are: {', '.join(names)}" if names else "there are none"


def is_out_of_memory(error: BaseException) -> bool:
    """Of this machine or of its GPU. Python says it by a class, as torch and CuPy do of a GPU; torch of the CPU, CUDA's
    libraries and onnxruntime say it in words alone."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    is_native = isinstance(error, RuntimeError) or type(error).__module__.startswith("onnxruntime")
    return is_native and any(words in str(error).lower() for words in _NO_MEMORY)
