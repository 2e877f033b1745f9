"""MPEG-4 in AVI as DivX wrote it, and as UCF101 and other collections are: a picture and the B-picture that is shown
before it in one packet, and in the next packet a picture that says it is none.
"""

import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av

from actor18m.inputs import canonical_uri
from tests.media.films import film

_RATE = 25
_PICTURE = b"\0\0\1\xb6"
_B = 2
_LAVC, _DIVX = re.compile(rb"Lavc[\d.]+"), b"DivX503b1393p"
"""Who made it. The `p` says that it is packed."""


def packed(path: Path, b_frames: int = 1) -> str:
    """The frames of a film, packed."""
    plain = path.with_suffix(".plain.avi")
    film(plain, codec="mpeg4", options={"bf": str(b_frames), "b_strategy": "0"})
    with av.open(str(plain)) as source:
        packets = [(bytes(packet), packet.is_keyframe) for packet in source.demux(video=0) if packet.size]
    return _written(path, plain, _in_pairs(packets))


def with_pauses(path: Path, before: Sequence[int]) -> str:
    """The frames of a film, and before each of these a packet that says it is none: the last one is shown on."""
    plain = path.with_suffix(".plain.avi")
    film(plain, codec="mpeg4")
    packets = []
    with av.open(str(plain)) as source:
        for number, packet in enumerate(packet for packet in source.demux(video=0) if packet.size):
            if number in before:
                packets.append((_no_picture(), False))
            packets.append((bytes(packet), packet.is_keyframe))
    return _written(path, plain, packets)


def _in_pairs(packets: Sequence[tuple[bytes, bool]]) -> list[tuple[bytes, bool]]:
    made: list[tuple[bytes, bool]] = []
    for content, is_key in packets:
        if not _is_b(content):
            made.append((content, is_key))
            continue
        run = len(made) - 1
        while _is_b(made[run][0]) or made[run][0] == _no_picture():
            run -= 1
        if made[-1][0] != _no_picture():  # the first of a run goes to the picture before it
            made[run] = made[run][0] + content, made[run][1]
        else:
            made[-1] = content, False
        made.append((_no_picture(), False))
    return made


def _is_b(content: bytes) -> bool:
    return content[content.index(_PICTURE) + 4] >> 6 == _B


def _no_picture() -> bytes:
    """A P-picture, at a time of ten bits, that is not coded."""
    bits = "01" + "0" + "1" + 10 * "0" + "1" + "0"
    bits += "0" + "1" * ((-len(bits) - 1) % 8)
    return _PICTURE + int(bits, 2).to_bytes(len(bits) // 8, "big")


def _written(path: Path, plain: Path, packets: Sequence[tuple[bytes, bool]]) -> str:
    with av.open(str(plain)) as source, av.open(str(path), "w") as out:
        video = source.streams.video[0]
        stream = out.add_stream_from_template(video, opaque=True)
        stream.codec_context.extradata = _LAVC.sub(_DIVX, video.codec_context.extradata or b"")
        for number, (content, is_key) in enumerate(packets):
            packet = av.Packet(_LAVC.sub(_DIVX, content))
            packet.pts = packet.dts = number
            packet.time_base, packet.is_keyframe, packet.stream = Fraction(1, _RATE), is_key, stream
            out.mux(packet)
    return canonical_uri(path)
