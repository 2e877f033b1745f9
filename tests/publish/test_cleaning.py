"""A secret in every place of a file that is not its pictures: none is published, and no picture changes."""

import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.container import OutputContainer

from actor18m.publish.messages import SYNTAXES, CannotClean, Messages
from tests.media.films import film
from tests.publish.test_codecs import QUIET, made, read

SECRET = b"GPS 52.3702 N 4.8952 E, serial 0123456789"
ID = bytes(range(16))
USER_DATA = bytes([5, len(ID) + len(SECRET)]) + ID + SECRET
"""A message of H.264 and HEVC: its type and size, whose it is, and what it says."""
CAPTIONS = bytes([4, len(SECRET) + 3]) + b"\xb5\x00\x31" + SECRET
TIME_CODE = bytes([136, len(SECRET)]) + SECRET
LIGHT_LEVEL = bytes([144, 4]) + b"\x03\xe8\x01\x90"
H264_UNIT = b"\x06" + USER_DATA + CAPTIONS + LIGHT_LEVEL + b"\x80"
HEVC_UNITS = [
    b"\x4e\x01" + USER_DATA + TIME_CODE + LIGHT_LEVEL + b"\x80",
    b"\x7c\x01" + SECRET,  # of a type that is nobody's
]
AV1_UNIT = bytes([5 << 3 | 2, len(SECRET) + 3]) + b"\x04\xb5" + SECRET + b"\x80"
MPEG4_SECTION = b"\0\0\1\xb2" + SECRET


def of_length(unit: bytes) -> bytes:
    return len(unit).to_bytes(4, "big") + unit


def in_hevc_header(header: bytes) -> bytes:
    """One more array of units, of messages."""
    array = bytes([39, 0, 1]) + len(HEVC_UNITS[0]).to_bytes(2, "big") + HEVC_UNITS[0]
    return header[:22] + bytes([header[22] + 1]) + header[23:] + array


PLANTED: dict[str, tuple[str, Callable[[bytes], bytes], bytes]] = {
    "libx264": ("mp4", lambda header: header + SECRET, of_length(H264_UNIT) + of_length(b"\x0c" + SECRET)),
    "libx265": ("mp4", in_hevc_header, b"".join(map(of_length, HEVC_UNITS))),
    "libsvtav1": ("mp4", lambda header: header + AV1_UNIT, AV1_UNIT),
    "mpeg4": ("mp4", lambda header: header + MPEG4_SECTION, MPEG4_SECTION),
}


@pytest.mark.parametrize("codec", PLANTED)
def test_what_the_stream_says_is_not_copied(codec: str, tmp_path: Path) -> None:
    suffix, in_header, in_packet = PLANTED[codec]
    plain, source = tmp_path / f"plain.{suffix}", tmp_path / f"film.{suffix}"
    film(plain, codec=codec, options=QUIET if codec == "libx265" else {})
    with av.open(str(plain)) as given, av.open(str(source), "w") as out:
        video = given.streams.video[0]
        stream = out.add_stream_from_template(video, opaque=True)
        stream.codec_context.extradata = in_header(video.codec_context.extradata or b"")
        for packet in given.demux(video):
            if packet.size:
                planted = av.Packet(in_packet + bytes(packet))
                planted.pts, planted.dts, planted.duration = packet.pts, packet.dts, packet.duration
                planted.time_base, planted.is_keyframe, planted.stream = packet.time_base, packet.is_keyframe, stream
                out.mux(planted)
    assert source.read_bytes().count(SECRET) > 60
    how, content = made(source, tmp_path / "made.mp4")
    assert how == "copied"
    for said in (SECRET, ID, b"x264 - core", b"x265 (build"):
        assert said not in content
    assert (LIGHT_LEVEL in content) == (codec in ("libx264", "libx265"))
    times, pictures = read(content)
    wanted_times, wanted = read(plain.read_bytes())
    assert times == pytest.approx(wanted_times, abs=1e-6)
    assert all(np.array_equal(picture, other) for picture, other in zip(pictures, wanted, strict=True))


def test_where_decoding_can_begin_is_still_told(tmp_path: Path) -> None:
    film(tmp_path / "film.mp4", options={"x264-params": "open-gop=1:keyint=12", "bf": "3"})
    message = b"\x06\x06\x01"
    told = (tmp_path / "film.mp4").read_bytes().count(message)
    assert told >= 4
    how, content = made(tmp_path / "film.mp4", tmp_path / "made.mp4")
    assert (how, content.count(message)) == ("copied", told)


def test_the_encoder_that_a_decoder_must_know_is_still_told(tmp_path: Path) -> None:
    film(tmp_path / "film.mkv", codec="mpeg4")
    assert b"Lavc" in made(tmp_path / "film.mkv", tmp_path / "made.mp4")[1]


@pytest.mark.parametrize(("build", "is_444", "may_go"), [(164, True, True), (150, True, False), (150, False, True)])
def test_a_message_by_which_errors_are_repeated_is_not_taken_out(build: int, is_444: bool, may_go: bool) -> None:
    said = ID + b"x264 - core %d r2597" % build
    unit = b"\0\0\0\1\x06" + bytes([5, len(said)]) + said + b"\x80"
    messages = Messages(SYNTAXES["h264"], b"\0\0\0\1\x67\x64\0\0\1\x68\xee", is_444)
    if may_go:
        assert messages.cleaned(unit + b"\0\0\1\x65\x88") == b"\0\0\0\1\x65\x88"
    else:
        with pytest.raises(CannotClean):
            messages.cleaned(unit)


@pytest.mark.parametrize("seed", range(20))
def test_messages_of_noise_and_those_cut_short_are_taken_out(seed: int) -> None:
    noise = np.random.default_rng(seed).bytes(40).replace(b"\0\0", b"\1\1")
    messages = Messages(SYNTAXES["h264"], b"\0\0\0\1\x67\x64\0\0\1\x68\xee", is_444=False)
    cleaned = messages.cleaned(b"\0\0\1\x06" + noise + b"\0\0\1\x06\x05\xff\0\0\1\x06\0\0\1\x65\x88")
    assert cleaned.endswith(b"\0\0\0\1\x65\x88")
    assert len(cleaned) < 60


def test_parameters_that_change_on_the_way_are_no_copy(tmp_path: Path) -> None:
    """Two streams of one size, one behind the other: MP4's header holds the parameters of one."""
    film(tmp_path / "one.ts")
    film(tmp_path / "other.ts", options={"x264-params": "cabac=0:ref=1"})
    (tmp_path / "film.ts").write_bytes((tmp_path / "one.ts").read_bytes() + (tmp_path / "other.ts").read_bytes())
    how, content = made(tmp_path / "film.ts", tmp_path / "made.mp4")
    assert how == "encoded"
    assert len(read(content)[0]) >= 60


def chapters(out: OutputContainer) -> None:
    out.set_chapters(
        [{"id": 1, "start": 0, "end": 1000, "time_base": Fraction(1, 1000), "metadata": {"title": SECRET.decode()}}]
    )


def attachment(out: OutputContainer) -> None:
    out.add_attachment("font.ttf", "font/ttf", SECRET)


def tags(out: OutputContainer) -> None:
    out.metadata.update(title=SECRET.decode(), comment=SECRET.decode())


@pytest.mark.parametrize(
    ("suffix", "plant"),
    [("mkv", chapters), ("mkv", attachment), ("mkv", tags), ("mov", chapters), ("mov", tags)],
)
def test_what_the_container_says_is_not_copied(
    suffix: str, plant: Callable[[OutputContainer], None], tmp_path: Path
) -> None:
    film(tmp_path / "plain.mp4")
    source = tmp_path / f"film.{suffix}"
    with av.open(str(tmp_path / "plain.mp4")) as given, av.open(str(source), "w") as out:
        stream = out.add_stream_from_template(given.streams.video[0], opaque=True)
        stream.metadata.update(handler_name=os.fsdecode(SECRET), language="nld")
        plant(out)
        for packet in given.demux(video=0):
            if packet.size:
                packet.stream = stream
                out.mux(packet)
    assert SECRET in source.read_bytes()
    how, content = made(source, tmp_path / "made.mp4")
    assert how == "copied"
    for said in (SECRET, b"chpl", b"font"):
        assert said not in content
    only_pictures(tmp_path / "made.mp4")


def only_pictures(path: Path) -> None:
    with av.open(str(path)) as container:
        assert [each.type for each in container.streams] == ["video"]
        assert not container.chapters()
        assert container.metadata.keys() == {"major_brand", "minor_version", "compatible_brands"}
        assert container.streams.video[0].language in (None, "und")


def test_a_track_of_time_codes_is_not_copied(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "film.mov"), "w") as out:
        out.metadata["timecode"] = "09:41:07:00"
        stream = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(30):
            out.mux(stream.encode(av.VideoFrame(64, 48, "yuv420p")))
        out.mux(stream.encode(None))
    assert b"tmcd" in (tmp_path / "film.mov").read_bytes()
    how, content = made(tmp_path / "film.mov", tmp_path / "made.mp4")
    assert (how, b"tmcd" in content) == ("copied", False)
    only_pictures(tmp_path / "made.mp4")
