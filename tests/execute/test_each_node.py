"""What is to be done on every machine of a cluster is done on each once, and a lost one is not waited for."""

from pathlib import Path

import pytest

from actor18m.execute import ray_cluster
from actor18m.execute.ray_cluster import join, on_each_node


def leave_mark(folder: str) -> None:
    import ray

    (Path(folder) / ray.get_runtime_context().get_node_id()).touch(exist_ok=False)


@pytest.mark.slow
def test_each_machine_that_is_there_does_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import ray
    from ray.cluster_utils import Cluster

    monkeypatch.setattr(ray_cluster, "_EACH_NODE_S", 300)  # a busy machine takes long to begin a process
    caplog.set_level("INFO", "actor18m")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        lost = cluster.add_node(num_cpus=1)
        cluster.add_node(num_cpus=0)
        assert not join(cluster.address)
        cluster.remove_node(lost, allow_graceful=False)
        on_each_node(leave_mark, str(tmp_path))
        there = {node["NodeID"] for node in ray.nodes() if node["Alive"]}  # type: ignore[no-untyped-call]
        assert {path.name for path in tmp_path.iterdir()} == there
        assert len(there) == 2
    finally:
        ray.shutdown()
        cluster.shutdown()  # type: ignore[no-untyped-call]
