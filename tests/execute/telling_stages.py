"""Stages that tell where they measure and with what: for tests of clusters and of environments."""

import importlib.metadata
import os
import time
from collections.abc import Iterable, Sequence

from pyarrow import string

from actor18m.stage import Clip, Failure, Parameters, Row, Stage, schema


class TellsParameters(Parameters):
    package: str = ""
    """Whose version it tells."""
    pause_s: float = 0.0


class Tells(Stage):
    version = 1
    writes = schema("tells", node=string(), gpus=string(), process=string(), package=string(), variable=string())
    parameters = TellsParameters()
    reads_source = False

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        import ray

        for clip in clips:
            time.sleep(self.parameters.pause_s)
            told = {
                "node": ray.get_runtime_context().get_node_id(),
                "gpus": os.environ.get("CUDA_VISIBLE_DEVICES", "none"),
                "process": str(os.getpid()),
                "package": _version(self.parameters.package),
                "variable": os.environ.get("TOLD", ""),
            }
            yield Row(clip.key, told)


def _version(package: str) -> str:
    if not package:
        return ""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"
