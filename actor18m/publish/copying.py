"""A whole file's pictures as they are stored, in an MP4 that holds nothing else."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import av
from av.container import InputContainer

from actor18m.media.order import Given, retimed, says_when_shown, timed, unpacked
from actor18m.media.orientation import orientation
from actor18m.publish.cleaning import cleaner
from actor18m.publish.messages import CannotClean

CONTAINER = {"movflags": "+faststart", "fflags": "+bitexact"}
_COPIED = {"h264", "hevc", "av1", "vp9", "mpeg4"}
_FIRST = 64
"""Packets among which the first picture is."""


class CannotCopy(Exception):
    """MP4 cannot hold this stream as it is, or plain readers would not show it as it is meant."""


def copy(given: InputContainer, video: av.VideoStream, target: Path) -> None:
    """Of a container that stands at its beginning."""
    if video.codec_context.codec.canonical_name not in _COPIED:
        raise CannotCopy("MP4 does not hold its codec")
    packets = _from_an_upright_picture(_from_a_key(_with_times(given, video)))
    with av.open(str(target), "w", format="mp4", options=CONTAINER) as made:
        try:
            # Opaque: asked for by the decoder's name, the encoder of AV1 is not found.
            out = made.add_stream_from_template(video, opaque=True)
            out.metadata.clear()
            clean = cleaner(video, out)
            for packet in packets:
                for each in clean(packet):
                    each.stream = out
                    made.mux(each)
        except (ValueError, CannotClean) as error:
            raise CannotCopy(str(error)) from error


def _with_times(given: InputContainer, video: av.VideoStream) -> Iterator[Given]:
    packets = (packet for packet in given.demux(video) if packet.size)
    if says_when_shown(given, video):
        yield from _with_decoding_times(packets)
        return
    # A decoder of MPEG-4 looks at what the container calls the stream, too.
    if video.codec_context.codec.canonical_name == "mpeg4":
        raise CannotCopy("elsewhere its pictures would be others")
    times = [packet.pts for packet in timed(unpacked(given.demux(video), video)) if packet.size]
    shown = sorted(time for time in times if time is not None)
    if not shown or len(shown) < len(times):
        raise CannotCopy("not every packet has a picture")
    late = max(decoded - time for decoded, time in zip(shown, times, strict=True) if time is not None)
    given.seek(0, stream=video)
    for packet, decoded in zip(retimed(packets, times), shown, strict=True):
        packet.dts = decoded - late
        yield packet


def _with_decoding_times(packets: Iterator[Given]) -> Iterator[Given]:
    """Those of a Matroska file's first packets, which FFmpeg leaves out, go before the first that is known."""
    begin = []
    for packet in packets:
        begin.append(packet)
        if packet.dts is not None or len(begin) == _FIRST:
            break
    for number, packet in enumerate(begin[:-1], 1 - len(begin)):
        if begin[-1].dts is not None:
            packet.dts = begin[-1].dts + number * max(1, packet.duration or 0)
    yield from chain(begin, packets)


def _from_a_key(packets: Iterator[Given]) -> Iterator[Given]:
    """From the first one that can be decoded alone, which is at 0."""
    start = None
    for packet in packets:
        if start is None and not packet.is_keyframe:
            continue
        # What is discarded is not shown by the source, and would be by the copy.
        if packet.pts is None or packet.dts is None or packet.is_discard or packet.has_sidedata("new_extradata"):
            raise CannotCopy("MP4 does not hold its times, or its header changes")
        start = packet.pts if start is None else start
        if packet.pts < start:
            raise CannotCopy("its first pictures need others that are missing")
        packet.pts -= start
        packet.dts -= start
        yield packet


def _from_an_upright_picture(packets: Iterator[Given]) -> Iterator[Given]:
    """The same packets, if plain readers show what players show: they do not look at what says how to turn it."""
    begin, pictures = [], list[av.VideoFrame]()
    for packet in packets:
        begin.append(packet)
        pictures = packet.decode()
        if pictures or len(begin) == _FIRST:
            break
    if begin and not pictures:
        pictures = begin[-1].stream.decode()  # the decoder waits for more
    if not pictures:
        raise CannotCopy("its first picture cannot be decoded")
    if not orientation(pictures[0]).is_upright:
        raise CannotCopy("it is shown turned")
    return chain(begin, packets)
