import hashlib
import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from actor18m.publish.mp4 import CannotDecode, write_mp4
from tests.media.films import spoil
from tests.publish.material import Crop, sample

Picture = NDArray[np.uint8]
PLACE = b"+52.3702+004.8952/"


def written(source: Path, target: Path, cut: tuple[int, int] | None = None, crop: Crop | None = None) -> Path:
    with source.open("rb") as content:
        write_mp4(content, cut, crop, target)
    return target


def pictures(path: Path) -> Iterator[tuple[int, Picture]]:
    """Time in 1/90000 s, and the upright picture."""
    with av.open(str(path), "r") as container:
        for frame in container.decode(container.streams.video[0]):
            assert frame.pts is not None
            assert frame.time_base is not None
            picture: Picture = np.rot90(frame.to_ndarray(format="rgb24").astype(np.uint8), frame.rotation // 90)
            yield round(frame.pts * frame.time_base * 90_000), picture


def film(path: Path, codec: str = "libx264", sound: bool = False, tags: bool = False, gop: int = 12) -> Path:
    """Pictures of 96 x 64 that are 20 apart in brightness from one to the next, of uneven length, growing brighter to
    the right.
    """
    with av.open(str(path), "w") as out:
        if tags:
            out.metadata.update(location=PLACE.decode(), make="Cam", model="Phone 7", creation_time="2020-01-02")
        stream = out.add_stream(codec, rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = 96, 64
        stream.gop_size = gop
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        if codec != "mjpeg":
            stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        if tags:
            stream.metadata["handler_name"] = "Secret handler"
        if sound:
            voice = out.add_stream("aac", rate=8000)
            assert isinstance(voice, av.AudioStream)
            tone = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), format="fltp", layout="mono")
            tone.sample_rate = 8000
            out.mux([*voice.encode(tone), *voice.encode(None)])
        for number in range(12):
            grey = np.broadcast_to(number * 20 + np.arange(96)[None, :, None] // 6, (64, 96, 3))
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(grey, np.uint8), format="rgb24")
            if codec != "mjpeg":
                frame.pts, frame.time_base = number * 40 + number * number, Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def test_a_copy_has_the_pictures_and_their_times_and_nothing_else(tmp_path: Path) -> None:
    source = film(tmp_path / "phone.mov", sound=True, tags=True)
    assert all(secret in source.read_bytes() for secret in (PLACE, b"Phone 7", b"Secret handler"))
    copy = written(source, tmp_path / "copy.mp4")
    content = copy.read_bytes()
    for secret in (PLACE, b"Phone 7", b"Cam", b"Secret", b"Lavf", b"soun"):
        assert secret not in content
    with av.open(str(copy), "r") as container:
        assert [stream.type for stream in container.streams] == ["video"]
        assert container.metadata.keys() == {"major_brand", "minor_version", "compatible_brands"}
    for (time, picture), (copied_time, copied) in zip(pictures(source), pictures(copy), strict=True):
        assert time == copied_time
        assert np.array_equal(picture, copied)
    assert content.index(b"moov") < content.index(b"mdat"), "a reader of the beginning must find the index"


def test_uneven_times_survive_a_copy(tmp_path: Path) -> None:
    source = sample("variable_rate_1")
    copy = written(source, tmp_path / "copy.mp4")
    for (time, picture), (copied_time, copied) in zip(pictures(source), pictures(copy), strict=True):
        assert time == copied_time
        assert np.array_equal(picture, copied)


def test_a_window_is_exact_to_the_frame_and_the_pixel(tmp_path: Path) -> None:
    source = film(tmp_path / "film.mp4")
    window = written(source, tmp_path / "window.mp4", cut=(3, 9), crop=(11, 60, 5, 40))
    wanted = list(pictures(source))[3:9]
    got = list(pictures(window))
    assert [time for time, _ in got] == [time - wanted[0][0] for time, _ in wanted]
    for (_, picture), (_, full) in zip(got, wanted, strict=True):
        assert picture.shape == (35, 49, 3)
        assert np.abs(picture.astype(int) - full[5:40, 11:60]).max() <= 4


@pytest.mark.parametrize("cut", [(1, 4), (2, 10), (9, 12)])
def test_a_window_begins_at_its_frame_wherever_the_key_frames_lie(cut: tuple[int, int], tmp_path: Path) -> None:
    source = film(tmp_path / "film.mp4", gop=4)
    made = list(pictures(written(source, tmp_path / "window.mp4", cut)))
    wanted = list(pictures(source))[slice(*cut)]
    assert [time for time, _ in made] == [time - wanted[0][0] for time, _ in wanted]
    for (_, picture), (_, full) in zip(made, wanted, strict=True):
        assert np.abs(picture.astype(int) - full).max() <= 4


def test_a_crop_is_of_the_upright_picture(tmp_path: Path) -> None:
    window = written(sample("phone_rotated_1"), tmp_path / "window.mp4", cut=(0, 5), crop=(20, 120, 40, 200))
    for (_, picture), (_, full) in zip(pictures(window), pictures(sample("phone_rotated_1")), strict=False):
        assert picture.shape == (160, 100, 3)
        assert np.abs(picture.astype(int) - full[40:200, 20:120]).mean() < 2


def test_what_is_encoded_has_the_same_bytes_each_time(tmp_path: Path) -> None:
    digests = {
        hashlib.sha256(
            written(sample("turn_walking_1"), tmp_path / "window.mp4", (10, 70), (10, 200, 0, 180)).read_bytes()
        ).hexdigest()
        for _ in range(6)
    }
    assert len(digests) == 1


def test_what_mp4_does_not_hold_is_encoded(tmp_path: Path) -> None:
    source = film(tmp_path / "old.avi", codec="mjpeg")
    made = written(source, tmp_path / "made.mp4")
    with av.open(str(made), "r") as container:
        assert container.streams.video[0].codec_context.codec.canonical_name == "h264"
    for (time, picture), (made_time, encoded) in zip(pictures(source), pictures(made), strict=True):
        assert abs(time - made_time) <= 90
        assert np.abs(picture.astype(int) - encoded).max() <= 6


@pytest.mark.parametrize("suffix", ["mkv", "ts"])
def test_streams_of_other_containers_are_held_with_all_pictures(suffix: str, tmp_path: Path) -> None:
    source = film(tmp_path / f"film.{suffix}")
    made = list(pictures(written(source, tmp_path / "made.mp4")))
    wanted = list(pictures(source))
    assert made[0][0] == 0
    assert len(made) == len(wanted)
    for (time, picture), (made_time, copied) in zip(wanted, made, strict=True):
        assert abs(time - wanted[0][0] - made_time) <= 90
        assert np.abs(picture.astype(int) - copied).max() <= 4


def test_pictures_that_cannot_be_decoded_are_left_out_of_what_is_encoded(tmp_path: Path) -> None:
    whole = dict(pictures(spoilt(tmp_path / "film.mp4", which=range(0))))
    made = list(pictures(written(spoilt(tmp_path / "film.mp4"), tmp_path / "made.mp4", crop=(0, 96, 0, 64))))
    assert 6 <= len(made) < 12
    for time, picture in made:
        assert np.abs(picture.astype(int) - whole[time]).max() <= 4


def test_damage_before_a_window_does_not_move_it(tmp_path: Path) -> None:
    whole = list(pictures(spoilt(tmp_path / "film.mp4", which=range(0))))
    made = list(pictures(written(spoilt(tmp_path / "film.mp4"), tmp_path / "made.mp4", cut=(6, 12))))
    assert len(made) == 6
    for (_, picture), (_, wanted) in zip(made, whole[6:12], strict=True):
        assert np.abs(picture.astype(int) - wanted).max() <= 4


def spoilt(path: Path, which: range = range(2, 4)) -> Path:
    """A film whose pictures can each be decoded alone, but for these."""
    film(path, codec="mpeg4", gop=1)
    spoil(path, which)
    return path


def test_what_has_no_pictures_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotDecode):
        write_mp4(io.BytesIO(b"this is text"), None, None, tmp_path / "x.mp4")
    with pytest.raises(CannotDecode, match="frames 500 to 600 are not in it"):
        written(sample("nobody_1"), tmp_path / "x.mp4", cut=(500, 600))
