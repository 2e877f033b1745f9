"""Where an error came from, in few words: the last line of code that is neither Python's nor an installed library's."""

import sys
import traceback
from pathlib import Path

from actor18m.redact import redact

_INSTALLED = ("site-packages", "dist-packages")
_STANDARD = str(Path(traceback.__file__).parent)
_LONGEST = 4000


def place_of(error: BaseException) -> str:
    """`mine.py:31`, below the folder that it is imported from; empty when nothing was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not _is_library(frame.filename)]
    if not frames:
        return ""
    last = (own or frames)[-1]
    return f"{_short(last.filename)}:{last.lineno}"


def trace_of(error: BaseException) -> str:
    """The traceback without secrets; of a long one its end, which tells the most."""
    text = redact("".join(traceback.format_exception(error))).strip()
    return text if len(text) <= _LONGEST else f"…{text[-_LONGEST:]}"


def _is_library(file: str) -> bool:
    return file.startswith((_STANDARD, "<frozen")) or any(part in Path(file).parts for part in _INSTALLED)


def _short(file: str) -> str:
    """The same on every machine, wherever the code lies there."""
    path = Path(file)
    folders = [folder for folder in map(Path, filter(None, sys.path)) if path.is_relative_to(folder)]
    return path.relative_to(max(folders, key=lambda folder: len(folder.parts))).as_posix() if folders else path.name
