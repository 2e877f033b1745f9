"""The whole pipeline `cluster` on Ray with GPUs that are only claimed: the same bytes as in one process, however many
workers there are, and wherever it was killed. A test of plumbing, as in test_whole_pipeline.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.whole import differing, images
from tests.engine.killed_samples import kill_in
from tests.engine.killing import Build, Project

pytestmark = pytest.mark.slow
MAKERS = ("sheet_images", "attribute_images", "view_images")
GPUS = 18
"""That none of the processes has: enough for two workers of each stage, of which three want one whole."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Of a cluster that outlives the builds which join it."""
    from ray.cluster_utils import Cluster

    claimed = {"num_cpus": 2, "num_gpus": GPUS, "memory": 256 << 30, "include_dashboard": False}
    started: Any = Cluster(initialize_head=True, head_node_args=claimed)
    yield started.address
    started.shutdown()


@pytest.mark.parametrize("workers", [1, 2])
def test_on_ray_it_is_the_same(whole: Project, tmp_path: Path, address: str, workers: int) -> None:
    again = whole.again(tmp_path / "ray")
    print(again.finish("--executor", "ray", "--address", address, "--workers", str(workers)))
    print(f"{dict(again.states())}, {dict(images(again.latest))}")
    assert again.states() == whole.states()
    assert differing(again.published(), whole.published()) == 0


@pytest.mark.parametrize(
    ("executor", "stages"),
    [("serial", ("motion", "bodies", "captions", *MAKERS, "judge")), ("ray", ("motion", "attribute_images", "judge"))],
)
def test_killed_anywhere_it_goes_on_to_the_same_bytes(
    whole: Project, tmp_path: Path, request: pytest.FixtureRequest, executor: str, stages: tuple[str, ...]
) -> None:
    """And what was made is not made again."""
    killed = whole.again(tmp_path / "killed")

    def started(run: int) -> Build:
        """On another number of workers each time, who go on where others were."""
        if executor == "serial":
            return killed.start()
        address = request.getfixturevalue("address")
        return killed.start("--executor", "ray", "--address", address, "--workers", str(1 + run % 2))

    for run, stage in enumerate(stages):
        build = started(run)
        kill_in(stage, build, alone=run % 2 == 1)
        print(f"kill {run + 1} in {stage}: {dict(killed.rows())}")
    build = started(len(stages))
    build.until(build.is_publishing)
    build.kill()
    print(started(len(stages) + 1).end())
    print(f"{len(stages) + 1} kills, {differing(killed.published(), whole.published())} differing bytes")
    assert killed.states() == whole.states()
    assert killed.published() == whole.published()
    made = killed.rows()
    assert {name: made[name] for name in MAKERS} == {name: whole.rows()[name] for name in MAKERS}
