"""Every codec, published and decoded again by a reader that knows nothing of actor18m."""

import io
import tarfile
from pathlib import Path

import av
import numpy as np
import pytest

from actor18m.arrays import Frame
from actor18m.media.video import frames, open_video
from actor18m.publish import publish
from actor18m.publish.mp4 import write_mp4
from tests.media.films import film, numbers
from tests.media.packed import packed
from tests.publish.material import FACTS, PIPELINE, lot, video

B_FRAMES = {"bf": "3", "b-pyramid": "normal", "b_strategy": "0", "refs": "4"}
QUIET = {"x265-params": "log-level=0"}
OPEN = {"x265-params": "log-level=0:open-gop=1:bframes=3", "bf": "3"}
COPIED = [
    ("mp4", "libx264", "yuv420p", B_FRAMES),
    ("mp4", "libx264", "yuv420p10le", {}),
    ("mp4", "libx264", "yuv420p", {"x264-params": "open-gop=1", "bf": "3"}),
    ("mov", "libx264", "yuv444p", {}),
    ("mkv", "libx264", "yuv420p", B_FRAMES),
    ("ts", "libx264", "yuv420p", B_FRAMES),
    ("flv", "libx264", "yuv420p", B_FRAMES),
    ("avi", "libx264", "yuv420p", B_FRAMES),
    ("mp4", "libx265", "yuv420p", QUIET),
    ("mp4", "libx265", "yuv420p10le", QUIET),
    ("ts", "libx265", "yuv420p", OPEN),
    ("webm", "libvpx-vp9", "yuv420p", {}),
    ("mkv", "libsvtav1", "yuv420p", {}),
    ("mp4", "libsvtav1", "yuv420p10le", {}),
    ("mp4", "mpeg4", "yuv420p", {"bf": "2"}),
    ("mkv", "mpeg4", "yuv420p", {"bf": "2"}),
]
ENCODED = [
    ("webm", "libvpx", "yuv420p", {}),
    ("mov", "mjpeg", "yuvj420p", {}),
    ("mov", "prores_ks", "yuv422p10le", {}),
    ("mpg", "mpeg2video", "yuv420p", {"bf": "2"}),
    ("ts", "mpeg2video", "yuv420p", {"bf": "2"}),
    ("avi", "mpeg4", "yuv420p", {"bf": "2"}),
    ("wmv", "wmv2", "yuv420p", {}),
    ("flv", "flv", "yuv420p", {}),
    ("mkv", "ffv1", "yuv420p", {}),
    ("avi", "rawvideo", "yuv420p", {}),
]


def read(content: bytes) -> tuple[list[float], list[Frame]]:
    """Seconds and pictures as they are stored, whatever is said beside them."""
    with av.open(io.BytesIO(content), "r") as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        found = [(frame.time or 0.0, _rgb(frame)) for frame in container.decode(stream)]
    return [time for time, _ in found], [picture for _, picture in found]


def _rgb(frame: av.VideoFrame) -> Frame:
    return frame.reformat(format="rgb24", threads=1).to_ndarray().astype(np.uint8)


def made(source: Path, target: Path) -> tuple[str, bytes]:
    with source.open("rb") as content:
        how = write_mp4(content, None, None, target)
    return how, target.read_bytes()


@pytest.mark.parametrize(("suffix", "codec", "pix_fmt", "options"), COPIED)
def test_a_copy_is_exact(suffix: str, codec: str, pix_fmt: str, options: dict[str, str], tmp_path: Path) -> None:
    uri = film(tmp_path / f"film.{suffix}", codec=codec, pix_fmt=pix_fmt, options=options)
    how, content = made(tmp_path / f"film.{suffix}", tmp_path / "made.mp4")
    wanted = list(frames(uri))
    times, pictures = read(content)
    assert how == "copied"
    assert times == pytest.approx([time for time, _ in wanted], abs=1e-6)
    assert all(np.array_equal(got, picture) for got, (_, picture) in zip(pictures, wanted, strict=True))
    assert made(tmp_path / f"film.{suffix}", tmp_path / "again.mp4") == (how, content)


@pytest.mark.parametrize(("suffix", "codec", "pix_fmt", "options"), ENCODED)
def test_what_is_encoded_is_near(
    suffix: str, codec: str, pix_fmt: str, options: dict[str, str], tmp_path: Path
) -> None:
    uri = film(tmp_path / f"film.{suffix}", codec=codec, pix_fmt=pix_fmt, options=options)
    how, content = made(tmp_path / f"film.{suffix}", tmp_path / "made.mp4")
    near(uri, content)
    assert how == "encoded"
    assert made(tmp_path / f"film.{suffix}", tmp_path / "again.mp4") == (how, content)


@pytest.mark.parametrize("b_frames", [1, 2])
def test_packed_pictures_are_encoded_in_their_order(b_frames: int, tmp_path: Path) -> None:
    uri = packed(tmp_path / "film.avi", b_frames)
    how, content = made(tmp_path / "film.avi", tmp_path / "made.mp4")
    near(uri, content)
    assert how == "encoded"
    assert numbers(read(content)[1]) == list(range(60))


def test_an_animated_gif_is_published(tmp_path: Path) -> None:
    uri = film(tmp_path / "film.gif", codec="gif", pix_fmt="gray", times_ms=[0, 40, 500, 1000])
    _, content = made(tmp_path / "film.gif", tmp_path / "made.mp4")
    near(uri, content)


def near(uri: str, content: bytes) -> None:
    """Colours are stored at half the size and with 8 bits: single pixels at edges differ more."""
    wanted = list(frames(uri))
    times, pictures = read(content)
    assert times == pytest.approx([time for time, _ in wanted], abs=1e-3)
    for got, (_, picture) in zip(pictures, wanted, strict=True):
        assert np.abs(got.astype(int) - picture).mean() <= 3


def test_all_codecs_are_published_in_one_build(tmp_path: Path) -> None:
    """The clip of AV1 that ended every build among them."""
    codecs = ["libx264", "libx265", "libvpx-vp9", "libsvtav1", "mpeg4", "libvpx"]
    paths = [tmp_path / f"{codec}.mkv" for codec in codecs]
    uris = [film(path, codec=path.stem, options=QUIET if path.stem == "libx265" else {}) for path in paths]
    version = publish(tmp_path / "d", [lot(0, [video(path) for path in paths])], PIPELINE, FACTS)
    with tarfile.open(next(Path(version.path, "videos").iterdir())) as tar:
        content = {member.name: tar.extractfile(member) for member in tar if member.name.endswith(".mp4")}
        for path, uri in zip(paths, uris, strict=True):
            stored = content[f"{video(path).clip}.mp4"]
            assert stored is not None
            near(uri, stored.read())


@pytest.mark.parametrize("rotation", [90, 180, 270])
@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_a_turned_film_is_upright_for_a_reader_that_knows_no_rotation(
    codec: str, rotation: int, tmp_path: Path
) -> None:
    uri = film(tmp_path / "film.mp4", codec=codec, rotation=rotation, options=QUIET if codec == "libx265" else {})
    how, content = made(tmp_path / "film.mp4", tmp_path / "made.mp4")
    assert how == "encoded"
    near(uri, content)
    with open_video(uri) as seen, av.open(io.BytesIO(content), "r") as container:
        height, width = seen.picture(next(seen.every())[1], None).shape[:2]
        frame = next(container.decode(video=0))
        assert (frame.width, frame.height, frame.rotation) == (width, height, 0)


def test_a_mirrored_film_is_upright(tmp_path: Path) -> None:
    uri = film(tmp_path / "film.mp4")
    matrix = bytes.fromhex("00010000 00000000 00000000 00000000 00010000")
    content = (tmp_path / "film.mp4").read_bytes()
    at = content.rindex(matrix)  # the track's, behind the film's
    mirrored = content[:at] + bytes.fromhex("ffff0000") + content[at + 4 :]
    (tmp_path / "film.mp4").write_bytes(mirrored)
    picture = next(frames(uri))[1]
    assert (picture[0, -1].mean() > 200, picture[0, 0].mean() > 200) == (True, False)
    how, made_of = made(tmp_path / "film.mp4", tmp_path / "made.mp4")
    assert how == "encoded"
    near(uri, made_of)


@pytest.mark.parametrize("pictures", [1, 3])
def test_a_film_with_fewer_pictures_than_a_decoder_holds_back_is_copied(pictures: int, tmp_path: Path) -> None:
    film(tmp_path / "film.mp4", times_ms=range(0, 40 * pictures, 40), options=B_FRAMES)
    how, content = made(tmp_path / "film.mp4", tmp_path / "made.mp4")
    assert (how, numbers(read(content)[1])) == ("copied", list(range(pictures)))


def test_odd_sizes_are_copied_and_encoded_whole(tmp_path: Path) -> None:
    for rotation, how, shape in [(0, "copied", (45, 67, 3)), (90, "encoded", (67, 45, 3))]:
        uri = film(tmp_path / "film.mp4", width=67, height=45, rotation=rotation)
        found, content = made(tmp_path / "film.mp4", tmp_path / "made.mp4")
        assert (found, read(content)[1][0].shape) == (how, shape)
        near(uri, content)


def test_pictures_that_change_their_size_on_the_way_are_all_as_the_first(tmp_path: Path) -> None:
    film(tmp_path / "small.ts")
    film(tmp_path / "large.ts", width=128, height=96)
    whole = (tmp_path / "small.ts").read_bytes() + (tmp_path / "large.ts").read_bytes()
    (tmp_path / "film.ts").write_bytes(whole)
    how, content = made(tmp_path / "film.ts", tmp_path / "made.mp4")
    assert how == "encoded"
    assert {picture.shape for picture in read(content)[1]} == {(48, 64, 3)}
