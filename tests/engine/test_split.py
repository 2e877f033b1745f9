"""Long films are split into clips: all are accounted for, whatever comes, goes and changes."""

import os
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from tests.engine.reels import REELS, reel
from tests.engine.site import Site
from tests.engine.steady import PIPELINE

TWO_SHOTS = "one take of ann cut other take of bob"
"""Cut at frame 4; the second shot has 5 pictures."""


@pytest.fixture
def reels(site: Site) -> Site:
    return replace(site, pipeline=REELS)


def put(site: Site, **texts: str) -> None:
    site.videos.mkdir(exist_ok=True)
    for name, text in texts.items():
        (site.videos / f"{name}.mp4").write_bytes(reel(text))


def rows(site: Site, name: str) -> list[dict[str, Any]]:
    return [row for row in site.table("inputs") if row["uri"].endswith(f"/{name}.mp4")]


def cuts(site: Site, name: str, gone: bool = False) -> list[list[int]]:
    found = rows(site, name)
    return sorted(row["cut"] for row in found if row["parent"] and (row["state"] == "superseded") is gone)


def source(site: Site, name: str) -> dict[str, Any]:
    (found,) = (row for row in rows(site, name) if row["parent"] is None)
    return found


def checked(site: Site, *arguments: str) -> Counter[str]:
    """States, which add up."""
    told = site.ask("status", *arguments)
    assert told["adds_up"]
    assert told["states"] == Counter(row["state"] for row in site.table("inputs"))
    assert site.ask("plan", *arguments)["is_done"]
    return Counter(told["states"])


def test_a_source_becomes_its_shots_and_what_has_one_stays_whole(reels: Site) -> None:
    put(reels, film=TWO_SHOTS, short="a single take", fleeting="so cut much longer cut")
    reels.build()
    assert cuts(reels, "film") == [[0, 4], [4, 9]]
    film = source(reels, "film")
    assert (film["state"], film["stage"], film["value"], film["clip"]) == ("split", "shots", 2.0, None)
    assert {row["parent"] for row in rows(reels, "film")} == {None, film["id"]}
    assert source(reels, "short")["state"] in ("accepted", "rejected")
    assert cuts(reels, "fleeting") == [[1, 4]], "shots under a second are no clips"
    assert checked(reels)["split"] == 2
    assert reels.called()["shots"] == 3
    assert {row["lot"] for row in rows(reels, "film")} == {0, 1}


def test_a_second_build_does_nothing(reels: Site) -> None:
    put(reels, film=TWO_SHOTS, short="a single take")
    reels.build()
    before = reels.published()
    reels.called()
    assert reels.build()["published"]["is_new"] is False
    assert reels.called() == {}
    assert reels.published() == before


def test_long_shots_are_cut_into_even_parts(reels: Site) -> None:
    put(reels, film=" ".join(f"w{n}" for n in range(40)))
    reels.build()
    assert cuts(reels, "film") == [[0, 14], [14, 26], [26, 40]], "of 20 s, where a clip has at most 8"


def test_windows_follow_each_other(reels: Site) -> None:
    put(reels, film=" ".join(f"w{n}" for n in range(15)))
    reels.build("--split", "windows")
    assert cuts(reels, "film") == [[0, 6], [6, 12], [12, 15]], "3 s each, and a rest of 1.5 s"
    assert checked(reels, "--split", "windows")["split"] == 1
    assert reels.called()["windows"] == 1


def test_a_moved_threshold_splits_again_and_decodes_nothing(reels: Site) -> None:
    put(reels, film="one take of ann cut other take of bob fade last take of carl", other=TWO_SHOTS)
    reels.build()
    assert cuts(reels, "film") == [[0, 4], [4, 14]]
    reels.called()
    lower = "split.shots.min_score=0.1"
    plan = reels.ask("plan", "--set", lower)
    assert (plan["is_done"], plan["split"]) == (False, {"given": 5, "added": 2, "back": 0, "gone": 1})
    shards = reels.shards()
    reels.build("--set", lower)
    called = reels.called()
    assert "shots" not in called
    assert called["read"] == 2, "the first shot is the same clip"
    assert cuts(reels, "film") == [[0, 4], [4, 9], [9, 14]]
    assert cuts(reels, "film", gone=True) == [[4, 14]]
    assert checked(reels, "--set", lower)["superseded"] == 1
    kept = {row["shard"] for row in reels.table("clips") if row["lot"] == 1}
    assert reels.shards().items() >= {(name, inode) for name, inode in shards.items() if f"videos/{name}" in kept}
    reels.build("--yes")
    assert reels.called() == {}, "what was measured of the longer shot is there still"
    assert cuts(reels, "film") == [[0, 4], [4, 14]]
    checked(reels)


def test_another_detector_splits_again_and_keeps_track(reels: Site) -> None:
    put(reels, film="one take of ann cut other take of bob fade last take of carl", whole="ann walks fade bob walks on")
    reels.build()
    assert cuts(reels, "whole") == []
    reels.called()
    finer = replace(reels, pipeline=REELS.replace("run: {clips_per_call: 1}", "parameters: {finer: true}"))
    assert finer.ask("plan")["stages"]["shots"]["why"] == {"changed parameter": 2}
    finer.build()
    assert finer.called()["shots"] == 2
    assert cuts(finer, "film") == [[0, 4], [4, 9], [9, 14]]
    assert cuts(finer, "whole") == [[0, 2], [2, 6]]
    assert source(finer, "whole")["state"] == "split"
    assert not [row for row in finer.table("clips") if row["clip"] == source(finer, "whole")["clip"]]
    checked(finer)


def test_split_and_then_not_and_then_again(reels: Site) -> None:
    put(reels, film=TWO_SHOTS)
    reels.build()
    before = reels.published()
    reels.build("--split", "none")
    assert checked(reels, "--split", "none")["superseded"] == 2
    assert source(reels, "film")["state"] in ("accepted", "rejected")
    reels.called()
    reels.build("--yes")
    assert reels.called() == {}
    assert reels.published() == before


def test_an_edited_source_is_split_anew(reels: Site) -> None:
    put(reels, film=TWO_SHOTS)
    reels.build()
    old = {row["clip"] for row in reels.table("clips")}
    put(reels, film="one take of ann cut other take of bob cut and the third")
    os.utime(reels.videos / "film.mp4", (1, 1))
    reels.build()
    assert cuts(reels, "film") == [[0, 4], [4, 9], [9, 13]]
    assert not old & {row["clip"] for row in reels.table("clips")}, "other bytes, other clips"
    put(reels, film="torn")
    os.utime(reels.videos / "film.mp4", (2, 2))
    reels.build()
    assert source(reels, "film")["state"] == "failed"
    assert cuts(reels, "film", gone=True) == [[0, 4], [4, 9], [9, 13]]
    checked(reels)


def test_a_moved_source_and_one_that_has_gone(reels: Site) -> None:
    put(reels, film=TWO_SHOTS, other="yet another take cut with a second shot")
    reels.build()
    clips = {row["clip"] for row in reels.table("clips")}
    (reels.videos / "film.mp4").rename(reels.videos / "moved.mp4")
    (reels.videos / "other.mp4").unlink()
    reels.called()
    reels.build("--sync")
    assert cuts(reels, "moved") == [[0, 4], [4, 9]]
    assert source(reels, "film")["state"] == source(reels, "other")["state"] == "superseded"
    assert cuts(reels, "film", gone=True) == [[0, 4], [4, 9]]
    assert {row["clip"] for row in reels.table("clips")} < clips
    assert "look" not in reels.called(), "what was measured of its clips moved along"
    checked(reels)


def test_copies_of_a_source_are_copies_clip_by_clip(reels: Site) -> None:
    put(reels, film=TWO_SHOTS, twin=TWO_SHOTS)
    reels.build()
    states = Counter(row["state"] for row in rows(reels, "twin") if row["parent"])
    assert states == {"duplicate": 2}
    assert all(len(row["uris"]) == 2 for row in reels.table("clips"))
    put(reels, third="again and again cut again and again")
    reels.build()
    assert Counter(row["state"] for row in rows(reels, "third") if row["parent"])["duplicate"] == 0
    checked(reels)


def test_like_clips_of_one_source_repeat_each_other(reels: Site) -> None:
    put(reels, film="cut to this cut to this cut to that")
    reels.build()
    states = [row["state"] for row in sorted(rows(reels, "film"), key=lambda row: row["cut"] or [])]
    assert states[0] == "split"
    assert states.count("duplicate") == 1
    assert states[2] == "duplicate"


def test_an_input_that_is_a_cut_itself_is_split_within_it(reels: Site) -> None:
    put(reels, film=TWO_SHOTS)
    listed = reels.root / "list.csv"
    listed.write_text("path,cut_start,cut_end,licence\nvideos/film.mp4,2,7,CC-BY-4.0\n")
    reels.build(given=listed)
    assert cuts(reels, "film") == [[2, 4], [4, 7]]
    assert {row["licence"] for row in reels.table("clips")} == {"CC-BY-4.0"}


def test_what_was_broken_is_told_and_may_be_tried_again(reels: Site) -> None:
    put(reels, film="torn in two", good=TWO_SHOTS)
    reels.build()
    told = reels.ask("status")
    assert told["errors"] == {"failed in shots: damaged": 1}
    assert {stage["name"]: stage["failed"] for stage in told["funnel"]} == {"shots": 1, "read": 0, "look": 0, "deep": 0}
    reels.called()
    reels.build("--retry", "failed")
    assert reels.called()["shots"] == 1


def test_explain_tells_of_a_source_its_clips_and_of_a_clip_its_source(reels: Site) -> None:
    put(reels, film=TWO_SHOTS)
    reels.build()
    (story,) = reels.ask("explain", str(reels.videos / "film.mp4"))
    assert (story["state"], story["value"]) == ("split", "2")
    assert [stage["stage"] for stage in story["stages"]] == ["shots"]
    assert [clip["cut"] for clip in story["clips"]] == [[0, 4], [4, 9]]
    for clip in story["clips"]:
        (by_id,) = reels.ask("explain", clip["id"])
        (by_key,) = reels.ask("explain", clip["clip"])
        assert by_id == by_key
        assert by_key["parent"] == story["id"]
        assert [stage["stage"] for stage in by_key["stages"]][:1] == ["read"]
    assert reels.ask("explain", story["id"]) == [story]
    said = reels.run("explain", str(reels.videos / "film.mp4"), str(reels.root / "steady.yaml")).stdout
    assert f"frames 4 to 9: {story['clips'][1]['clip']}" in said


def test_without_a_section_that_says_how_splitting_is_refused(site: Site) -> None:
    site.put({"a": "a take of ann"})
    answer = replace(site, pipeline=PIPELINE).run(
        "build", str(site.root / "steady.yaml"), "--input", str(site.videos), "--split", "shots"
    )
    assert answer.exit_code != 0
    assert "no section shots" in answer.output


def test_a_source_that_comes_after_it_was_registered_is_split_too(reels: Site) -> None:
    put(reels, film=TWO_SHOTS)
    late = reels.root / "list.csv"
    late.write_text("path\nvideos/late.mp4\n")
    with_hold = reels.ask("build", "--input", str(late), "--allow-empty")
    assert with_hold["states"] == {"failed": 1}
    put(reels, late=TWO_SHOTS)
    reels.build("--retry", "failed", given=late)
    assert cuts(reels, "late") == [[0, 4], [4, 9]]
    checked(reels)
