"""Files that say when packets are decoded, not when pictures are shown."""

from pathlib import Path

import numpy as np
import pytest

from actor18m.inputs import canonical_uri
from actor18m.media.source import MediaError
from actor18m.media.video import frames, open_video
from tests.media.films import film, numbers, spoil
from tests.media.packed import packed, with_pauses

B_FRAMES = {"bf": "3", "b-pyramid": "normal", "b_strategy": "0", "refs": "4"}


def made(how: str, folder: Path) -> str:
    if how.startswith("packed"):
        return packed(folder / "film.avi", b_frames=int(how[-1]))
    codec, suffix = how.split(" in ")
    return film(folder / f"film.{suffix}", codec=codec, options=B_FRAMES | {"bf": "3" if "264" in codec else "2"})


@pytest.mark.parametrize(
    "how",
    ["libx264 in avi", "mpeg4 in avi", "packed 1", "packed 2", "mpeg2video in avi", "libx264 in asf", "mpeg4 in asf"],
)
def test_pictures_come_in_the_order_in_which_they_are_shown(how: str, tmp_path: Path) -> None:
    uri = made(how, tmp_path)
    times, pictures = zip(*frames(uri), strict=True)
    assert numbers(pictures) == list(range(60))
    assert times == pytest.approx([n / 25 for n in range(60)], abs=1e-3)
    window = list(frames(uri, cut=(31, 47), crop=(10, 51, 7, 40)))
    assert [time for time, _ in window] == pytest.approx([n / 25 for n in range(16)], abs=1e-3)
    assert all(np.array_equal(got, whole[7:40, 10:51]) for (_, got), whole in zip(window, pictures[31:47], strict=True))
    # One second apart and back again: each is sought for itself.
    assert numbers([picture for _, picture in frames(uri, fps=1, cut=(5, 60))]) == [5, 30, 55]
    with open_video(uri) as video:
        assert [index for index, _ in video.every()] == list(range(60))
        assert video.window.duration_s == pytest.approx(2.4)


@pytest.mark.parametrize("how", ["libx264 in avi", "packed 2"])
def test_windows_far_into_a_file_are_the_same_one_after_the_other(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = made(how, tmp_path)
    monkeypatch.setattr("actor18m.media.video.FAR", 10)
    for first in (5, 20, 40, 10):
        window = list(frames(uri, cut=(first, first + 12)))
        assert numbers([picture for _, picture in window]) == list(range(first, first + 12))


def test_a_packet_without_a_picture_leaves_the_one_before_it_on(tmp_path: Path) -> None:
    times, pictures = zip(*frames(with_pauses(tmp_path / "film.avi", before=[10, 10, 40])), strict=True)
    assert numbers(pictures) == list(range(60))
    late = [n + (n >= 10) + (n >= 40) for n in range(60)]
    assert times == pytest.approx([n / 25 for n in late], abs=1e-3)


def test_a_damaged_picture_keeps_its_place_and_is_told(tmp_path: Path) -> None:
    uri = film(tmp_path / "film.avi", codec="mpeg4", gop=1)
    spoil(tmp_path / "film.avi", [20])
    with pytest.raises(MediaError) as caught:
        list(frames(uri))
    assert caught.value.kind == "damaged"
    with open_video(uri) as video:
        found = [(index, video.picture(frame, None)) for index, frame in video.every()]
    left = [n for n in range(60) if n != 20]
    assert [index for index, _ in found] == numbers([picture for _, picture in found]) == left


@pytest.mark.parametrize(("name", "count"), [("single25_ntu_far.avi", 103), ("occ08_archery_back.avi", 131)])
def test_files_of_research_collections_are_read_whole(name: str, count: int, footage: Path) -> None:
    with open_video(canonical_uri(footage / "videos" / name)) as video:
        assert [index for index, _ in video.read(range(count))] == list(range(count))
