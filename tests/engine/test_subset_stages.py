"""A stage of a subset that fails for an accepted clip: the clip stays, and answers tell that the subset lacks it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.engine.drawing import FRAMED, HEALED
from tests.engine.drawn import WORDS
from tests.engine.site import Site

WHY = "failed in frames: ValueError"


@pytest.fixture
def lacking(site: Site) -> Site:
    """One of three clips has no frames."""
    site = replace(site, pipeline=FRAMED.replace("drawing:Frames", "drawing:FragileFrames"))
    site.put(WORDS)
    site.build()
    site.called()
    return site


def told(site: Site, subset: str = "B") -> Mapping[str, Any]:
    answer: Mapping[str, Any] = site.ask("status")["images"][subset]
    return answer


def test_status_counts_the_clips_of_which_a_subset_has_nothing(lacking: Site) -> None:
    assert lacking.states() == dict.fromkeys(WORDS, "accepted")
    assert (told(lacking)["clips"], told(lacking)["stopped"], told(lacking)["why_stopped"]) == (
        2,
        {"failed": 1},
        {WHY: 1},
    )
    assert told(lacking, "A")["stopped"] == {}
    said = lacking.run("status", str(lacking.root / "steady.yaml")).output
    assert "subset B: 1 image of 2 of 3 clips = 1 kept" in said
    assert f"  1 clip without images: {WHY}" in said


def test_the_build_s_last_lines_tell_it(lacking: Site) -> None:
    again = lacking.run("build", str(lacking.root / "steady.yaml"))
    assert again.exit_code == 0
    assert f"subset B: 1 kept image; 1 clip without: {WHY}" in again.output
    assert "1 clip of subset B failed: `actor18m status` says why; --retry failed tries again" in again.output


def test_the_dataset_tells_it(lacking: Site) -> None:
    without = {row["uris"][0].rpartition("/")[2]: row["without_images"] for row in lacking.table("clips")}
    assert without == {"apples.mp4": [], "pears.mp4": [], "plums.mp4": [{"subset": "B", "why": WHY}]}
    card = (lacking.dataset / "latest" / "README.md").read_text()
    of_b = card.partition("## References of subset B")[2]
    assert "1 clip without images of this subset:" in of_b
    assert f"| {WHY} | 1 |" in of_b
    assert "without images of this subset" not in card.partition("## References of subset B")[0]


def test_explain_tells_it_of_the_clip(lacking: Site) -> None:
    (story,) = lacking.ask("explain", str(lacking.videos / "plums.mp4"))
    assert (story["state"], story["without_images"]) == ("accepted", {"B": WHY})
    said = lacking.run("explain", str(lacking.videos / "plums.mp4"), str(lacking.root / "steady.yaml")).output
    assert f"  no images of subset B: {WHY}" in said
    assert "error: ValueError: no frame is made for plums" in said
    (other,) = lacking.ask("explain", str(lacking.videos / "pears.mp4"))
    assert other["without_images"] == {}


def test_a_share_of_a_subset_s_clips_may_fail_and_no_more(lacking: Site) -> None:
    """Among the inputs it counts for nothing: all of them are accepted."""
    refused = lacking.run("build", str(lacking.root / "steady.yaml"), "--max-failed", "0.2")
    assert refused.exit_code == 3
    said = " ".join(refused.output.split())
    assert (
        "1 of 3 clips of subset B failed or are quarantined (33.3%): 1 failed in frames: ValueError. At most 20" in said
    )
    assert "--max-failed 0.34" in said
    assert lacking.run("build", str(lacking.root / "steady.yaml"), "--max-failed", "0.34").exit_code == 0


def test_a_retry_measures_it_again(lacking: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HEALED, "1")
    lacking.build()
    assert lacking.called() == {}
    lacking.build("--retry", "failed")
    assert lacking.called() == {"frames": 1, "frame": 1, "describe": 1, "judge": 1}
    assert (told(lacking)["stopped"], told(lacking)["states"]) == ({}, {"kept": 2})


def test_a_share_of_a_subset_s_images_may_fail_and_no_more(site: Site) -> None:
    site = replace(site, pipeline=FRAMED.replace("drawing:Draw\n", "drawing:Poisonous\n"))
    site.put({"bad": "a raise film", "good": "a film about apples"})
    refused = site.run("build", str(site.root / "steady.yaml"), "--input", str(site.videos), "--max-failed", "0.1")
    assert refused.exit_code == 3
    said = " ".join(refused.output.split())
    assert (
        "1 of 7 images of subset A failed or are quarantined (14.3%): 1 failed in draw: ValueError. At most 10%" in said
    )
