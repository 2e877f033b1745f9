"""Builds of shipped samples by the pipeline that ships, to be killed in a stage."""

import shutil
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from actor18m.samples.shipped import SHIPPED
from tests.engine.killing import ROOT, Build, Project


def project_of(samples: Iterable[str], folder: Path) -> Project:
    """Undisturbed as yet, in a folder of its own below this one."""
    (folder / "in").mkdir()
    for name in samples:
        shutil.copy(SHIPPED / f"{name}.mp4", folder / "in")
    pipeline = (ROOT / "pipelines" / "embedded.yaml").read_text()
    (folder / "pipeline.yaml").write_text(_one_clip_a_call(pipeline))
    return Project(folder / "undisturbed", folder / "in", folder / "pipeline.yaml")


def kill_in(stage: str, build: Build, alone: bool = False) -> None:
    """As soon as it is at that stage."""
    build.until(partial(_is_at, build, stage))
    build.kill(alone)


def _is_at(build: Build, stage: str) -> bool:
    return stage in build.stages()


def _one_clip_a_call(pipeline: str) -> str:
    """Of few clips, some are measured already when a build is killed."""
    lines = pipeline.splitlines()
    called = "    run: {clips_per_call: 1}"
    return "\n".join(f"{line}\n{called}" if line.startswith("  - stage:") else line for line in lines)
