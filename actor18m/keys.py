"""Hashes, keys, seeds, fingerprints: pure functions. What they return is stored, so what they return never changes."""

import hashlib
import math
import re
import struct
from collections.abc import Mapping, Sequence

Part = str | bytes | int | float | None | Mapping[str, "Part"] | Sequence["Part"]

KEY_DIGITS = 20
"""80 bits: among a billion clips, two share a key with a likelihood of one in two million."""
SHORT_DIGITS = 16
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def digest(*parts: Part) -> str:
    """SHA-256 in hex of an encoding that tells apart whatever differs: 1, 1.0, True, "1", ("a", "b") and ("ab",).

    A list equals a tuple, and the order of a mapping's entries does not count.
    """
    return _sha256(*parts).hex()


def clip_key(content_sha256: str, cut: tuple[int, int] | None, crop: tuple[int, int, int, int] | None) -> str:
    """The same window of the same bytes has the same key, wherever the file lies."""
    if not _SHA256.fullmatch(content_sha256):
        raise ValueError(f"not a SHA-256 in lower-case hex: {content_sha256!r}")
    return digest("clip", content_sha256, cut, crop)[:KEY_DIGITS]


def input_id(uri: str, cut: tuple[int, int] | None, crop: tuple[int, int, int, int] | None) -> str:
    """Names what the user gave, before its bytes were read. Licence and consent do not count: they are corrected."""
    return digest("input", uri, cut, crop)[:KEY_DIGITS]


def child_id(parent: str, cut: tuple[int, int]) -> str:
    """Names a clip of an input that was split, as an input of its own. Another input with just this cut is another."""
    return digest("child", parent, cut)[:KEY_DIGITS]


def reference_key(clip: str, name: str) -> str:
    """`<clip>-<region>-<source>-<nn>` of an image's name, `face-self-01`: no dots, since WebDataset cuts names at the
    first one."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"an image's name has lower-case letters, digits and -, not {name!r}")
    return f"{clip}-{name}"


def clip_of(key: str) -> str:
    """The clip whose image this is the key of, or the clip's own key."""
    return key.partition("-")[0]


def seed(key: str, stage: str, candidate: int = 0) -> int:
    """63 bits, so that it fits a signed column and every library's generator. A retry has the same one."""
    return int.from_bytes(_sha256("seed", key, stage, candidate)[:8], "big") >> 1


def fingerprint(
    stage_name: str, version: int, parameters: Mapping[str, Part], backends: Mapping[str, tuple[str, str]]
) -> str:
    """What a stage would measure with, its upstream aside; `backends` is role -> (name, digest of its weights)."""
    return digest("fingerprint", stage_name, version, parameters, backends)[:SHORT_DIGITS]


def input_digest(values: Mapping[str, object]) -> str:
    """Names the upstream values that a row was measured from, the same before they were written and after.

    Numbers count as float32, the precision of the columns they are stored in: 0.1 and what a float32 column returns
    for it are one value, as are 3 and 3.0. Integers are exact. NumPy's numbers and arrays count as their values.
    """
    return digest("input digest", _canonical(values))[:SHORT_DIGITS]


def rendezvous(key: str, choices: Sequence[str], salt: str) -> str:
    """The choice with the highest random weight: one more choice wins over the old ones for its share of keys only."""
    if not choices:
        raise ValueError("nothing to choose from")
    start = hashlib.sha256(_encode("rendezvous") + _encode(key) + _encode(salt))

    def weight(choice: str) -> bytes:
        hashed = start.copy()
        hashed.update(_encode(choice))
        return hashed.digest()

    return max(choices, key=weight)


def _sha256(*parts: Part) -> bytes:
    return hashlib.sha256(_encode(parts)).digest()


def _encode(part: object) -> bytes:
    """One letter for the type, the length, and the value: no encoding is the beginning of another one."""
    match part:
        case None:
            return b"n"
        case bool():
            return b"t" if part else b"f"
        case int():
            return _framed(b"i", b"%d" % part)
        case float():
            return _framed(b"d", float.__repr__(part).encode())
        case str():
            # a file's name may hold bytes that are no UTF-8; Python carries them as lone surrogates
            return _framed(b"s", part.encode("utf-8", "surrogatepass"))
        case bytes():
            return _framed(b"b", part)
        case Mapping():
            pairs = sorted((_encode(key), _encode(value)) for key, value in part.items())
            return b"m%d:" % len(pairs) + b"".join(key + value for key, value in pairs)
        case Sequence():
            return b"l%d:" % len(part) + b"".join(map(_encode, part))
    raise TypeError(f"cannot hash a {type(part).__name__}: {part!r}")


def _framed(letter: bytes, value: bytes) -> bytes:
    return b"%b%d:%b" % (letter, len(value), value)


def _canonical(value: object) -> Part:
    match value:
        case None | bool() | int() | str() | bytes():
            return value
        case float():
            return _as_float32(value)
        case Mapping():
            return {key: _canonical(inner) for key, inner in value.items()}
        case Sequence():
            return [_canonical(inner) for inner in value]
    if hasattr(value, "tolist"):  # NumPy's arrays and scalars, without importing it
        return _canonical(value.tolist())
    raise TypeError(f"cannot hash a {type(value).__name__}: {value!r}")


def _as_float32(value: float) -> int | float:
    try:
        (rounded,) = struct.unpack("<f", struct.pack("<f", value))
    except OverflowError:
        rounded = math.copysign(math.inf, value)
    return int(rounded) if rounded.is_integer() else float(rounded)
