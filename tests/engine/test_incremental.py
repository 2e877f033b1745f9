"""A second build measures what changed and nothing else: told by counting the calls of models."""

import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.engine.site import Site, content_of, films
from tests.engine.steady import PIPELINE

GOOD, MIDDLING, NEARLY, POOR = (0.6, 1.0), (0.4, 0.6), (0.3, 0.4), (0.2, 0.3)
"""Scores; the pipeline's rule passes those from 0.4."""


@pytest.fixture
def built(site: Site) -> Site:
    """12 films, built once."""
    site.put(films("good", 5, *GOOD) | films("middling", 4, *MIDDLING))
    site.put(films("nearly", 2, *NEARLY) | films("poor", 1, *POOR))
    site.build()
    assert site.called() == {"read": 12, "look": 12, "deep": 9}
    return site


def bound(score: float) -> str:
    return PIPELINE.replace("at_least: 0.4", f"at_least: {score}")


def test_a_second_build_calls_no_model_and_publishes_nothing(built: Site) -> None:
    before, started = built.published(), time.monotonic()
    account = built.build()
    print(f"second build: {time.monotonic() - started:.2f} s")
    assert built.called() == {}
    assert account["published"]["is_new"] is False
    assert built.published() == before


def test_with_nothing_to_do_ray_is_not_even_imported(built: Site) -> None:
    said = (
        "import sys; from actor18m.cli.app import app; app(standalone_mode=False); "
        "assert not [name for name in sys.modules if name.partition('.')[0] == 'ray']"
    )
    given = ["steady.yaml", "--input", "videos", "--store", "store", "--dataset", "dataset", "--executor", "ray"]
    folders = {"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": ""}
    ran = subprocess.run(
        [sys.executable, "-c", said, "build", *given], cwd=built.root, env=folders, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    assert "nothing was missing" in ran.stdout


def test_a_relaxed_threshold_measures_only_who_is_newly_admitted(built: Site) -> None:
    relaxed = replace(built, pipeline=bound(0.3))
    relaxed.build()
    assert relaxed.called() == {"deep": 2}
    assert Counter(relaxed.states().values()) == {"accepted": 11, "rejected": 1}


def test_a_tightened_threshold_measures_nothing(built: Site) -> None:
    tight = replace(built, pipeline=bound(0.6))
    tight.build()
    assert tight.called() == {}
    assert Counter(tight.states().values()) == {"accepted": 5, "rejected": 7}
    assert {name for name, state in tight.states().items() if state == "accepted"} == {f"good{n}" for n in range(5)}


def test_the_same_threshold_may_be_set_on_the_command_line(built: Site) -> None:
    built.build("--set", "look.score=0.6")
    assert Counter(built.states().values()) == {"accepted": 5, "rejected": 7}
    assert "at_least: 0.6" in built.published()["pipeline.yaml"].decode()


def test_another_model_measures_its_stage_again_and_what_reads_it(built: Site) -> None:
    other = replace(built, pipeline=PIPELINE.replace("steady:Steady", "steady:Other"))
    other.build()
    admitted = sum(row["passed"] for row in other.table("decisions") if row["rule"] == "score")
    assert other.called() == {"look": 12, "deep": admitted}
    built.build()
    assert built.called() == {}, "the first model's measurements are there still"


def test_another_parameter_measures_its_stage_again_and_nothing_whose_columns_stay(built: Site) -> None:
    more = PIPELINE.replace('steady:Steady"}', 'steady:Steady"}\n    parameters: {times: 4}')
    replace(built, pipeline=more).build()
    assert built.called() == {"look": 12}, "deep reads the score, and the scores stay as they were"
    slower = PIPELINE.replace("steady:Read", "steady:Read\n    parameters: {pause_s: 0.001}")
    replace(built, pipeline=slower).build()
    assert built.called() == {"read": 12}


def test_new_files_make_a_new_lot_and_leave_the_shards_there_are(built: Site) -> None:
    shards, content = built.shards(), built.published()
    built.put(films("new", 10, *GOOD))
    account = built.build()
    assert built.called() == {"read": 10, "look": 10, "deep": 10}
    assert account["registration"]["lots"] == [1, 2]
    assert shards.items() < built.shards().items(), "the same files, not only the same bytes"
    assert built.published().items() >= {(name, content[name]) for name in content if name.startswith("videos/")}
    assert {row["lot"] for row in built.table("clips")} == {0, 1}


def test_a_changed_threshold_rewrites_tables_and_no_shard_whose_samples_stay(built: Site) -> None:
    built.put(films("new", 3, *GOOD))
    built.build()
    before, inodes = built.published(), built.shards()
    first, second = sorted(inodes)
    replace(built, pipeline=bound(0.6)).build()  # the middling ones are all in the first lot
    assert built.shards()[second] == inodes[second]
    assert first not in built.shards()
    for table in ("inputs", "clips", "decisions"):
        name = f"metadata/{table}/part-000000.parquet"
        assert built.published()[name] != before[name]


def test_loosened_and_tightened_again_the_bytes_are_those_of_a_fresh_build(built: Site, tmp_path: Path) -> None:
    replace(built, pipeline=bound(0.2)).build()
    tight = replace(built, pipeline=bound(0.6))
    tight.build()
    fresh = replace(tight, root=tmp_path / "fresh")
    fresh.root.mkdir()
    fresh.build(given=built.videos)
    assert content_of(fresh.dataset / "latest") == built.published()


def test_a_shard_may_cover_several_lots(built: Site) -> None:
    built.put(films("new", 3, *GOOD))
    of_two = replace(built, pipeline=f"{PIPELINE}publish: {{lots_per_shard: {{videos: 2}}}}\n")
    of_two.build()
    of_two.put(films("newer", 3, *GOOD))
    of_two.build()
    shard_of = {row["lot"]: row["shard"].split("-")[2] for row in of_two.table("clips") if row["shard"]}
    assert shard_of == {0: "000000", 1: "000000", 2: "000001"}


def test_a_build_says_which_files_of_a_folder_it_did_not_take(site: Site) -> None:
    site.put(films("good", 1, *GOOD))
    for name in ("notes.txt", "more.txt", "cover.jpg"):
        (site.videos / name).write_bytes(b"no video")
    told = site.run("build", str(site.root / "steady.yaml"), "--input", str(site.videos))
    assert told.exit_code == 0
    assert "3 files were not taken: .txt 2 (such as more.txt), .jpg 1 (cover.jpg)" in told.stdout
    assert "not taken" not in site.run("build", str(site.root / "steady.yaml")).stdout
