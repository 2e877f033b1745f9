"""Opens the fixed shape of an ONNX file on its wire format, so that the `onnx` package is not needed at run time."""

from collections.abc import Iterator, Sequence

_MODEL_GRAPH, _GRAPH_INPUT = 7, 11
"""Field numbers of ModelProto.graph and GraphProto.input."""


def any_size(model: bytes, image: bytes, shapes: Sequence[tuple[int, int, int, int]]) -> bytes:
    """The model with batch, height and width of `shapes` left open and `image` as its only input (weights listed as
    inputs could be replaced by a caller, so onnxruntime does not prepare them: half as fast)."""
    parts = []
    for number, whole, body in _fields(model):
        if number == _MODEL_GRAPH:
            graph = b"".join(w for n, w, b in _fields(body) if n != _GRAPH_INPUT or image in b)
            for shape in shapes:
                opened = (None, shape[1], None, None)
                graph = graph.replace(b"".join(map(_dim, shape)), b"".join(map(_dim, opened)))
            whole = bytes([_MODEL_GRAPH << 3 | 2]) + _varint(len(graph)) + graph
        parts.append(whole)
    return b"".join(parts)


def _dim(size: int | None) -> bytes:
    """A TensorShapeProto.Dimension in its field: a number, or an empty name for "any"; both are four bytes long."""
    return b"\x0a\x02" + (b"\x12\x00" if size is None else bytes([0x08, size]))


def _fields(message: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Field number, the field whole, and its body (empty for numbers) of a protobuf message."""
    at = 0
    while at < len(message):
        start = at
        tag, at = _read_varint(message, at)
        body = b""
        if tag & 7 == 2:
            length, at = _read_varint(message, at)
            body = message[at : at + length]
            at += length
        elif tag & 7 == 0:
            _, at = _read_varint(message, at)
        else:
            at += {1: 8, 5: 4}[tag & 7]
        yield tag >> 3, message[start:at], body


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
