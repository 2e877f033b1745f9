"""The FFmpeg that PyAV's wheel carries, for libraries that look for one on the machine."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

import av

_LINKED = re.compile(r"(lib(?:av|sw)[a-z]+)-[0-9a-f]+(\.so\.\d+)[.\d]*")


def environment(folder: Path) -> Mapping[str, str]:
    """For a process of its own, since the loader reads it once, as it begins. In the folder stand the libraries under
    the names that they were built with, and under those that the wheel gave them."""
    folder.mkdir(exist_ok=True)
    for library in Path(av.__file__).parent.with_name("av.libs").iterdir():
        (folder / library.name).symlink_to(library)
        if match := _LINKED.fullmatch(library.name):
            (folder / "".join(match.groups())).symlink_to(library)
    return {**os.environ, "LD_LIBRARY_PATH": str(folder)}
