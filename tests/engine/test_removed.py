"""An input that was given by mistake is removed: it is built from no more."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.engine.reels import REELS, reel
from tests.engine.site import Site, films

GOOD = films("good", 3, 0.6, 1.0)


@pytest.fixture
def built(site: Site) -> Site:
    site.put(GOOD)
    site.build()
    site.called()
    return site


def said(site: Site, *command: str, code: int = 0) -> str:
    result = site.run(*command)
    assert result.exit_code == code, result.output
    return result.output


def row(site: Site, name: str) -> Mapping[str, Any]:
    (found,) = (row for row in site.table("inputs") if Path(row["uri"]).stem == name and row["parent"] is None)
    return found


@pytest.mark.parametrize("by", ["path", "id", "key"])
def test_what_was_removed_is_built_from_no_more_until_that_is_taken_back(built: Site, by: str) -> None:
    names = {
        "path": str(built.videos / "good0.mp4"),
        "id": row(built, "good0")["id"],
        "key": row(built, "good0")["clip"],
    }
    assert "1 input removed" in said(built, "remove", names[by], "--why", "wrong folder", "--who", "ann")
    for given in ([], ["--sync"]):
        account = built.build(*given)
        assert account["states"] == {"accepted": 2, "removed": 1}
        assert account["registration"]["removed"] == [(built.videos / "good0.mp4").as_uri()]
    assert row(built, "good0")["state"] == "removed"
    assert len(built.table("clips")) == 2
    told = built.ask("status")
    assert (told["adds_up"], told["states"]) == (True, {"accepted": 2, "removed": 1})
    (story,) = built.ask("explain", str(built.videos / "good0.mp4"))
    assert (story["state"], story["overrides"]) == ("removed", ["remove by ann: wrong folder"])
    shown = built.run("build", str(built.root / "steady.yaml"), "--input", str(built.videos)).output
    assert "1 given and left out, since they were removed" in shown
    assert "actor18m undo" in shown
    said(built, "undo", names["path"])
    assert built.build()["states"] == {"accepted": 3}
    assert built.called() == {}
    assert "neither allowed, denied nor removed" in said(built, "undo", names["path"], code=1)


def test_a_source_takes_its_clips_along(site: Site) -> None:
    reels = replace(site, pipeline=REELS)
    reels.videos.mkdir()
    for name, text in {
        "film": "one take of ann cut other take of bob",
        "other": "so it is cut and there it goes",
    }.items():
        (reels.videos / f"{name}.mp4").write_bytes(reel(text))
    reels.build()
    before = Counter(r["state"] for r in reels.table("inputs"))
    said(reels, "remove", str(reels.videos / "film.mp4"))
    assert reels.build()["states"]["removed"] == 3
    for split in ("none", "shots"):
        assert reels.ask("status", "--split", split)["adds_up"]
    said(reels, "undo", str(reels.videos / "film.mp4"))
    reels.build()
    assert Counter(r["state"] for r in reels.table("inputs")) == before


def test_a_copy_that_was_given_takes_the_place_of_what_is_removed(built: Site) -> None:
    built.put({"zcopy": GOOD["good0"]})
    built.build()
    built.called()
    said(built, "remove", str(built.videos / "good0.mp4"))
    built.build()
    assert built.called() == {}, "what was measured of it serves the copy"
    assert row(built, "zcopy")["state"] == "accepted"


def test_what_is_not_registered_cannot_be_removed(built: Site) -> None:
    assert "nothing is registered that" in said(built, "remove", "nosuch.mp4", code=1)
