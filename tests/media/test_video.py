import gc
import os
import time
from pathlib import Path

import av
import fsspec
import numpy as np
import pytest

from actor18m.arrays import Frame
from actor18m.inputs import canonical_uri
from actor18m.media.opening import Limits
from actor18m.media.source import MediaError
from actor18m.media.video import check_header, frames, frames_at, open_video
from actor18m.samples.shipped import SHIPPED
from actor18m.samples.truth import Truth
from tests.media.films import STEP, film, numbers, song, sound_only


def shown(uri: str, fps: float | None = None, cut: tuple[int, int] | None = None) -> list[tuple[float, int]]:
    times, pictures = zip(*frames(uri, cut, fps=fps), strict=True)
    return list(zip(times, numbers(pictures), strict=True))


def kind_of(uri: str, limits: Limits | None = None, cut: tuple[int, int] | None = None) -> tuple[str, str]:
    """What is wrong with a file, when all of it is read."""
    with pytest.raises(MediaError) as caught, open_video(uri, limits or Limits(), cut) as video:
        for _ in video.read(range(len(video.window.pts))):
            pass
    assert str(caught.value).startswith(f"{uri}: ")
    return caught.value.kind, str(caught.value)


def test_one_frame_a_second_is_the_one_shown_at_that_second_however_uneven_the_rate(tmp_path: Path) -> None:
    uri = film(tmp_path / "uneven.mp4", times_ms=[0, 10, 900, 990, 1010, 1500, 1990, 2500, 3700])
    assert shown(uri, fps=1) == [(0.0, 0), (1.0, 3), (2.0, 6), (3.0, 7)]


def test_a_frame_is_given_for_each_time_that_it_is_shown_at(tmp_path: Path) -> None:
    assert shown(film(tmp_path / "slow.mp4", times_ms=[0, 600, 1000]), fps=4)[:5] == [
        (0.0, 0),
        (0.25, 0),
        (0.5, 0),
        (0.75, 1),
        (1.0, 2),
    ]


@pytest.mark.parametrize("name", ["variable_rate_1", "sixty_fps_1", "phone_rotated_1"])
def test_frames_of_a_sample_are_those_of_its_truth(name: str) -> None:
    truth = Truth.read(SHIPPED / f"{name}.json")
    with open_video(canonical_uri(SHIPPED / f"{name}.mp4")) as video:
        assert video.window.times_s == pytest.approx(truth.times_s, abs=1e-4)
        assert video.window.shown_at([k / 8 for k in range(len(truth.mask_frames))]) == truth.mask_frames


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts", "avi"])
def test_a_window_has_the_very_pictures_of_the_whole(suffix: str, tmp_path: Path) -> None:
    uri = film(tmp_path / f"film.{suffix}", codec="mpeg4" if suffix == "avi" else "libx264")
    whole = [picture for _, picture in frames(uri)]
    assert numbers(whole) == list(range(60))
    window = list(frames(uri, cut=(31, 47), crop=(10, 51, 7, 40)))
    assert [time for time, _ in window] == pytest.approx([n / 25 for n in range(16)], abs=1e-3)
    assert all(np.array_equal(got, want[7:40, 10:51]) for (_, got), want in zip(window, whole[31:47], strict=True))
    # one second apart is farther than a key frame: what lies between is not decoded
    assert [n for _, n in shown(uri, fps=1, cut=(5, 60))] == [5, 30, 55]


@pytest.mark.parametrize(("rotation", "corner"), [(0, (0, 0)), (90, (0, -1)), (180, (-1, -1)), (270, (-1, 0))])
def test_frames_are_turned_as_a_player_turns_them(rotation: int, corner: tuple[int, int], tmp_path: Path) -> None:
    _, picture = next(frames(film(tmp_path / "turned.mp4", rotation=rotation)))
    assert picture.shape == ((64, 48, 3) if rotation % 180 else (48, 64, 3))
    white = {(y, x) for y in (0, -1) for x in (0, -1) if picture[y, x].mean() > 200}
    assert white == {corner}


def test_odd_sizes_are_read_whole(tmp_path: Path) -> None:
    _, picture = next(frames(film(tmp_path / "odd.mp4", width=67, height=45)))
    assert picture.shape == (45, 67, 3)


@pytest.mark.parametrize("name", ["variable_rate_1", "sixty_fps_1", "phone_rotated_1"])
def test_frames_at_times_are_the_very_frames_of_a_sampled_walk(name: str) -> None:
    uri = canonical_uri(SHIPPED / f"{name}.mp4")
    walked = {round(time * 8): frame for time, frame in frames(uri, fps=8)}
    samples = [0, 1, 5, len(walked) - 1]
    found = list(frames_at(uri, [sample / 8 for sample in samples]))
    assert len(found) == len(samples)
    assert all(np.array_equal(frame, walked[sample]) for sample, frame in zip(samples, found, strict=True))


def test_frames_at_times_are_those_of_the_cut_and_the_crop(tmp_path: Path) -> None:
    uri = film(tmp_path / "film.mp4")
    found = list(frames_at(uri, [0.0, 0.4, 0.41, 0.6], cut=(31, 47), crop=(10, 51, 7, 40)))
    assert [picture.shape for picture in found] == [(33, 41, 3)] * 4
    assert numbers(found) == [31, 41, 41, 46]
    assert list(frames_at(uri, [])) == []


def test_frames_that_were_looked_at_go_at_once(tmp_path: Path) -> None:
    uri = film(tmp_path / "film.mp4", rotation=90)
    gc.collect()
    gc.disable()  # what goes by itself needs no collector, which comes late where few objects are made
    try:
        for _ in frames(uri):
            pass
        assert sum(isinstance(each, av.VideoFrame) for each in gc.get_objects()) < 3
    finally:
        gc.enable()


@pytest.mark.parametrize("name", [b"line\nbreak.mp4", b'it\'s "quoted" %41.mp4', b"caf\xe9.mp4", b"concat:a|b.mp4"])
def test_any_name_is_read(name: bytes, tmp_path: Path) -> None:
    film(tmp_path / "film.mp4")
    path = tmp_path / os.fsdecode(name)
    (tmp_path / "film.mp4").rename(path)
    assert len(list(frames(canonical_uri(path), fps=1))) == 3


def test_a_remote_file_is_read_like_a_local_one(tmp_path: Path) -> None:
    film(tmp_path / "film.mp4")
    uri = f"memory://{tmp_path.name}/film.mp4"
    with fsspec.open(uri, "wb") as out:
        out.write((tmp_path / "film.mp4").read_bytes())
    assert [n for _, n in shown(uri, fps=1)] == [0, 25, 50]
    assert kind_of(f"memory://{tmp_path.name}/gone.mp4")[0] == "missing_file"


def test_what_is_no_video_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("Dear video,\n" * 99)
    (tmp_path / "noise.mp4").write_bytes(np.random.default_rng(0).bytes(9999))
    os.mkfifo(tmp_path / "pipe.mp4")
    found = {path.name: kind_of(canonical_uri(path))[0] for path in tmp_path.iterdir()}
    assert found == {"empty.mp4": "empty_file", **dict.fromkeys(["noise.mp4", "pipe.mp4", "text.mp4"], "not_a_video")}
    assert kind_of(canonical_uri(tmp_path))[0] == "not_a_video"
    assert kind_of(canonical_uri(tmp_path / "gone.mp4"))[0] == "missing_file"
    assert kind_of(song(tmp_path / "song.wav"))[0] == "not_a_video"
    kind, message = kind_of(sound_only(tmp_path / "sound.mp4"))
    assert (kind, "holds sound only" in message) == ("no_video_stream", True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_says_so(tmp_path: Path) -> None:
    uri = film(tmp_path / "film.mp4")
    (tmp_path / "film.mp4").chmod(0)
    assert kind_of(uri)[0] == "no_access"


def test_a_playlist_leads_to_no_other_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    film(tmp_path / "secret.mp4")
    (tmp_path / "list.mp4").write_text("ffconcat version 1.0\nfile secret.mp4\n")
    (tmp_path / "list.m3u8").write_text("#EXTM3U\n#EXTINF:2,\nsecret.mp4\n#EXT-X-ENDLIST\n")
    for name in ("list.mp4", "list.m3u8"):
        assert kind_of(canonical_uri(tmp_path / name))[0] == "not_a_video"


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_file_that_lost_its_end_says_so(suffix: str, share: float, tmp_path: Path) -> None:
    source = SHIPPED / "talk_yaw_1.mp4"
    path = tmp_path / f"cut.{suffix}"
    _copied(source, path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    if (suffix, share) == ("mkv", 0.95):  # within what its claim may be off
        assert len(list(frames(canonical_uri(path)))) < 120
    else:
        assert kind_of(canonical_uri(path))[0] == "truncated"


def test_an_index_that_comes_first_does_not_hide_that_the_end_is_lost(tmp_path: Path) -> None:
    whole = (SHIPPED / "talk_yaw_1.mp4").read_bytes()
    assert whole.index(b"moov") < whole.index(b"mdat")
    uri = canonical_uri(tmp_path / "cut.mp4")
    with av.open(str(SHIPPED / "talk_yaw_1.mp4")) as container:
        between_two_packets = container.streams.video[0].index_entries[80].pos
    for length in (between_two_packets, between_two_packets - 9):
        (tmp_path / "cut.mp4").write_bytes(whole[:length])
        assert kind_of(uri)[0] == "truncated"
    with open_video(uri, cut=(0, 8)) as video:  # a window before the loss is whole
        assert len(list(video.read(range(8)))) == 8


def test_damaged_pictures_are_told_not_shown(tmp_path: Path) -> None:
    damaged = bytearray((SHIPPED / "talk_yaw_1.mp4").read_bytes())
    for at in np.random.default_rng(3).integers(len(damaged) // 2, len(damaged), 40):
        damaged[at] ^= 0xFF
    (tmp_path / "damaged.mp4").write_bytes(damaged)
    assert kind_of(canonical_uri(tmp_path / "damaged.mp4"))[0] == "damaged"


def test_what_a_file_claims_is_bounded_before_it_is_decoded(tmp_path: Path) -> None:
    film(tmp_path / "raw.avi", times_ms=[0, 40], codec="rawvideo")
    claims = bytearray((tmp_path / "raw.avi").read_bytes())
    format_at = claims.index(b"strf") + 8
    for side in (9_000, 60_000):
        claims[format_at + 4 : format_at + 12] = side.to_bytes(4, "little") * 2
        (tmp_path / "wide.avi").write_bytes(claims)
        found, message = kind_of(canonical_uri(tmp_path / "wide.avi"))
        assert (found, "claims pictures of a size" in message) == ("too_large", True)

    claims = bytearray((tmp_path / "raw.avi").read_bytes())
    seconds_a_frame = claims.index(b"strh") + 28  # in thousandths
    claims[seconds_a_frame : seconds_a_frame + 4] = (10**6).to_bytes(4, "little")
    (tmp_path / "long.avi").write_bytes(claims)
    found, message = kind_of(canonical_uri(tmp_path / "long.avi"))
    assert (found, "claims to last" in message) == ("too_large", True)


def test_a_film_that_was_trimmed_without_being_written_again_is_whole(tmp_path: Path) -> None:
    film(tmp_path / "film.mp4")
    trimmed = bytearray((tmp_path / "film.mp4").read_bytes())
    shown_for = trimmed.index(b"elst") + 12  # in ms
    assert int.from_bytes(trimmed[shown_for : shown_for + 4]) == 2400
    trimmed[shown_for : shown_for + 4] = (1200).to_bytes(4)
    (tmp_path / "film.mp4").write_bytes(trimmed)
    assert [n for _, n in shown(canonical_uri(tmp_path / "film.mp4"))] == list(range(30))


def test_pictures_in_an_unknown_format_say_so(tmp_path: Path) -> None:
    film(tmp_path / "film.mp4")
    (tmp_path / "film.mp4").write_bytes((tmp_path / "film.mp4").read_bytes().replace(b"avc1\0", b"what\0"))
    assert kind_of(canonical_uri(tmp_path / "film.mp4"))[0] == "unreadable"


def test_limits_hold_for_what_is_there_too(tmp_path: Path) -> None:
    uri = film(tmp_path / "film.mp4")
    assert kind_of(uri, Limits(max_pixels=64 * 47))[0] == "too_large"
    assert kind_of(uri, Limits(max_duration_s=2))[0] == "too_large"
    with open_video(uri, Limits(max_duration_s=2), cut=(0, 25)) as video:
        assert video.window.duration_s == pytest.approx(1)


@pytest.mark.parametrize("cut", [(50, 61), (60, 70), (7, 7), (-1, 5)])
def test_a_cut_that_is_not_in_the_file_says_so(cut: tuple[int, int], tmp_path: Path) -> None:
    assert kind_of(film(tmp_path / "film.mp4"), cut=cut)[0] == "bad_cut"


@pytest.mark.parametrize("crop", [(0, 65, 0, 48), (5, 5, 0, 48), (-1, 5, 0, 48)])
def test_a_crop_that_is_not_in_the_frame_says_so(crop: tuple[int, int, int, int], tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="is not inside its 64 x 48 pixels") as caught:
        next(frames(film(tmp_path / "film.mp4"), crop=crop))
    assert caught.value.kind == "bad_crop"


def _copied(source: Path, path: Path) -> None:
    """The streams as they are, in another container; the index of an MP4 comes last."""
    with av.open(str(source)) as read, av.open(str(path), "w") as write:
        stream = write.add_stream_from_template(read.streams.video[0])
        for packet in read.demux(read.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                write.mux(packet)


def test_who_watches_sees_each_frame_of_the_window_small_and_grey_also_those_between_samples(tmp_path: Path) -> None:
    seen: list[tuple[float, int, bool, tuple[int, ...]]] = []

    def watch(time_s: float, picture: Frame, is_key: bool) -> None:
        # brightness is kept between 16 and 235
        grey = (int(picture[-1, -1]) - 16) * 255 / 219
        seen.append((round(time_s, 3), round((grey - 8) / STEP), is_key, picture.shape))

    uri = film(tmp_path / "film.mp4", gop=12, rotation=90)
    sampled = list(frames(uri, cut=(10, 40), crop=(0, 48, 16, 64), fps=5, watch=(watch, 24)))
    assert len(sampled) == 6
    assert [each[:2] for each in seen] == [(round(i / 25, 3), 10 + i) for i in range(26)], "until the last sample"
    assert [number for _, number, is_key, _ in seen if is_key] == [12, 24]
    assert {shape for *_, shape in seen} == {(24, 24)}


def test_a_file_that_is_mostly_no_video_is_known_by_its_header(tmp_path: Path) -> None:
    path = tmp_path / "sparse.mp4"
    path.write_bytes((SHIPPED / "one_second_1.mp4").read_bytes())
    os.truncate(path, 3 << 40)
    begun = time.monotonic()
    with pytest.raises(MediaError, match=r"has \d+ bytes and claims to last 1 s; most of it is no video") as caught:
        check_header(canonical_uri(path))
    assert caught.value.kind == "too_large"
    assert time.monotonic() - begun < 10


def test_a_header_is_checked_like_a_video(tmp_path: Path) -> None:
    good = canonical_uri(SHIPPED / "one_second_1.mp4")
    check_header(good)
    with pytest.raises(MediaError, match="the limit is 100 pixels"):
        check_header(good, Limits(max_pixels=100))
    with pytest.raises(MediaError, match="the limit is 0 s"):
        check_header(good, Limits(max_duration_s=0.1))
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    with pytest.raises(MediaError, match="no video that can be read"):
        check_header(canonical_uri(text))
