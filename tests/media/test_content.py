import hashlib
import os
import time
from pathlib import Path

import pytest

from actor18m.inputs import canonical_uri
from actor18m.media.content import content_sha256
from actor18m.media.source import MediaError

TICK_S = 0.02
"""Times of inodes are told by the kernel's ticks."""


def test_a_hash_is_made_once_until_the_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.mp4"
    uri = canonical_uri(path)
    path.write_bytes(b"one")
    first = hashlib.sha256(b"one").hexdigest(), 3
    assert content_sha256(uri) == first
    seen = path.stat().st_mtime_ns

    monkeypatch.setattr(hashlib, "sha256", None)
    assert content_sha256(uri) == first, "it was not read again"
    monkeypatch.undo()
    time.sleep(TICK_S)
    path.write_bytes(b"two")
    os.utime(path, ns=(seen, seen))
    assert content_sha256(uri) == (hashlib.sha256(b"two").hexdigest(), 3), "though size and time are as before"


def test_a_file_that_is_not_there_has_no_hash(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"gone\.mp4: there is no such file"):
        content_sha256(canonical_uri(tmp_path / "gone.mp4"))
