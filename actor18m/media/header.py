"""Why FFmpeg does not open a file: it is no video, or one that lost its end or was damaged."""

from typing import IO

from actor18m.media.source import MediaError

_MATROSKA, _RIFF = b"\x1a\x45\xdf\xa3", b"RIFF"


def not_opened(uri: str, stream: IO[bytes], size: int, cause: str) -> MediaError:
    """By the first bytes of the file, and in MP4 by the boxes that follow."""
    stream.seek(0)
    head = stream.read(12)
    if head[4:8] in (b"ftyp", b"moov", b"mdat"):
        if _ends_inside_a_box(stream, size):
            return MediaError("truncated", f"{uri}: its end is missing; was it copied to its end?")
        return MediaError("unreadable", f"{uri}: is an MP4 that cannot be opened ({cause})")
    if head.startswith(_MATROSKA) or (head.startswith(_RIFF) and head[8:] == b"AVI "):
        return MediaError("unreadable", f"{uri}: begins like a video but cannot be opened ({cause})")
    return MediaError("not_a_video", f"{uri}: is no video that can be read; is it something else under this name?")


def _ends_inside_a_box(stream: IO[bytes], size: int) -> bool:
    at = 0
    while at < size:
        stream.seek(at)
        head = stream.read(16)
        if len(head) < 8:
            return True
        length = int.from_bytes(head[:4])
        if length == 1:
            length = int.from_bytes(head[8:])
        if length == 0:  # until the end of the file
            return False
        if length < 8:
            return False
        at += length
    return at > size
