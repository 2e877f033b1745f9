"""A checkout of the project in which the model lock names the small models: all else is this one's, linked.

Builds that tests start run in it as a user's would, with the shipped code, pipelines and commands.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.small_models import lock_of
from tests.engine.killing import ROOT

_LOCK = "models.lock.yaml"
_LENT = "from tests.cluster.lent import lend\n\nlend()\n"


@dataclass(frozen=True)
class OwnCheckout:
    folder: Path
    models: Path

    @property
    def environment(self) -> Mapping[str, str]:
        """Python finds the checkout first, and what a test lends (`sitecustomize`) in it."""
        return {"PYTHONPATH": str(self.folder), "ACTOR18M_MODELS": str(self.models), "COLUMNS": "200"}

    def pull(self, pipeline: str, mirror: Path) -> None:
        """As `doctor` says, which looks for what the pipeline lacks; without CoTracker where its code cannot be had."""
        advised = re.search(r"actor18m models pull (.*)", self.run("doctor", "--pipeline", pipeline, code=1))
        assert advised is not None
        names = [name for name in advised[1].split() if name != "cotracker3" or (mirror / name).is_dir()]
        self.run("models", "pull", *names, "--from", str(mirror))

    def run(self, *words: str, code: int = 0) -> str:
        """What a command of the project says."""
        found = subprocess.run(
            [sys.executable, "-m", "actor18m", *words], cwd=self.folder, env=os.environ | self.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        assert found.returncode == code, found.stdout
        return found.stdout


def make_checkout(folder: Path, mirror: Path) -> OwnCheckout:
    """Without weights."""
    made = OwnCheckout(folder / "checkout", folder / "models")
    made.folder.mkdir(parents=True)
    for name in ("actor18m", "stages", "pipelines", "tests"):
        (made.folder / name).symlink_to(ROOT / name)
    (made.folder / "manifests").mkdir()
    for file in (ROOT / "manifests").iterdir():
        if file.name != _LOCK:
            (made.folder / "manifests" / file.name).symlink_to(file)
    lock = (ROOT / "manifests" / _LOCK).read_text(encoding="utf-8")
    (made.folder / "manifests" / _LOCK).write_text(lock_of(mirror, lock), encoding="utf-8")
    (made.folder / "sitecustomize.py").write_text(_LENT)
    return made
