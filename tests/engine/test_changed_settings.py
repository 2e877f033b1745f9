"""A build says how its settings differ from those of the version before; a forgotten flag changes nothing silently."""

from dataclasses import replace
from itertools import takewhile
from pathlib import Path

import pytest

from tests.engine.reels import REELS, reel
from tests.engine.site import Site, films
from tests.engine.steady import PIPELINE

TWO_SHOTS = "one take of ann cut other take of bob"


@pytest.fixture
def built(site: Site) -> Site:
    site.put(films("good", 3, 0.6, 1.0) | films("middling", 2, 0.4, 0.6))
    site.build()
    site.called()
    return site


def told(site: Site, *arguments: str, command: str = "build", code: int = 0) -> list[str]:
    """The lines that say what differs, before anything else."""
    result = site.run(command, *arguments, str(site.root / "steady.yaml"))
    assert result.exit_code == code, result.output
    lines = (result.stderr if command == "build" else result.stdout).splitlines()
    if not (starts := [n for n, line in enumerate(lines) if line.startswith("other than for the latest version")]):
        return []
    return [line.strip() for line in takewhile(lambda line: line.strip(), lines[starts[0] + 1 :]) if line[:2] == "  "]


def test_what_differs_is_said_by_its_meaning(built: Site) -> None:
    assert told(built) == []
    changed = (
        PIPELINE.replace("at_least: 0.4", "at_least: 0.6, below: 1")
        .replace("steady:Steady", "steady:Other")
        .replace("steady:Read\n", "steady:Read\n    parameters: {upper: true}\n")
        .replace("at_most: 0.1", "at_most: 0.2")
        .replace("  - stage: tests.engine.steady:Deep\n", "")
        .replace("  deep:\n    sum: {above: 0}\n", "publish: {lots_per_shard: {videos: 2}}\n")
    )
    assert told(replace(built, pipeline=f"# the same\n{PIPELINE}")) == [], "a comment is no setting"
    assert told(replace(built, pipeline=changed.replace("name: steady", "name: other"))) == [
        "name: steady -> other",
        "stages: read, look, deep -> read, look",
        "read.upper: false -> true",
        "look meter: tests.engine.steady:Steady -> tests.engine.steady:Other",
        "deep stage: tests.engine.steady:Deep -> nothing",
        "deep.pause_s: 0.0 -> nothing",
        "duplicates.at_most: 0.1 -> 0.2",
        "look.score at_least: 0.4 -> 0.6",
        "deep.sum above: 0 -> nothing",
        "publish.lots_per_shard: {} -> nothing",
        "look.score below: nothing -> 1",
        "publish.lots_per_shard.videos: nothing -> 2",
    ]


def test_a_bound_that_is_given_by_a_flag_is_told_and_needs_no_word(built: Site) -> None:
    assert told(built, "--set", "look.score=0.6") == ["look.score at_least: 0.4 -> 0.6"]
    assert told(built, "--set", "look.score=0.7") == ["look.score at_least: 0.6 -> 0.7"]
    assert told(built, "--set", "look.score=0.7") == []


def test_a_flag_that_was_given_and_is_not_now_needs_a_word(built: Site) -> None:
    built.build("--set", "look.score=0.6")
    before = built.published()
    result = built.run("build", str(built.root / "steady.yaml"), "--input", str(built.videos))
    assert result.exit_code == 1
    assert "000002 was built with --set look.score=0.6, and this build is not" in result.stderr
    assert "write it into" in result.stderr
    assert "--yes" in result.stderr
    assert built.published() == before
    line = "look.score at_least: 0.6 -> 0.4 (a flag then, and not given now)"
    assert told(built, command="plan") == [line]
    assert told(built, "--set", "deep.sum=1", command="what-if")[0] == line
    assert told(built, "--yes") == [line]
    assert set(built.states().values()) == {"accepted"}
    assert told(built) == [], "said once"


def test_another_bound_in_the_file_is_a_word_of_its_own(built: Site) -> None:
    built.build("--set", "look.score=0.6")
    kept = replace(built, pipeline=PIPELINE.replace("at_least: 0.4", "at_least: 0.6"))
    assert told(kept) == []
    other = replace(built, pipeline=PIPELINE.replace("at_least: 0.4", "at_least: 0.5"))
    assert told(other) == ["look.score at_least: 0.6 -> 0.5"]


def test_a_forgotten_split_supersedes_nothing(site: Site) -> None:
    reels = replace(site, pipeline=REELS.replace("mode: shots", "mode: none"))
    reels.videos.mkdir()
    (reels.videos / "film.mp4").write_bytes(reel(TWO_SHOTS))
    reels.build("--split", "shots")
    before = reels.ask("status", "--split", "shots")["states"]
    result = reels.run("build", str(reels.root / "steady.yaml"))
    assert result.exit_code == 1
    assert "was built with --split shots, and this build is not" in result.stderr
    assert reels.ask("status", "--split", "shots")["states"] == before
    reels.build("--yes")
    assert reels.ask("status")["states"]["superseded"] == 2


def test_what_people_said_since_is_told(built: Site) -> None:
    film = str(built.videos / "good0.mp4")
    assert built.run("deny", film, "--why", "no", "--who", "ann").exit_code == 0
    uri = Path(film).as_uri()
    assert told(built, command="plan") == [f"deny {uri} by ann"]
    assert told(built) == [f"deny {uri} by ann"]
    assert told(built) == []
    assert built.run("undo", film, "--who", "bob").exit_code == 0
    assert told(built) == [f"undo {uri} by bob"]


def test_a_build_that_publishes_nothing_is_no_measure(built: Site) -> None:
    built.build("--until", "look", "--set", "look.score=0.6")
    assert told(built) == []


def test_after_a_version_was_restored_a_build_is_compared_with_that(built: Site) -> None:
    built.build("--set", "look.score=0.7")
    restored = built.bare("restore", "000001", "--dataset", str(built.dataset))
    assert restored.exit_code == 0, restored.output
    assert told(built) == [], "000001 was built without any flag, and its files are the latest"
