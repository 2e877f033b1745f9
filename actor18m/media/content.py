"""The content hash of a file, made once for all windows of it that a process measures."""

import hashlib
from collections import OrderedDict

from actor18m.media.source import FileSeen, opened

_KEPT = 1024
_CHUNK = 1 << 20
_hashed: OrderedDict[tuple[str, FileSeen], str] = OrderedDict()


def content_sha256(uri: str) -> tuple[str, int]:
    """SHA-256 in hex, and how many bytes were hashed. Kept by name and version."""
    with opened(uri) as (stream, seen):
        known = (uri, seen)
        if seen.tells_changes and known in _hashed:
            _hashed.move_to_end(known)
            return _hashed[known], seen.size
        digest, size = hashlib.sha256(), 0
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    if size == seen.size and seen.tells_changes:
        _hashed[known] = digest.hexdigest()
        if len(_hashed) > _KEPT:
            _hashed.popitem(last=False)
    return digest.hexdigest(), size
