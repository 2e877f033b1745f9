"""Opening a video file with care: what it claims is bounded before anything of it is decoded."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import av

from actor18m.media.header import not_opened
from actor18m.media.source import FileSeen, MediaError, opened

Cut = tuple[int, int]
FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg,gif"
"""No playlists: they name other files, which FFmpeg would open."""
_MOST_BYTES_A_SECOND, _UNTOLD_S = 1 << 30, 60.0
"""More than raw pictures of 8K have. A file that does not tell how long it lasts may last a minute of such."""


@dataclass(frozen=True)
class Limits:
    """What a file may claim before anything of it is decoded."""

    max_pixels: int = 8192 * 4352
    """8K. A decoder holds up to 16 pictures at a time, whatever a codec's levels allow."""
    max_duration_s: float = 6 * 3600


LIMITS = Limits()


@contextmanager
def container_of(uri: str, limits: Limits) -> Iterator[tuple[av.container.InputContainer, FileSeen]]:
    with opened(uri) as (stream, seen):
        try:
            container = av.open(
                stream,
                "r",
                metadata_errors="ignore",
                container_options={"format_whitelist": FORMATS},
                options={"max_pixels": str(limits.max_pixels)},
            )
        except av.FFmpegError as error:
            raise not_opened(uri, stream, seen.size, error.strerror or str(error)) from error
        with container:
            yield container, seen


def check(
    uri: str,
    container: av.container.InputContainer,
    stream: av.VideoStream,
    limits: Limits,
    cut: Cut | None,
    size: int,
) -> None:
    """By what the file claims. The pixels are checked again by the decoder, for each picture."""
    whole_s = (container.duration or 0) / 1e6
    if size > (whole_s + _UNTOLD_S) * _MOST_BYTES_A_SECOND:
        raise MediaError(
            "too_large", f"{uri}: has {size} bytes and claims to last {whole_s:.0f} s; most of it is no video"
        )
    codec = stream.codec_context
    if codec.width * codec.height == 0:  # the decoder has refused the size already
        raise too_large(uri, "claims pictures of a size that cannot be", f"{limits.max_pixels} pixels")
    if codec.width * codec.height > limits.max_pixels:
        raise too_large(uri, f"claims {codec.width} x {codec.height} pixels", f"{limits.max_pixels} pixels")
    claimed_s = whole_s
    if cut is not None:
        claimed_s = (cut[1] - cut[0]) / float(stream.average_rate or 1)
    if claimed_s > limits.max_duration_s:
        raise too_large(uri, f"claims to last {claimed_s:.0f} s", f"{limits.max_duration_s:.0f} s")


def too_large(uri: str, what: str, limit: str) -> MediaError:
    return MediaError("too_large", f"{uri}: {what}, and the limit is {limit}; cut it, or raise the limit")


def again(uri: str, limits: Limits, held: ExitStack) -> tuple[av.container.InputContainer, av.VideoStream]:
    container, _ = held.enter_context(container_of(uri, limits))
    return container, picture_stream(uri, container, limits)


def moving_pictures(container: av.container.InputContainer) -> av.VideoStream | None:
    """The first stream that moves: the cover of a song is a video stream too."""
    cover = av.stream.Disposition.attached_pic
    return next((stream for stream in container.streams.video if not stream.disposition & cover), None)


def picture_stream(uri: str, container: av.container.InputContainer, limits: Limits) -> av.VideoStream:
    """To be decoded on one thread and within the limits."""
    stream = moving_pictures(container)
    if stream is None:
        raise MediaError("no_video_stream", f"{uri}: holds {'sound' if container.streams.audio else 'nothing'} only")
    if stream.codec_context is None:
        raise MediaError("unreadable", f"{uri}: its pictures are in a format that FFmpeg cannot decode")
    stream.codec_context.thread_type = "NONE"
    stream.codec_context.thread_count = 1
    stream.codec_context.options = {"max_pixels": str(limits.max_pixels)}
    return stream
