"""plan, status, explain and what-if tell the truth, and change nothing."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from actor18m.catalog.register import Register
from actor18m.storage.lease import hold
from actor18m.storage.store import open_store
from actor18m.survey.stage_story import stands_in
from tests.engine.films import film
from tests.engine.site import Site, films
from tests.engine.steady import AT, PIPELINE, SEEN

WHERE = ["--input", "videos", "--store", "store", "--dataset", "dataset"]
GOOD, NEARLY, POOR = (0.5, 1.0), (0.3, 0.4), (0.2, 0.3)


@pytest.fixture
def built(site: Site) -> Site:
    """12 films, of which 9 are accepted."""
    site.put(films("good", 9, *GOOD) | films("nearly", 2, *NEARLY) | films("poor", 1, *POOR))
    site.build()
    site.called()
    return site


def planned(answer: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """What is missing and why, by stage."""
    return {name: stage["why"] for name, stage in answer["stages"].items() if stage["missing"]}


def where(site: Site) -> dict[str, str]:
    """Where each input stands, as what-if tells it."""
    return {
        row["uri"]: " ".join([row["state"], ".".join(filter(None, [row["stage"], row["rule"]]))]).strip()
        for row in site.table("inputs")
    }


@pytest.mark.parametrize(
    ("settings", "missing"),
    [
        ([], {}),
        (["look.score=0.6"], {}),
        (["look.score=0.3"], {"deep": {"newly admitted": 2}}),
        (["look.times=4"], {"look": {"changed parameter": 12}}),
        (["read.pause_s=0.001", "look.score=0.3"], {"read": {"changed parameter": 12}}),
    ],
)
def test_plan_says_what_is_missing_and_why(
    built: Site, settings: list[str], missing: dict[str, dict[str, int]]
) -> None:
    given = [part for setting in settings for part in ("--set", setting)]
    plan = built.ask("plan", *given)
    assert planned(plan) == missing
    assert plan["is_done"] is not bool(missing)
    built.build(*given)
    called = built.called()
    assert {stage: called[stage] for stage in missing} == {stage: sum(why.values()) for stage, why in missing.items()}
    assert built.ask("plan", *given)["is_done"] is True


def test_plan_names_a_changed_model_and_a_changed_input(built: Site) -> None:
    other = replace(built, pipeline=PIPELINE.replace("steady:Steady", "steady:Other"))
    assert planned(other.ask("plan")) == {"look": {"changed model": 12}}
    louder = ["--set", "read.upper=true"]
    built.build("--until", "read", *louder)
    assert planned(built.ask("plan", *louder)) == {"look": {"changed input": 12}}
    (built.videos / "poor0.mp4").write_bytes(film("take another"))
    store = open_store(str(built.root / "store"))
    with hold(store) as lease:
        Register(store).look_again(lease)
    assert planned(built.ask("plan")) == {"read": {"changed input": 1}}


def test_plan_reckons_with_the_rates_that_were_measured(site: Site) -> None:
    site.put(films("good", 12, *GOOD))
    account = site.build("--until", "read", "--set", "read.pause_s=0.02")
    plan = site.ask("plan", "--set", "read.pause_s=0.02")
    look = plan["stages"]["look"]
    assert (look["missing"], look["at_most"], look["calls"], look["why"]) == (12, 12, 2, {"new": 12})
    assert (look["each"], look["basis"]) == (None, None), "nobody knows"
    for each in site.videos.iterdir():
        each.touch()
    store = open_store(str(site.root / "store"))
    with hold(store) as lease:
        Register(store).look_again(lease)
    plan = site.ask("plan", "--set", "read.pause_s=0.02")
    least, expected, most = plan["stages"]["read"]["in_all"]["seconds"]
    assert least == expected == most == pytest.approx(account["stages"]["read"]["seconds"], abs=0.06)
    assert least >= 0.2
    assert plan["stages"]["read"]["basis"] == "measured"
    assert plan["totals"]["seconds"]["without"] == ["look", "deep"]
    quicker = site.ask("plan", "--set", "read.pause_s=0.01")["stages"]["read"]
    assert (quicker["in_all"]["seconds"][0], quicker["basis"]) == (least, "measured otherwise")
    assert plan["stages"]["deep"]["at_most"] == 12, "each of them may come so far"


def test_plan_tells_of_inputs_that_nobody_has_registered(site: Site) -> None:
    site.put(films("good", 3, *GOOD))
    new = site.ask("plan", "--input", str(site.videos))
    assert (new["registration"]["added"], new["is_done"]) == (3, False)
    shown = site.run("plan", str(site.root / "steady.yaml"), "--input", str(site.videos)).stdout
    assert next(line.split() for line in shown.splitlines() if line.split()[:1] == ["read"])[:3] == ["read", "3", "3"]
    assert not (site.root / "store").exists()
    site.build()
    assert site.ask("plan", "--input", str(site.videos))["is_done"] is True
    site.put(films("poor", 2, *POOR))
    (site.videos / "good0.mp4").unlink()
    more = site.ask("plan", "--input", str(site.videos), "--sync")
    assert (more["registration"]["added"], more["registration"]["gone"]) == (2, 1)
    assert site.ask("status")["inputs"] == 3, "asking changes nothing"


def test_status_adds_up_at_any_time_of_a_build(site: Site) -> None:
    """However long a look takes: the build waits for one before each of its calls, and goes on during the others."""
    watched = ["--set", "look.is_watched=true"]
    site.put(films("good", 20, *GOOD) | films("poor", 10, *POOR) | {"short": "one", "bad": "this is broken"})
    running = site.start("build", *WHERE, *watched)
    seen = []
    while running.poll() is None:
        waiting = list(site.root.glob(f"*{AT}"))
        told = site.run("status", str(site.root / "steady.yaml"), "--json", *watched)
        if told.exit_code == 0:
            seen.append(json.loads(told.stdout))
        for at in waiting:
            at.with_suffix(SEEN).touch()
    _, said = running.communicate()
    assert running.returncode == 0, said
    seen.append(site.ask("status", *watched))
    pending = [told["states"].get("pending", 0) for told in seen]
    for told in seen:
        assert told["adds_up"]
        assert told["inputs"] == sum(told["states"].values()) in (0, 32)
    assert len({left for left in pending if left}) > 2, "it is seen to go on"
    assert any(told["building"] for told in seen[:-1])
    assert seen[-1]["building"] is None
    assert seen[-1]["states"] == {"accepted": 20, "rejected": 11, "failed": 1}
    assert seen[-1]["errors"] == {"failed in look: ValueError": 1}


def test_explain_tells_the_whole_story(built: Site) -> None:
    built.put({"bad": "this is broken", "repeat": films("good", 1, *GOOD)["good0"]})
    built.build()
    stories = {}
    for name in ("good0", "poor0", "bad", "repeat"):
        (stories[name],) = built.ask("explain", str(built.videos / f"{name}.mp4"))
    assert [stage["stage"] for stage in stories["good0"]["stages"]] == ["read", "look", "deep"]
    assert stories["good0"]["stages"][0]["values"]["text"] == films("good", 1, *GOOD)["good0"]
    assert all(rule["passed"] for stage in stories["good0"]["stages"] for rule in stage["rules"])
    poor = stories["poor0"]
    assert (poor["state"], poor["stage"], poor["rule"], poor["bound"]) == ("rejected", "look", "score", "at_least 0.4")
    assert 0.2 <= float(poor["value"]) < 0.3
    error = stories["bad"]["stages"][-1]["error"]
    assert error.startswith("ValueError: cannot look at 'this is broken' (at tests/engine/steady.py:")
    assert stories["repeat"]["state"] == "duplicate"
    assert stories["repeat"]["duplicate_of"] == stories["good0"]["clip"]
    assert len(built.ask("explain", stories["good0"]["clip"][:8])) == 2, "both of its sources"
    nothing = built.run("explain", "nosuch.mp4", str(built.root / "steady.yaml"))
    assert nothing.exit_code == 1
    swapped = built.run("explain", str(built.root / "steady.yaml"), str(built.videos / "poor0.mp4")).stdout
    assert swapped == built.run("explain", str(built.videos / "poor0.mp4"), str(built.root / "steady.yaml")).stdout
    assert built.run("explain", "one.mp4", "two.mp4").exit_code == 2
    told = built.run("explain", str(built.videos / "bad.mp4"), str(built.root / "steady.yaml")).stdout
    assert "error: ValueError: cannot look at 'this is broken'" in told


def test_a_file_with_other_rules_is_held_against_the_latest_version(built: Site) -> None:
    edited = replace(built, pipeline=built.pipeline.replace("at_least: 0.4", "at_least: 0.6"))
    assert edited.pipeline != built.pipeline
    moved = edited.ask("what-if")
    assert moved["differs"]
    assert moved["inputs"] == built.ask("what-if", "--set", "look.score=0.6")["inputs"]


def test_a_rule_that_passes_by_nulls_alone_does_not_apply() -> None:
    panels = "coalesce(line_spread, 0)"
    assert stands_in(panels, {"line_spread": None, "people": 1})
    assert not stands_in(panels, {"line_spread": 0.1})
    assert not stands_in("people", {"people": None})


def test_explain_tells_what_a_clip_repeats_and_where_it_is_published(built: Site) -> None:
    text = films("good", 1, *GOOD)["good0"]
    built.put({"near": f"{text} "})
    built.build()
    (near,) = built.ask("explain", str(built.videos / "near.mp4"))
    (first,) = built.ask("explain", str(built.videos / "good0.mp4"), "--dataset", str(built.dataset))
    assert near["state"] == "duplicate", "other bytes; the signature leaves the end out"
    assert near["duplicate_uri"] == first["uri"]
    assert (near["differing_share"], near["duration_apart_s"]) == (0.0, 0.0)
    (place,) = first["published"]
    (row,) = (row for row in built.table("clips") if row["clip"] == first["clip"])
    assert place == {"version": "000002", **{name: row[name] for name in ("shard", "mp4_offset", "mp4_size")}}
    told = built.run("explain", str(built.videos / "near.mp4"), str(built.root / "steady.yaml")).stdout
    assert "good0.mp4" in told


def test_a_narrow_terminal_shows_what_there_is(built: Site) -> None:
    told = built.run("status", str(built.root / "steady.yaml")).stdout
    assert "quarantined" not in told, "a column of zeros"
    assert "  look rejects: score 3" in told.splitlines()
    assert max(map(len, told.splitlines())) <= 80


@pytest.mark.parametrize("score", ["0.7", "0.3", "0.25"])
def test_what_if_foretells_the_next_build(built: Site, score: str) -> None:
    before = where(built)
    told = built.ask("what-if", "--set", f"look.score={score}")
    assert built.called() == {}
    built.build("--set", f"look.score={score}")
    after = where(built)
    moves = Counter((before[uri], after[uri]) for uri in before if before[uri] != after[uri])
    assert moves
    expected = Counter({(row["from"], row["to"]): row["inputs"] for row in told["moved"]})
    unknown = {move: count for move, count in expected.items() if move[1] == "pending deep"}
    assert told["unknown_until_measured"] == sum(unknown.values()) == built.called().get("deep", 0)
    assert {move: n for move, n in expected.items() if move not in unknown} == (moves if not unknown else {})
    assert sum(expected.values()) == sum(moves.values())


def test_what_if_sweeps_a_bound_and_names_who_moves(built: Site) -> None:
    rows = built.ask("what-if", "--sweep", "look.score=0.2:0.6:0.1")
    assert [row["value"] for row in rows] == [0.2, 0.3, 0.4, 0.5, 0.6]
    counts = [row["accepted"] + row["states"].get("pending", 0) for row in rows]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1]
    moved = built.ask("what-if", "--set", "look.score=0.6")["inputs"]
    assert moved
    assert all(row["why"].endswith("must be at_least 0.6") for row in moved if row["to"].startswith("rejected"))
    listed = built.run("what-if", str(built.root / "steady.yaml"), "--set", "look.score=0.6", "--list").stdout
    assert all(row["clip"] in listed for row in moved)
    assert built.called() == {}
    for wrong in ("look.score", "look.score=1", "look.score=0:1:0", "look.score=a:b:c", "look.score=0:1e9:1"):
        assert built.run("what-if", str(built.root / "steady.yaml"), "--sweep", wrong).exit_code == 2
    assert built.run("what-if", str(built.root / "steady.yaml")).exit_code == 2


def test_clips_that_could_not_be_published_are_told(site: Site) -> None:
    site.put(films("good", 4, *GOOD))
    site.build("--until", "deep")
    lost = site.videos / "good0.mp4"
    content = lost.read_bytes()
    lost.unlink()
    site.run("build", str(site.root / "steady.yaml"), "--max-failed", "1")
    told = site.run("status", str(site.root / "steady.yaml")).stdout
    assert "accepted, and not published: " in told
    assert "is gone" in told
    assert len(site.ask("status")["not_published"]) == 1
    explained = site.run("explain", str(lost), str(site.root / "steady.yaml")).stdout
    assert "  not published: " in explained
    assert "the next build tries again" in explained
    assert (
        "not published"
        not in site.run("explain", str(site.videos / "good1.mp4"), str(site.root / "steady.yaml")).stdout
    )
    lost.write_bytes(content)
    site.build()
    assert "not published" not in site.run("status", str(site.root / "steady.yaml")).stdout


def test_plan_tells_the_files_that_are_not_taken(built: Site) -> None:
    (built.videos / "notes.txt").write_text("x")
    told = built.run("plan", str(built.root / "steady.yaml"), "--input", str(built.videos)).stdout
    assert "1 file was not taken: .txt 1 (notes.txt)" in told
    assert built.ask("plan", "--input", str(built.videos))["left_out"]["counts"] == {".txt": 1}
