"""Writes to an object that its place refuses when somebody else wrote to it meanwhile, in the words of each driver."""

from typing import Any

from actor18m.storage.causes import statuses
from actor18m.storage.remote import AMAZON, GOOGLE

ABSENT = ""
"""The mark of an object that is not there."""
CREATE = "create"
_MARKS = ("generation", "ETag", "etag", "LastModified", "mtime", "created")
_PRECONDITION_FAILED = 412


def mark_of(fs: Any, path: str) -> str:
    """What no other content of the object has."""
    try:
        told = fs.info(path)
    except FileNotFoundError:
        return ABSENT
    if told.get("type", "file") != "file":
        return ABSENT
    return str(next((told[name] for name in _MARKS if told.get(name)), "unknown"))


def put_over(scheme: str, fs: Any, path: str, content: bytes, mark: str) -> None:
    """Raises FileExistsError, and changes nothing, where the object's mark is another one by now. Where the driver
    knows no such condition it looks first and then writes.
    """
    try:
        if mark == ABSENT:
            fs.pipe_file(path, content, mode=CREATE)
        elif scheme in AMAZON:
            fs.pipe_file(path, content, IfMatch=mark)
        elif scheme in GOOGLE:
            _put_over_generation(fs, path, content, mark)
        elif mark_of(fs, path) == mark:
            fs.pipe_file(path, content)
        else:
            raise FileExistsError(path)
    except OSError as error:
        has_gone = isinstance(error, FileNotFoundError) and mark != ABSENT
        if has_gone or is_refused(error):
            raise FileExistsError(path) from error
        raise


def is_refused(error: OSError) -> bool:
    """Is it that the condition does not hold? Drivers say so differently."""
    return isinstance(error, FileExistsError) or _PRECONDITION_FAILED in statuses(error)


def _put_over_generation(fs: Any, path: str, content: bytes, generation: str) -> None:
    """Google's driver can ask that there is no object, but not that it is still the same one."""
    bucket, name, _ = fs.split_path(path)
    fs.call(
        "POST",
        f"{fs.base.removesuffix('storage/v1/')}upload/storage/v1/b/{bucket}/o",
        uploadType="media",
        name=name,
        ifGenerationMatch=generation,
        headers={"Content-Type": "application/octet-stream"},
        data=content,
    )
