"""Bytes that begin like a picture, as the engine looks at one, and go on with a text: what was drawn, to be read."""

_RIFF, _PNG = 25, 33
"""Bytes before the text."""


def webp(text: str) -> bytes:
    """A lossless WebP of one pixel, as its header says."""
    picture = b"\x2f\0\0\0\0" + text.encode()
    body = b"WEBPVP8L" + len(picture).to_bytes(4, "little") + picture
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def png(text: str) -> bytes:
    """A PNG of one pixel, likewise."""
    one = (1).to_bytes(4)
    return b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4) + b"IHDR" + one + one + b"\x08\0\0\0\0" + bytes(4) + text.encode()


def text_of(picture: bytes) -> str:
    return picture[_RIFF if picture.startswith(b"RIFF") else _PNG :].decode()
