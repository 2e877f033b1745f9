"""All networks that are measured, those that most pipelines have first."""

from collections.abc import Callable, Sequence

from tests.bench.gpu.network import Network

FIRST = (
    "d-fine", "sam2", "clip", "retinaface", "arcface", "dwpose", "bisenet", "qwen-image-edit", "segformer-face",
    "siglip2", "rt-detrv2", "transnetv2", "cotracker3", "tapnext", "yolo-world", "scrfd", "auraface", "rtmw",
    "emotieffnet", "rotation-6d", "edgetam", "sam3",
)  # fmt: skip


def named(name: str) -> Network:
    """Only the module that has it is imported: a library that is lacking keeps no other network from being measured."""
    return next(network for network in _MODULES[name]() if network.name == name)


def _people() -> Sequence[Network]:
    from tests.bench.gpu import people

    return people.NETWORKS


def _pictures() -> Sequence[Network]:
    from tests.bench.gpu import pictures

    return pictures.networks()


def _editor() -> Sequence[Network]:
    from tests.bench.gpu import editor

    return editor.networks()


def _by_choice() -> Sequence[Network]:
    from tests.bench.gpu import by_choice

    return by_choice.NETWORKS


def _onnx() -> Sequence[Network]:
    from tests.bench.gpu import onnx_networks

    return onnx_networks.NETWORKS


_MODULES: dict[str, Callable[[], Sequence[Network]]] = {
    **dict.fromkeys(("d-fine", "rt-detrv2", "sam2", "edgetam", "sam3"), _people),
    **dict.fromkeys(("clip", "siglip2", "segformer-face", "transnetv2"), _pictures),
    **dict.fromkeys(("cotracker3", "tapnext", "yolo-world"), _by_choice),
    "qwen-image-edit": _editor,
    **dict.fromkeys(
        ("retinaface", "scrfd", "arcface", "auraface", "bisenet", "emotieffnet", "rotation-6d", "dwpose", "rtmw"), _onnx
    ),
}
