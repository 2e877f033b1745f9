"""What the first bytes of a picture say: whether it is one at all, and how large. Nothing is decoded."""

from collections.abc import Callable

Size = tuple[int, int]
"""Width and height in pixels."""

_PNG = b"\x89PNG\r\n\x1a\n"
_MORE = b"VP8X"
_OTHERS = ((_PNG, "a PNG"), (b"\xff\xd8\xff", "a JPEG"), (b"GIF8", "a GIF"), (b"BM", "a BMP"))


def webp_size(content: bytes) -> Size:
    """Raises ValueError, in words that follow the picture's name, where this is no whole WebP."""
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP":
        raise ValueError(f"is no WebP but {_told(content)}")
    whole = int.from_bytes(content[4:8], "little") + 8
    if len(content) < whole:
        raise ValueError(f"is a WebP that has lost its end: {len(content)} of {whole} bytes")
    size_of = _WEBP_SIZES.get(content[12:16])
    if size_of is None:
        raise ValueError("begins like a WebP and has no picture in it")
    return _above_zero(*size_of(content[20:30].ljust(10, b"\0")))


def plain_webp_size(content: bytes) -> Size | None:
    """None of what is no WebP, or has more in it than a picture."""
    try:
        size = webp_size(content)
    except ValueError:
        return None
    return None if content[12:16] == _MORE else size


def png_size(content: bytes) -> Size:
    """Likewise of a PNG."""
    if not content.startswith(_PNG) or content[12:16] != b"IHDR":
        raise ValueError(f"is no PNG but {_told(content)}")
    return _above_zero(int.from_bytes(content[16:20]), int.from_bytes(content[20:24]))


def _above_zero(width: int, height: int) -> Size:
    if not width or not height:
        raise ValueError(f"is of {width} x {height} pixels")
    return width, height


def _told(content: bytes) -> str:
    if not content:
        return "empty"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "a WebP"
    known = next((name for start, name in _OTHERS if content.startswith(start)), None)
    return known or f"{len(content)} bytes that begin with {content[:12]!r}"


def _lossy(data: bytes) -> Size:
    """Of a VP8 key frame: behind its tag and start code, 14 bits each, and 2 of scaling."""
    if data[3:6] != b"\x9d\x01\x2a":
        return 0, 0
    return int.from_bytes(data[6:8], "little") & 0x3FFF, int.from_bytes(data[8:10], "little") & 0x3FFF


def _lossless(data: bytes) -> Size:
    """Of a VP8L picture: behind its signature, less one and 14 bits each."""
    if data[:1] != b"\x2f":
        return 0, 0
    bits = int.from_bytes(data[1:5], "little")
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1


def _extended(data: bytes) -> Size:
    """Of a canvas: behind its flags, less one and 24 bits each."""
    return int.from_bytes(data[4:7], "little") + 1, int.from_bytes(data[7:10], "little") + 1


_WEBP_SIZES: dict[bytes, Callable[[bytes], Size]] = {b"VP8 ": _lossy, b"VP8L": _lossless, _MORE: _extended}
