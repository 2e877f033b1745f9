"""Where a clip's mp4 comes from: a shard that has it already, else its source, else any older shard that has it."""

import hashlib
from errno import EDQUOT, ENOSPC
from pathlib import Path

from actor18m import keys
from actor18m.errors import ActorError
from actor18m.media.content import content_sha256
from actor18m.media.source import MediaError, opened
from actor18m.publish.content import Video
from actor18m.publish.mp4 import CannotDecode, write_mp4
from actor18m.publish.previous import older
from actor18m.publish.shard import Kept

_CHUNK = 1 << 20


class SourceError(ActorError):
    """A clip that must be published has no video any more."""


def fetch(video: Video, kept: Kept | None, dataset: Path, target: Path) -> str:
    """Bytes that were published once are taken before the source: they are the same, and nothing need be decoded. Says
    how they were made.
    """
    if kept is not None and _take(kept, target):
        return kept.encoding
    try:
        return _from_source(video, target)
    except _Unusable as error:
        for each in older(dataset, video.clip):
            if _take(each, target):
                return each.encoding
        raise SourceError(
            f"{video.uri}: {error}, and clip {video.clip} must be published from it; no version of the dataset holds "
            "the clip yet. Bring the file back, or leave it out (build with --sync and the inputs that are left), "
            "then run the same command again. The latest version is as it was."
        ) from error


class _Unusable(Exception):
    """The source is not what was measured; the message is the middle of a sentence."""


def _take(kept: Kept, target: Path) -> bool:
    """False, and no matter what is in the target, when the bytes are not what was published."""
    digest, left = hashlib.sha256(), kept.size
    try:
        with kept.path.open("rb") as tar, target.open("wb") as out:
            tar.seek(kept.offset)
            while chunk := tar.read(min(_CHUNK, left)):
                left -= len(chunk)
                digest.update(chunk)
                out.write(chunk)
    except FileNotFoundError:
        return False
    return digest.hexdigest() == kept.sha256


def _from_source(video: Video, target: Path) -> str:
    try:
        with opened(video.uri) as (source, _):
            content, _ = content_sha256(video.uri)
            if keys.clip_key(content, video.cut, video.crop) != video.clip:
                raise _Unusable("the file was changed since it was measured")
            return write_mp4(source, video.cut, video.crop, target)
    except MediaError as error:
        cause = "is gone" if error.kind == "missing_file" else f"cannot be read ({error.kind})"
        raise _Unusable(f"the file {cause}") from error
    except CannotDecode as error:
        raise _Unusable(f"the file cannot be decoded any more ({error})") from error
    except OSError as error:
        if error.errno in (ENOSPC, EDQUOT):
            raise
        raise _Unusable(f"the file cannot be read ({error})") from error
