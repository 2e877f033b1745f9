"""Networks whose code a user chooses to have: YOLO-World's is AGPL, CoTracker's CC-BY-NC and on no package index, and
TAPNext's, which is Apache-2.0, on none either."""

import importlib
import os
import sys
from dataclasses import replace
from typing import Any

from actor18m.errors import ActorError
from actor18m.models import roles
from actor18m.models.cotracker import CoTracker
from actor18m.models.libraries import library
from actor18m.models.tapnext import SHAPE, TapNext
from actor18m.models.torch_device import torch
from actor18m.models.yolo_world import YoloWorld, YoloWorldParameters
from tests.bench.gpu.network import Network, Where, counted, torch_network

COTRACKER, TAPNET = "ACTOR18M_COTRACKER", "ACTOR18M_TAPNET"
"""Environment variables with the folder of a checkout."""
_SMALL_TAPNEXT = {"width": 32, "num_heads": 2, "lru_width": 32, "depth": 2}
_FRAME = 256, 256
_whole: list[Any] = []
"""What ultralytics has around the module, which it copies whole: it cannot be a part of it."""


def _cotracker(full: bool) -> Any:
    """Whole, looking at 384 x 512 px; small looks at less."""
    predictor = _from_checkout("cotracker.predictor", COTRACKER, "--cotracker").CoTrackerPredictor(
        checkpoint=None, offline=True, window_len=60, v2=False
    )
    if not full:
        predictor.interp_shape = predictor.model.model_resolution = 64, 96
    return predictor


def _tracker(predictor: Any, where: Where) -> CoTracker:
    return CoTracker(predictor.to(where.device), torch().device(where.device), None)


def _tapnext(full: bool) -> Any:
    """BootsTAPNext-B."""
    code = _from_checkout("tapnet.tapnext.tapnext_torch", TAPNET, "--tapnet")
    network = code.TAPNext(image_size=_FRAME, **(SHAPE if full else _SMALL_TAPNEXT))
    for part in network.parameters():  # some are made without any values
        torch().nn.init.normal_(part, std=0.02)
    return network


def _by_token(network: Any, where: Where) -> TapNext:
    return TapNext(network, torch().device(where.device), None)


def _from_checkout(module: str, variable: str, flag: str) -> Any:
    if not (folder := os.environ.get(variable)):
        raise ActorError(f"its code is on no package index: give {flag} DIR, a checkout of it")
    sys.path.insert(0, folder)
    return importlib.import_module(module)


def _yolo_world(full: bool) -> Any:
    """YOLO-World v2, x or n; the word is a random one."""
    os.environ |= {"YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false", "YOLO_VERBOSE": "false"}
    made = library("ultralytics", "ultralytics").YOLOWorld(f"yolov8{'x' if full else 'n'}-worldv2.yaml")
    made.model.txt_feats, made.model.names = torch().randn(1, 1, 512), {0: "person"}
    made.model.model[-1].nc = 1
    _whole[:] = [made]
    return made.model


def _detector(module: Any, where: Where) -> YoloWorld:
    side = 640 if where.full else 160
    (whole,) = _whole
    assert whole.model is module
    return YoloWorld(whole, torch().device(where.device), YoloWorldParameters(side=side, batch=where.most))


def _made_on_cpu(network: Network, make: Any) -> Network:
    """They look at their own tensors while they are made."""
    return replace(network, count=lambda: counted(make(True))[0])


NETWORKS = (
    _made_on_cpu(torch_network("cotracker3", roles.PointTracker, 25.4, _cotracker, _tracker), _cotracker),
    torch_network("tapnext", roles.PointTracker, 194, _tapnext, _by_token),
    _made_on_cpu(torch_network("yolo-world", roles.PersonDetector, 72.9, _yolo_world, _detector), _yolo_world),
)
