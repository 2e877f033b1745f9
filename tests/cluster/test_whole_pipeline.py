"""The shipped pipeline `cluster`, from the clip to the three subsets, by the models it names: their real architectures,
small and with random weights, pulled from a mirror; the judge and the captioner behind a real HTTP server.

This is a test of plumbing: it shows that the parts fit together, and nothing of how good what they make is.
"""

import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.cluster.whole import Cluster, images, project
from tests.engine.chat_server import ChatServer
from tests.engine.killing import Project


@pytest.mark.slow
def test_a_clip_goes_all_the_way(tmp_path: Path, cluster: Cluster, asked: ChatServer) -> None:
    built = project(tmp_path, cluster, asked, ["expressions_1"])
    print(built.finish())
    found = images(built.latest)
    print(dict(built.states()), dict(found))
    assert built.states() == {"accepted": 1, "failed": 1}
    assert {subset for subset, state in found if state == "kept"} == {"A", "B", "C"}
    rows = pq.read_table(built.latest / "metadata" / "references").to_pylist()
    assert {row["maker"] for row in rows} == {"crops", "view_images", "attribute_images", "sheet_images"}
    assert {row["how"] for row in rows if row["is_generated"]} == {
        "Qwen/Qwen-Image-Edit-2509 + qwen-lightning",
        "Qwen/Qwen-Image-Edit-2509 + qwen-angles + qwen-lightning",
    }
    tried = [(row["candidate"], [each["candidate"] for each in row["attempts"]]) for row in rows if row["attempts"]]
    assert max(last for last, _ in tried) > 1, "the first attempt at some images is not like the person"
    assert all(numbers == [*range(1, last + 1)] for last, numbers in tried), "one after the other, until one passes"
    begun = len(asked.log)
    assert "(as before; 0 shards made" in built.finish()
    assert len(asked.log) == begun, "nothing is asked twice"


@pytest.mark.slow
def test_the_paper_s_rules_decide_by_what_was_measured(tmp_path: Path, whole: Project, asked: ChatServer) -> None:
    """Of two seconds two frames are looked at, where it wants three with a face: so it is lowered."""
    (tmp_path / "paper.yaml").write_text(
        whole.pipeline.read_text().replace("extends: cluster", "extends: paper-cluster")
    )
    decided = replace(whole, root=tmp_path, pipeline=tmp_path / "paper.yaml")
    shutil.copytree(whole.store, decided.store)
    begun = len(asked.log)
    said = decided.finish("--set", "identity.frames_with_a_face=2")
    print(said)
    assert decided.states()["accepted"] == 2
    assert "measured: nothing was missing" in said
    assert len(asked.log) == begun


@pytest.mark.slow
def test_models_that_may_be_sold_go_all_the_way(tmp_path: Path, cluster: Cluster, asked: ChatServer) -> None:
    built = project(tmp_path, cluster, asked, ["expressions_1"], "commercial")
    print(built.finish("--licence", "commercial"))
    found = images(built.latest)
    print(dict(built.states()), dict(found))
    assert built.states() == {"accepted": 1, "failed": 1}
    assert {subset for subset, state in found if state == "kept"} >= {"A", "B"}
    rows = pq.read_table(built.latest / "metadata" / "references").to_pylist()
    assert {row["how"] for row in rows if row["is_generated"]} == {
        "Qwen/Qwen-Image-Edit-2511 + qwen-lightning-2511",
        "Qwen/Qwen-Image-Edit-2511 + qwen-angles-2511 + qwen-lightning-2511",
    }
