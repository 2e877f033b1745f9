"""A clip as an MP4 that holds its pictures, upright in every reader, and nothing else: always the same bytes.

Streams are copied where MP4 can hold them and the clip is the whole file; else, and where a file says that its pictures
are to be turned, the window is encoded anew. Colours and each picture's time survive. Dropped are all tags (place,
device, creation time, encoder), within the streams too, and all that is not the picture: no stage has listened to the
sound, and other tracks may carry the place.

Damage where no stage has looked is no reason to publish nothing: a copy carries it along, and what is encoded leaves
out the pictures that cannot be decoded.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EDQUOT, ENOSPC
from pathlib import Path
from typing import IO, Literal

import av
from av.container import InputContainer

from actor18m.media.opening import FORMATS, Cut, Limits, moving_pictures
from actor18m.media.source import FileSeen, MediaError
from actor18m.media.video import Crop, Video
from actor18m.publish.copying import CannotCopy, copy
from actor18m.publish.encoding import encode

WRITER = 2
"""Raised when the same clip would get other bytes."""

Made = Literal["copied", "encoded"]
_FULL = (ENOSPC, EDQUOT)
_ANY = Limits(max_pixels=2**31 - 1, max_duration_s=float("inf"))
"""What is published was measured within the pipeline's limits."""


class CannotDecode(Exception):
    """The file has no pictures that can be read."""


def write_mp4(source: IO[bytes], cut: Cut | None, crop: Crop | None, target: Path) -> Made:
    """`cut` counts pictures, `crop` is x0, x1, y0, y1 of the upright picture. Says how it was made."""
    try:
        if cut is None and crop is None and _is_copied(source, target):
            return "copied"
        with _opened(source) as given:
            encode(Video("it", given, _ANY, cut, FileSeen(0, "")), crop, target)
        return "encoded"
    except av.FFmpegError as error:
        if error.errno in _FULL:
            raise OSError(error.errno, os.strerror(error.errno), str(target)) from error
        raise CannotDecode(str(error)) from error
    except MediaError as error:
        raise CannotDecode(str(error)) from error


def _is_copied(source: IO[bytes], target: Path) -> bool:
    try:
        with _opened(source) as given:
            video = moving_pictures(given)
            if video is None:
                raise CannotDecode("there is no video in it")
            video.thread_type = "NONE"
            video.codec_context.thread_count = 1
            copy(given, video, target)
    except CannotCopy:
        return False
    except av.FFmpegError as error:
        if error.errno in _FULL:
            raise
        return False
    return True


@contextmanager
def _opened(source: IO[bytes]) -> Iterator[InputContainer]:
    source.seek(0)
    with av.open(source, "r", metadata_errors="ignore", container_options={"format_whitelist": FORMATS}) as given:
        yield given
