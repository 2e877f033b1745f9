"""What a person decides beside the rules: overrides, other bounds, trying again, stopping early."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from actor18m.stage import Clip, Failure, Row
from tests.engine.site import Site, films
from tests.engine.steady import Look


@pytest.fixture
def built(site: Site) -> Site:
    site.put(films("good", 2, 0.6, 1.0) | films("poor", 2, 0.2, 0.4) | {"short": "one"})
    site.build()
    site.called()
    return site


def clip_of(site: Site, name: str) -> str:
    (found,) = (row["clip"] for row in site.table("inputs") if Path(row["uri"]).stem == name)
    return str(found)


def overrides(site: Site, *entries: tuple[str, str, str]) -> list[str]:
    """Of (clip, verdict, reason), all by Ann."""
    path = site.root / "overrides.yaml"
    path.write_text("".join(f"- {{key: {key}, verdict: {v}, who: ann, why: {why}}}\n" for key, v, why in entries))
    return ["--overrides", str(path)]


def test_a_person_has_the_last_word_and_explain_quotes_it(built: Site) -> None:
    allowed, denied = clip_of(built, "poor0"), clip_of(built, "good0")
    given = overrides(built, (allowed, "allow", "looks fine"), (denied, "deny", "asked to be left out"))
    built.build(*given)
    assert built.called() == {"deep": 1}
    assert built.states() == {
        "good0": "rejected",
        "good1": "accepted",
        "poor0": "accepted",
        "poor1": "rejected",
        "short": "rejected",
    }
    (row,) = (row for row in built.table("inputs") if row["clip"] == denied)
    assert row["rule"] == "override"
    (story,) = built.ask("explain", denied, *given)
    assert (story["state"], story["rule"]) == ("rejected", "override")
    assert story["overrides"] == ["deny by ann: asked to be left out"]
    shown = built.run("explain", allowed, str(built.root / "steady.yaml"), *given).stdout
    assert "said: allow by ann: looks fine" in shown
    assert "FAILED  score" in shown, "what the rules say stays to be seen"
    built.build()
    assert built.called() == {}
    assert (built.states()["good0"], built.states()["poor0"]) == ("rejected", "accepted"), "the file's words last"


def test_an_allowed_clip_is_no_near_duplicate(built: Site) -> None:
    text = films("good", 1, 0.6, 1.0)["good0"]
    built.put({"repeat": f"{text} "})
    built.build()
    assert built.states()["repeat"] == "duplicate"
    built.build(*overrides(built, (clip_of(built, "repeat"), "allow", "another take")))
    assert built.states()["repeat"] == "accepted"


def test_an_override_of_no_clip_is_told(built: Site) -> None:
    given = overrides(built, ("0" * 20, "deny", "mistyped"), (clip_of(built, "good0"), "deny", "meant"))
    told = built.run("build", str(built.root / "steady.yaml"), *given).stderr
    assert f"override of {'0' * 20} (deny by ann: mistyped): no such clip is registered" in told
    assert told.count("no such clip") == 1


def test_until_a_stage_measures_no_further_and_publishes_nothing(site: Site) -> None:
    site.put(films("good", 2, 0.6, 1.0))
    account = site.build("--until", "look")
    assert site.called() == {"read": 2, "look": 2}
    assert account["published"] is None
    assert not site.dataset.exists()
    site.build()
    assert site.called() == {"deep": 2}
    assert Counter(site.states().values()) == {"accepted": 2}


def test_a_larger_share_of_failures_than_allowed_ends_with_3(built: Site) -> None:
    built.put({"bad": "this is broken"})
    built.build("--max-failed", "0.2")
    assert built.states()["bad"] == "failed"
    assert built.called() == {"read": 1, "look": 1}
    assert built.build("--max-failed", "0.1", code=3)["states"] == {"accepted": 2, "rejected": 3, "failed": 1}
    assert built.called() == {}
    said = built.run("build", str(built.root / "steady.yaml"), "--max-failed", "0.1").output
    assert "1 of 6 inputs failed or are quarantined" in said
    assert "--retry failed tries again" in said


def test_what_failed_is_tried_again_on_demand_only(built: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    built.put({"bad": "this is broken"})
    built.build()
    built.called()
    assert built.build("--retry", "failed")["states"]["failed"] == 1
    assert built.called() == {"look": 1}

    def mended(self: Look, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        return (Row(clip.key, {"score": 0.5, "scores": []}) for clip in clips)

    monkeypatch.setattr(Look, "measure", mended)
    built.build()
    assert built.states()["bad"] == "failed"
    built.build("--retry", "failed")
    assert built.states()["bad"] == "accepted"
    assert built.build()["states"] == {"accepted": 3, "rejected": 3}, "a success beats the failures before"
