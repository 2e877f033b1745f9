"""The clips that ship inside the package: each a video and, beside it, a JSON with its truth."""

import filecmp
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from actor18m.errors import ActorError

SHIPPED = Path(str(resources.files("actor18m.samples"))) / "clips"
VIDEO_SUFFIXES = (".mp4", ".mkv")


@dataclass(frozen=True)
class ShippedClip:
    name: str
    video: Path
    truth: Path

    @property
    def files(self) -> tuple[Path, Path]:
        return self.video, self.truth

    @property
    def size_bytes(self) -> int:
        return sum(file.stat().st_size for file in self.files)


def find_clips(folder: Path = SHIPPED) -> list[ShippedClip]:
    """The folder's clips by name. A video without truth, or the other way round, is an error."""
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    videos = [file for file in files if file.suffix in VIDEO_SUFFIXES]
    truths = {file.stem: file for file in files if file.suffix == ".json"}
    if not videos:
        raise ActorError(f"There are no sample clips in {folder}. Install the package again, or render a set there.")
    clips = []
    for video in videos:
        truth = truths.pop(video.stem, None)
        if truth is None:
            raise ActorError(f"{video} has no truth: {video.stem}.json is missing, or belongs to another video.")
        clips.append(ShippedClip(video.stem, video, truth))
    if truths:
        raise ActorError(f"{next(iter(truths.values()))} is the truth of a video that is missing from the folder.")
    return clips


def copy_clips(clips: Sequence[ShippedClip], folder: Path, *, force: bool = False) -> int:
    """Copies videos and truths and returns how many files were written. Files that are there already are left alone.

    Nothing is written when a file in the folder differs, unless forced. Each file appears whole or not at all.
    """
    wanted = {folder / file.name: file for clip in clips for file in clip.files}
    try:
        differing = [target for target, file in wanted.items() if target.exists() and not _same(file, target)]
        if differing and not force:
            more = f" and {len(differing) - 1} more" if len(differing) > 1 else ""
            raise ActorError(
                f"{differing[0]}{more} would be overwritten with other content. "
                "Name another folder, or add --force to replace what is there."
            )
        folder.mkdir(parents=True, exist_ok=True)
        missing = {target: file for target, file in wanted.items() if target in differing or not target.exists()}
        for target, file in missing.items():
            _copy_whole(file, target)
    except OSError as error:
        raise ActorError(f"The clips could not be copied to {folder}: {error}.") from error
    return len(missing)


def _same(file: Path, other: Path) -> bool:
    return other.is_file() and filecmp.cmp(file, other, shallow=False)


def _copy_whole(file: Path, target: Path) -> None:
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        shutil.copyfile(file, part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
