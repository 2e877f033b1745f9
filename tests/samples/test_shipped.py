from pathlib import Path

import pytest

from actor18m.errors import ActorError
from actor18m.samples.shipped import SHIPPED, copy_clips, find_clips
from actor18m.samples.truth import Truth


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """A folder with one clip."""
    folder = tmp_path / "pair"
    folder.mkdir()
    (folder / "a.mp4").write_bytes(b"video")
    (folder / "a.json").write_bytes(b"truth")
    return folder


def test_the_shipped_set_is_of_the_promised_size() -> None:
    clips = find_clips()
    assert 30 <= len(clips) <= 48
    assert sum(clip.size_bytes for clip in clips) <= 12 * 2**20


def test_every_shipped_clip_reads_and_is_named_like_its_truth() -> None:
    for clip in find_clips():
        assert Truth.read(clip.truth).name == clip.name


def test_the_shipped_folder_holds_nothing_but_clips() -> None:
    assert set(SHIPPED.iterdir()) == {file for clip in find_clips() for file in clip.files}


def test_a_copy_is_the_same_bytes(tmp_path: Path) -> None:
    clips = find_clips()
    assert copy_clips(clips, tmp_path / "new" / "folder") == 2 * len(clips)
    for clip in clips:
        for file in clip.files:
            assert (tmp_path / "new" / "folder" / file.name).read_bytes() == file.read_bytes()


def test_copying_again_writes_nothing_and_mends_what_is_missing(pair: Path, tmp_path: Path) -> None:
    clips, out = find_clips(pair), tmp_path / "out"
    assert copy_clips(clips, out) == 2
    assert copy_clips(clips, out) == 0
    (out / "a.json").unlink()
    assert copy_clips(clips, out) == 1


def test_a_file_that_differs_stops_the_copy_before_anything_is_written(pair: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.json").write_bytes(b"mine")
    with pytest.raises(ActorError, match="--force"):
        copy_clips(find_clips(pair), out)
    assert [file.name for file in out.iterdir()] == ["a.json"]
    assert copy_clips(find_clips(pair), out, force=True) == 2
    assert (out / "a.json").read_bytes() == b"truth"


def test_a_copy_that_fails_half_way_leaves_no_partial_file(
    pair: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(source: Path, target: Path) -> None:
        target.write_bytes(b"vi")
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr("shutil.copyfile", full_disk)
    with pytest.raises(ActorError, match="No space left on device"):
        copy_clips(find_clips(pair), tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(("gone", "named"), [("a.json", "a.json is missing"), ("a.mp4", "a.json is the truth of")])
def test_half_a_clip_is_an_error_that_names_it(pair: Path, gone: str, named: str) -> None:
    (pair / "b.mp4").write_bytes(b"")
    (pair / "b.json").write_bytes(b"")
    (pair / gone).unlink()
    with pytest.raises(ActorError, match=named):
        find_clips(pair)


def test_a_folder_without_clips_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ActorError, match="no sample clips"):
        find_clips(tmp_path / "nosuch")
