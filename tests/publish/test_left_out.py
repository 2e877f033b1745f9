"""What cannot be had of one clip leaves out that clip, and no other bytes take its place."""

import errno
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import IO
from uuid import uuid4

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from actor18m.media.opening import Cut
from actor18m.media.source import opened
from actor18m.media.video import Crop
from actor18m.publish import AcceptedClip, Published, publish
from actor18m.publish.content import Part, Reference
from actor18m.publish.left_out import LeftOut, without
from actor18m.publish.mp4 import write_mp4
from tests.publish.material import FACTS, PIPELINE, key_of, lot, sample, tree, video

DARK, LOW, SECOND = map(sample, ("very_dark_1", "low_resolution_1", "one_second_1"))
TICK_S = 0.02
"""Times of inodes are told by the kernel's ticks."""


def published(dataset: Path, *videos: AcceptedClip) -> Published:
    return publish(dataset, [lot(0, videos), lot(1, [video(LOW)])], PIPELINE, FACTS)


def states(version: Published, table: str) -> dict[str, tuple[str, str | None]]:
    rows = pq.read_table(Path(version.path, "metadata", table)).to_pylist()
    return {row["clip"]: (row["state"], row["stage"]) for row in rows}


def edited(path: Path) -> None:
    """With the size and the time that it had."""
    before = path.stat()
    time.sleep(TICK_S)
    with path.open("r+b") as out:
        out.seek(before.st_size // 2)
        byte = out.read(1)[0]
        out.seek(before.st_size // 2)
        out.write(bytes([byte ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def replaced(path: Path) -> None:
    path.write_bytes(DARK.read_bytes())


def piped(path: Path) -> None:
    """Nobody writes into it: whoever opens it as a file waits for ever."""
    path.unlink()
    os.mkfifo(path)


TROUBLES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing_file": (Path.unlink, "is gone"),
    "changed": (edited, "was changed since it was measured"),
    "changed by far": (replaced, "was changed since it was measured"),
    "not_a_video": (piped, r"cannot be read (not_a_video)"),
}


@pytest.mark.parametrize("cut", [None, (0, 10)], ids=["whole", "window"])
@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_clip_that_is_nowhere_is_left_out_and_named_and_the_others_are_published(
    trouble: str, cut: tuple[int, int] | None, tmp_path: Path
) -> None:
    here = Path(shutil.copy(SECOND, tmp_path))
    lost, stays = video(here, cut), video(DARK)
    happens, cause = TROUBLES[trouble]
    happens(here)
    version = published(tmp_path / "d", lost, stays)
    assert version.left_out.keys() == {lost.clip}
    told = version.left_out[lost.clip]
    assert told.kind == trouble.partition(" ")[0]
    assert f"one_second_1.mp4: the file {cause}, and no version" in told.cause
    pending, accepted = ("pending", "publish"), ("accepted", None)
    for table in ("inputs", "clips"):
        assert states(version, table) == {lost.clip: pending, stays.clip: accepted, key_of(LOW): accepted}
    (row,) = (
        each for each in pq.read_table(Path(version.path, "metadata", "clips")).to_pylist() if each["shard"] is None
    )
    assert (row["clip"], row["why"]) == (lost.clip, f"publish: {told.kind}")
    assert "2 videos of 3 clips" in Path(version.path, "README.md").read_text()
    assert version.shards_made == 2
    again = published(tmp_path / "d", lost, stays)
    assert not again.is_new
    assert again.left_out.keys() == {lost.clip}

    here.unlink(missing_ok=True)
    shutil.copy(SECOND, here)
    healed = published(tmp_path / "d", lost, stays)
    assert not healed.left_out
    undisturbed = published(tmp_path / "undisturbed", lost, stays)
    assert tree(Path(healed.path)) == tree(Path(undisturbed.path))


def test_an_error_of_any_kind_leaves_out_its_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:

    def unforeseen(source: IO[bytes], cut: Cut | None, crop: Crop | None, target: Path) -> str:
        if cut is not None:
            raise LookupError("no such encoder")
        return write_mp4(source, cut, crop, target)

    monkeypatch.setattr("actor18m.publish.samples.write_mp4", unforeseen)
    odd = video(SECOND, (0, 10))
    version = published(tmp_path / "d", odd, video(DARK))
    assert version.left_out[odd.clip].kind == "LookupError"
    assert version.left_out[odd.clip].cause.endswith(
        "one_second_1.mp4: cannot be published (LookupError: no such encoder)"
    )
    assert len(states(version, "clips")) == 3


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EROFS])
def test_what_the_disk_cannot_do_is_no_clips_fault(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*given: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("actor18m.publish.samples.write_mp4", fails)
    with pytest.raises(Exception, match=os.strerror(number) if number != errno.ENOSPC else "no space left"):
        published(tmp_path / "d", video(DARK))
    assert not (tmp_path / "d" / "latest").exists()


@pytest.mark.parametrize("how", ["edit", "replace"])
@pytest.mark.parametrize("cut", [None, (0, 10)], ids=["whole", "window"])
def test_a_file_that_changes_while_it_is_published_changes_nothing(
    cut: tuple[int, int] | None, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy was taken, or the open file is still what it was; or else the clip is left out."""
    here = Path(shutil.copy(SECOND, tmp_path))
    given = video(here, cut)

    def meanwhile(source: IO[bytes], cut: Cut | None, crop: Crop | None, target: Path) -> str:
        if here.stat().st_ino == inode and here.read_bytes() == SECOND.read_bytes():
            if how == "edit":
                edited(here)
            else:
                shutil.copy(LOW, tmp_path / "other.mp4")
                (tmp_path / "other.mp4").rename(here)
        return write_mp4(source, cut, crop, target)

    inode = here.stat().st_ino
    monkeypatch.setattr("actor18m.publish.samples.write_mp4", meanwhile)
    version = publish(tmp_path / "d", [lot(0, [given])], PIPELINE, FACTS)
    if cut is None:
        assert not version.left_out
    elif how == "edit":
        assert "was changed while it was read" in version.left_out[given.clip].cause
    monkeypatch.undo()
    if not version.left_out:
        here.unlink()
        shutil.copy(SECOND, here)
        right = publish(tmp_path / "right", [lot(0, [given])], PIPELINE, FACTS)
        assert tree(Path(version.path)) == tree(Path(right.path))


def test_what_is_published_is_compared_with_what_was_measured_and_not_with_what_was_hashed_before(
    tmp_path: Path,
) -> None:
    """Other bytes under the same name, size and time, in one process."""
    here = Path(shutil.copy(SECOND, tmp_path))
    first = publish(tmp_path / "one", [lot(0, [video(here)])], PIPELINE, FACTS)
    assert not first.left_out
    given = video(here)
    edited(here)
    assert publish(tmp_path / "two", [lot(0, [given])], PIPELINE, FACTS).left_out.keys() == {given.clip}


def test_a_copy_serves_where_the_first_source_has_gone(tmp_path: Path) -> None:
    here, copy = Path(shutil.copy(SECOND, tmp_path)), Path(shutil.copy(SECOND, tmp_path / "copy.mp4"))
    given = replace(video(here), copies=(f"file://{copy}",))
    here.unlink()
    assert not published(tmp_path / "d", given).left_out
    copy.unlink()
    told = published(tmp_path / "e", given).left_out[given.clip]
    assert "one_second_1.mp4: the file is gone; file://" in told.cause
    assert "copy.mp4: the file is gone, and no version" in told.cause


def test_windows_of_one_film_read_it_once_for_its_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opens: list[str] = []

    def counted(uri: str) -> object:
        opens.append(uri)
        return opened(uri)

    monkeypatch.setattr("actor18m.publish.original.opened", counted)
    windows = [video(SECOND, (start, start + 8)) for start in range(0, 16, 2)]
    assert not publish(tmp_path / "d", [lot(0, windows)], PIPELINE, FACTS).left_out
    assert len(opens) == 1


@pytest.mark.parametrize("cut", [None, (0, 10)], ids=["whole", "window"])
def test_objects_are_published_and_left_out_likewise(cut: tuple[int, int] | None, tmp_path: Path) -> None:
    fs = fsspec.filesystem("memory")
    uri = f"memory://{uuid4().hex}/a.mp4"
    fs.pipe_file(uri, SECOND.read_bytes())
    given = replace(video(SECOND, cut), uri=uri)
    assert not publish(tmp_path / "d", [lot(0, [given])], PIPELINE, FACTS).left_out
    fs.pipe_file(uri, DARK.read_bytes())
    assert publish(tmp_path / "e", [lot(0, [given])], PIPELINE, FACTS).left_out[given.clip].kind == "changed"
    fs.rm(uri)
    assert publish(tmp_path / "f", [lot(0, [given])], PIPELINE, FACTS).left_out[given.clip].kind == "missing_file"


def test_blocks_must_be_there_for_a_second_look(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="once again"):
        publish(tmp_path / "d", iter([lot(0, [video(DARK)])]), PIPELINE, FACTS)


def test_what_is_left_out_has_no_references_and_its_copies_stay_duplicates() -> None:
    lost, stays = video(DARK), video(SECOND)
    block = lot(0, [lost, stays])
    copy = block.inputs.filter(pa.compute.equal(block.inputs["clip"], lost.clip)).to_pylist()[0]
    copy |= {"id": "copy", "state": "duplicate", "duplicate_of": lost.clip}
    names = {clip: f"{clip}-face-self-00" for clip in (lost.clip, stays.clip)}
    references = [
        Reference(name, None, (clip, "d"), {}, {})  # type: ignore[arg-type]
        for clip, name in sorted(names.items())
    ]
    rows = pa.Table.from_pylist([{"key": name, "clip": clip} for clip, name in names.items()])
    whole = replace(
        block,
        inputs=pa.concat_tables([block.inputs, pa.Table.from_pylist([copy], schema=block.inputs.schema)]),
        subsets={"A": Part(references, rows)},
    )
    (told,) = without([whole], {lost.clip: LeftOut("missing_file", "it is gone")})
    assert [each.clip for each in told.subsets["A"].samples] == [stays.clip]
    assert told.subsets["A"].rows["clip"].to_pylist() == [stays.clip]
    found = {row["id"]: row for row in told.inputs.to_pylist()}
    assert (found["copy"]["state"], found["copy"]["error_kind"]) == ("duplicate", None)
    (waits,) = (row for row in found.values() if row["clip"] == lost.clip and row["id"] != "copy")
    assert (waits["state"], waits["stage"], waits["error_kind"]) == ("pending", "publish", "missing_file")
    assert next(without([whole], {})) is whole
