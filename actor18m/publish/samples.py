"""Where a clip's mp4 comes from: a shard that has it already, else its source, else any older shard that has it."""

import hashlib
from pathlib import Path

from actor18m.dataset.root import Dataset
from actor18m.errors import ActorError
from actor18m.publish.content import AcceptedClip
from actor18m.publish.mp4 import CannotDecode, write_mp4
from actor18m.publish.original import Originals, Unusable
from actor18m.publish.previous import older
from actor18m.publish.shard import PublishedMp4

_CHUNK = 1 << 20


class SourceError(ActorError):
    """A clip that should be published has no video now."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (self.kind, str(self))


def fetch(video: AcceptedClip, kept: PublishedMp4 | None, dataset: Dataset, target: Path, originals: Originals) -> str:
    """Bytes that were published once are taken before the source: they are the same, and nothing need be decoded. Of
    several sources that are copies of each other, the first that can be had is as good as any. Says how they were made.
    """
    if kept is not None and _take(dataset, kept, target):
        return kept.encoding
    troubles: list[tuple[str, Unusable]] = []
    for uri in (video.uri, *video.copies):
        try:
            return _from_source(video, uri, target, originals)
        except Unusable as error:
            troubles.append((uri, error))
    for each in older(dataset, video.clip):
        if _take(dataset, each, target):
            return each.encoding
    told = "; ".join(f"{uri}: the file {error.cause}" for uri, error in troubles)
    raise SourceError(troubles[0][1].kind, f"{told}, and no version of the dataset holds its clip, or not undamaged")


def _take(dataset: Dataset, kept: PublishedMp4, target: Path) -> bool:
    """False, and no matter what is in the target, when the bytes are not what was published."""
    digest, left = hashlib.sha256(), kept.size
    try:
        with dataset.place.open(kept.path) as tar, target.open("wb") as out:
            tar.seek(kept.offset)
            while chunk := tar.read(min(_CHUNK, left)):
                left -= len(chunk)
                digest.update(chunk)
                out.write(chunk)
    except FileNotFoundError:
        return False
    return digest.hexdigest() == kept.sha256


def _from_source(video: AcceptedClip, uri: str, target: Path, originals: Originals) -> str:
    with originals.open(video, uri) as source:
        try:
            return write_mp4(source, video.cut, video.crop, target)
        except CannotDecode as error:
            raise Unusable("unreadable", f"cannot be decoded any more ({error})") from error
