"""Backends on onnxruntime, around files of random weights."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from actor18m.models import roles
from actor18m.models.anchored_faces import AnchoredParameters
from actor18m.models.arcface import SIDE, ArcFace, AuraFace
from actor18m.models.bisenet import BiSeNet
from actor18m.models.emotieffnet import EmotiEffNet
from actor18m.models.onnx_network import OnnxNetwork, OnnxParameters
from actor18m.models.retinaface import RetinaFace
from actor18m.models.rotation_6d import Rotation6D
from actor18m.models.scrfd import Scrfd
from actor18m.models.whole_body import DWPose, Rtmw, WholeBodyParameters
from tests.bench.gpu.network import Built, Network, Where
from tests.bench.gpu.onnx_graphs import (
    Graph,
    bisenet,
    drawn,
    efficientnet_b2,
    iresnet,
    retinaface,
    rotation,
    scrfd,
    whole_body,
)
from tests.models.cluster.onnx_files import Size

Draw = Callable[[Graph, bool], Mapping[str, Sequence[Size]]]
_ANY: tuple[Size, ...] = "batch", 3, "height", "width"


def _network(
    name: str,
    role: type,
    millions: float,
    draw: Draw,
    around: Callable[[OnnxNetwork, OnnxParameters, bool], Any],
    shape: Sequence[Size] = _ANY,
) -> Network:
    def build(where: Where) -> Built:
        file, weights = drawn(draw, where.full, shape)
        parameters = OnnxParameters(device="cpu" if where.device == "cpu" else "auto", batch=where.most)
        network = OnnxNetwork(file, parameters)
        on_gpu = "CUDAExecutionProvider" in network.runs_on
        return Built(
            around(network, parameters, where.full), weights, 4 * weights, "cuda" if on_gpu else "cpu", keeps=True
        )

    return Network(name, role, build, millions, lambda: drawn(draw, True, shape)[1])


def _faces(kind: type[RetinaFace] | type[Scrfd]) -> Callable[[OnnxNetwork, OnnxParameters, bool], Any]:
    def around(network: OnnxNetwork, told: OnnxParameters, full: bool) -> Any:
        return kind(network, AnchoredParameters(**told.model_dump(), side=640 if full else 160, min_score=0.9))

    return around


def _pose(kind: type[DWPose] | type[Rtmw]) -> Callable[[OnnxNetwork, OnnxParameters, bool], Any]:
    return lambda network, told, full: kind(network, WholeBodyParameters(**told.model_dump()))


NETWORKS = (
    _network("retinaface", roles.FaceDetector, 27.3, retinaface, _faces(RetinaFace)),
    _network("scrfd", roles.FaceDetector, 4.2, scrfd, _faces(Scrfd)),
    _network("arcface", roles.FaceEmbedder, 43.6, iresnet([3, 4, 14, 3]), lambda n, _, full: ArcFace(n),
             ("batch", 3, SIDE, SIDE)),
    _network("auraface", roles.FaceEmbedder, 65.2, iresnet([3, 13, 30, 3]), lambda n, _, full: AuraFace(n),
             ("batch", 3, SIDE, SIDE)),
    _network("bisenet", roles.FaceParser, 24.0, bisenet, lambda n, _, full: BiSeNet(n)),
    _network("emotieffnet", roles.ExpressionReader, 7.7, efficientnet_b2, lambda n, _, full: EmotiEffNet(n)),
    _network("rotation-6d", roles.HeadPose, 23.5, rotation, lambda n, _, full: Rotation6D(n), ("batch", 3, 224, 224)),
    _network("dwpose", roles.PoseEstimator, 32.2, whole_body(1, 1), _pose(DWPose),
             ("batch", 3, 384, 288)),
    _network("rtmw", roles.PoseEstimator, 57.3, whole_body(1.25, 1.33), _pose(Rtmw),
             ("batch", 3, 384, 288)),
)  # fmt: skip
