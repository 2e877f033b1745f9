"""What a stream says beside its pictures, taken out of what is copied; the pictures come out the same.

AV1 carries metadata and MPEG-4 user data, H.264 and HEVC messages (messages.py): places, times and serial numbers of
cameras, captions, names and settings of encoders. VP9 has nothing of the kind.
"""

import re
from collections.abc import Callable, Iterator
from typing import cast

import av
from av.bitstream import BitStreamFilterContext

from actor18m.media.order import Given
from actor18m.publish.messages import SYNTAXES, Messages

Clean = Callable[[Given], Iterator[Given]]
"""A stream's next packet, cleaned; nothing when nothing is left of it."""

_METADATA, _PADDING = 5, 15
_AV1_IN_MP4, _AV1_IN_MP4_BYTES = b"\x81", 4
"""How MP4 and Matroska begin a header of AV1, and what comes before its units."""
_USER_DATA = re.compile(rb"\0\0\x01\xb2(.*?)(?=\0\0\x01|\Z)", re.DOTALL)
_ENCODER = re.compile(rb"(XviD\d{1,4}|DivX\d{1,4}(b|Build)\d{1,5}p?|Lavc\d{1,3}\.\d{1,3}\.\d{1,3}|ffmpeg)\0*")
"""By this a decoder of MPEG-4 knows whose rounding and whose errors to repeat: without it the pictures are others."""


def cleaner(stream: av.VideoStream, out: av.VideoStream) -> Clean:
    """`out` gets the stream's header, cleaned, and the tag that MP4 knows it by."""
    name = stream.codec_context.codec.canonical_name
    if name in SYNTAXES:
        return _without_messages(stream, out)
    if name == "av1":
        return _without_metadata(stream, out)
    return _without_user_data(out) if name == "mpeg4" else _as_it_is


def _as_it_is(packet: Given) -> Iterator[Given]:
    yield packet


def _without_metadata(stream: av.VideoStream, out: av.VideoStream) -> Clean:
    units = BitStreamFilterContext(f"filter_units=remove_types={_METADATA}|{_PADDING}", stream)
    header = out.codec_context.extradata or b""
    if header[:1] == _AV1_IN_MP4:
        header = header[_AV1_IN_MP4_BYTES:]
    if header:
        # The filter leaves a header as it is, unless it comes as a packet.
        out.codec_context.extradata = b"".join(map(bytes, units.filter(av.Packet(header))))
    out.codec_context.codec_tag = "av01"

    def clean(packet: Given) -> Iterator[Given]:
        time_base = packet.time_base
        for each in units.filter(packet):
            each.time_base = time_base
            yield each

    return clean


def _without_user_data(out: av.VideoStream) -> Clean:
    def cleaned(content: bytes) -> bytes:
        return _USER_DATA.sub(lambda found: found[0] if _ENCODER.fullmatch(found[1]) else b"", content)

    def clean(packet: Given) -> Iterator[Given]:
        yield _with(packet, cleaned(bytes(packet)))

    out.codec_context.extradata = cleaned(out.codec_context.extradata or b"")
    return clean


def _without_messages(stream: av.VideoStream, out: av.VideoStream) -> Clean:
    name = stream.codec_context.codec.canonical_name
    units = BitStreamFilterContext(f"{name}_mp4toannexb", stream, out)
    messages = Messages(SYNTAXES[name], out.codec_context.extradata or b"", _is_444(stream))
    out.codec_context.extradata, out.codec_context.codec_tag = messages.header, messages.syntax.tag

    def clean(packet: Given) -> Iterator[Given]:
        time_base = packet.time_base
        for each in units.filter(packet):
            each.time_base = time_base
            if content := messages.cleaned(bytes(each)):
                yield _with(each, content)

    return clean


def _is_444(stream: av.VideoStream) -> bool:
    return any(name in (stream.codec_context.pix_fmt or "") for name in ("444", "gbr"))


def _with(packet: Given, content: bytes) -> Given:
    made = cast(Given, av.Packet(content))
    made.time_base, made.pts, made.dts, made.duration = packet.time_base, packet.pts, packet.dts, packet.duration
    made.is_keyframe = packet.is_keyframe
    return made
