"""No version becomes the latest by accident: not an empty one, not a much smaller one, not one of failures."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from actor18m.errors import Refused
from actor18m.publish import guards
from actor18m.publish.guards import Allowed, Outlook
from actor18m.terminal.progress import Progress
from tests.engine.site import Site, content_of, films
from tests.engine.steady import PIPELINE

GOOD = (0.6, 1.0)


@pytest.fixture
def built(site: Site) -> Site:
    """Eleven films, all accepted."""
    site.put(films("good", 11, *GOOD))
    site.build()
    return site


def build(site: Site, *more: str, given: Sequence[Path] = ()) -> tuple[int, str]:
    inputs = [part for each in given or [site.videos] for part in ("--input", str(each))]
    result = site.run("build", str(site.root / "steady.yaml"), *inputs, *more)
    return result.exit_code, result.stderr


def versions(site: Site) -> list[str]:
    return sorted(path.name for path in site.dataset.glob("0*"))


def test_sync_with_one_of_eleven_changes_nothing(built: Site) -> None:
    before = content_of(built.root / "store" / "catalog"), content_of(built.dataset)
    code, said = build(built, "--sync", given=[built.videos / "good0.mp4"])
    assert code == 3
    assert "--sync would supersede 10 of the 11 inputs" in said
    assert "--allow-shrinking 0.91" in said
    assert (content_of(built.root / "store" / "catalog"), content_of(built.dataset)) == before
    assert build(built, "--sync", "--allow-shrinking", "0.91", given=[built.videos / "good0.mp4"])[0] == 0
    assert len([state for state in built.states().values() if state == "accepted"]) == 1


def test_sync_of_files_that_all_moved_is_no_shrinking(built: Site) -> None:
    (built.root / "videos").rename(built.root / "elsewhere")
    assert build(built, "--sync", given=[built.root / "elsewhere"])[0] == 0
    assert list(built.states().values()).count("accepted") == 11


def test_a_bound_that_loses_half_is_asked_about(built: Site) -> None:
    built.put(films("middling", 9, 0.4, 0.5))
    built.build()
    tight = replace(built, pipeline=PIPELINE.replace("at_least: 0.4", "at_least: 0.55"))
    code, said = build(tight)
    assert code == 3
    assert (
        "9 of the 20 clips of the latest version (45%) would be lost, and the new one would have 11: 9 rejected by "
        "look.score. At most 20% may be lost, unless --allow-shrinking says more, so nothing was published. If it is "
        "meant, build with --allow-shrinking 0.45."
    ) in " ".join(said.split())
    assert versions(tight) == ["000001", "000002"]
    assert build(tight, "--allow-shrinking", "0.45")[0] == 0
    assert versions(tight) == ["000001", "000002", "000003"]


def test_a_person_s_word_and_files_that_broke_are_among_the_reasons(built: Site) -> None:
    keys = {Path(row["uris"][0]).stem: row["clip"] for row in built.table("clips")}
    lines = [f"- {{key: {keys[f'good{n}']}, verdict: deny, who: ann, why: asked to}}" for n in range(6, 10)]
    (built.root / "overrides.yaml").write_text("\n".join(lines))
    for number in range(5):
        (built.videos / f"good{number}.mp4").write_bytes(b"edited")
    code, said = build(built, "--overrides", str(built.root / "overrides.yaml"))
    assert code == 3
    assert "5 of the 11 clips" in said
    assert "5 edited, split, or not read again, beside 4 denied" in said


@pytest.mark.parametrize("word", ["deny", "remove"])
def test_many_may_be_withdrawn_by_a_word_at_once(built: Site, word: str) -> None:
    films = [str(built.videos / f"good{number}.mp4") for number in range(9)]
    assert built.run(word, *films, "--why", "asked to").exit_code == 0
    code, said = build(built)
    assert code == 0, said
    assert "withdrawn by a word: 9 of the 11 clips of the latest version" in said
    assert list(built.states().values()).count("accepted") == 2


def test_many_failures_are_told_before_anything_is_published(built: Site) -> None:
    built.put({f"bad{number}": f"this is broken {number}" for number in range(6)})
    before = content_of(built.dataset)
    code, said = build(built)
    assert code == 3
    assert "6 of 17 inputs failed or are quarantined (35.3%): 6 failed in look" in said
    assert "At most 30% may, unless --max-failed says more, so nothing was published." in said
    assert "--max-failed 0.36" in said
    assert content_of(built.dataset) == before
    assert build(built, "--max-failed", "0.36")[0] == 0


@pytest.mark.parametrize("more", [(), ("--max-failed", "0.38")])
def test_that_too_many_cannot_be_read_is_told_as_soon_as_all_are_and_the_build_goes_on(
    site: Site, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...]
) -> None:
    site.put(films("good", 5, *GOOD))
    for number in range(3):
        (site.videos / f"bad{number}.mp4").write_bytes(b"\xff" * (number + 1))
    told: list[tuple[str, dict[str, int]]] = []
    monkeypatch.setattr(Progress, "note", lambda _, text: told.append((text, site.called())))
    code, said = build(site, *more)
    warned = [(text, called) for text, called in told if "all inputs are read" in text]
    if more:
        assert (code, warned) == (0, []), said
        return
    ((text, called),) = warned
    assert "3 of 8 inputs failed or are quarantined (37.5%). At most 30% may" in text
    assert "--retry failed" in text
    assert "--max-failed 0.38" in text
    assert called.keys() == {"read"}, "no other stage has begun"
    assert code == 3
    assert "so nothing was published" in said
    assert site.called()["look"] == 5


def test_one_damaged_file_of_three_is_no_bug(site: Site) -> None:
    site.put(films("good", 2, *GOOD) | {"bad": "this is broken"})
    assert build(site)[0] == 0


@pytest.mark.parametrize(("failed", "measured", "passes"), [(1, 3, True), (2, 3, True), (3, 10, True), (4, 10, False)])
def test_the_share_counts_from_three_failures_on(failed: int, measured: int, passes: bool) -> None:
    states = Counter({"accepted": measured - failed, "failed": failed, "pending": 90, "superseded": 5})
    found = Outlook(states, Counter(), {})
    if passes:
        guards.check_failed(found, {}, Allowed())
    else:
        with pytest.raises(Refused, match=f"{failed} of {measured} inputs"):
            guards.check_failed(found, {}, Allowed())


@pytest.mark.parametrize("what", ["folder", "list"])
def test_nothing_is_no_input(site: Site, what: str) -> None:
    site.videos.mkdir()
    given = site.videos if what == "folder" else site.root / "list.csv"
    (site.root / "list.csv").write_text("path\n")
    code, said = build(site, given=[given])
    assert code == 1
    assert f"{given}': there is no video in it, and no list with a row" in " ".join(said.split())
    assert not site.dataset.exists()


def test_a_store_without_inputs_says_so(site: Site) -> None:
    result = site.run("build", str(site.root / "steady.yaml"))
    assert result.exit_code == 1
    assert "no input is registered" in result.stderr
    assert not site.dataset.exists()


def test_an_empty_version_must_be_meant(site: Site) -> None:
    site.put(films("poor", 4, 0.0, 0.3))
    code, said = build(site)
    assert code == 3
    assert "no clip would be published (4 rejected)" in said
    assert versions(site) == []
    assert build(site, "--allow-empty")[0] == 0
    assert versions(site) == ["000001"]
    assert build(site)[0] == 0, "as empty as before"


def test_where_something_is_pending_an_empty_version_is_not_advised() -> None:
    outlook = Outlook(Counter(pending=3, rejected=1), Counter(), {})
    with pytest.raises(Refused, match=r"\(3 pending, 1 rejected\): 3 inputs could not .* same command again") as told:
        guards.check_lost(outlook, None, Allowed())
    assert "--allow-empty" not in str(told.value)
    guards.check_lost(outlook, None, Allowed(empty=True))


def test_what_is_left_out_on_the_way_counts_too() -> None:
    guards.check_counts({"videos": 16, "subset-A": 100}, {"videos": 20, "subset-A": 101}, 0, Allowed())
    guards.check_counts({"videos": 2}, {"videos": 20}, 0, Allowed(), {"videos": 18})
    guards.check_counts({"subset-C": 3}, None, 0, Allowed())
    with pytest.raises(Refused, match="5 of the 20 videos of the latest version"):
        guards.check_counts({"videos": 15}, {"videos": 20}, 0, Allowed())
    with pytest.raises(Refused, match=r"60 of the 100 images of subset A .* --allow-shrinking 0.6"):
        guards.check_counts({"videos": 20, "subset-A": 40}, {"videos": 20, "subset-A": 100}, 0, Allowed())
    with pytest.raises(Refused, match="no video could be published"):
        guards.check_counts({}, None, 2, Allowed())
    with pytest.raises(Refused, match="5 of 15 accepted clips cannot be published"):
        guards.check_counts({"videos": 10}, None, 5, Allowed())


def test_a_build_up_to_a_stage_does_not_tell_of_verdicts_to_come(built: Site) -> None:
    built.put(films("more", 2, *GOOD))
    answer = built.build("--until", "read")
    assert answer["states"] == built.ask("status")["states"] == {"accepted": 11, "pending": 2}


def test_rows_of_moved_files_are_not_told_as_measured(built: Site) -> None:
    (built.videos / "good0.mp4").rename(built.videos / "zoo.mp4")
    answer = built.build("--sync")
    assert answer["tally"]["adopted"] == {"look": 1, "deep": 1}
    assert answer["tally"]["measured"] == {"read": 1}
    (built.videos / "zoo.mp4").rename(built.videos / "aardvark.mp4")
    said = built.run("build", str(built.root / "steady.yaml"), "--input", str(built.videos), "--sync").stdout
    assert "look: 0 measured, 0 failed, 0 quarantined, 1 kept of moved files" in said


def test_more_workers_want_ray(built: Site) -> None:
    code, said = build(built, "--workers", "4")
    assert code == 2
    assert "--executor ray" in said


def test_lost_clips_are_told_by_what_became_of_them() -> None:
    fates = pa.table(
        {
            "clip": ["a", "a", "b", "c"],
            "state": ["superseded", "accepted", "superseded", "rejected"],
            "stage": [None, None, None, "look"],
            "rule": [None, None, None, "score"],
            "error_kind": pa.nulls(4, pa.string()),
        }
    )
    lost = guards._lost(pa.array(["a", "b", "c", "d"]), [fates])
    assert Counter(lost.values()) == {
        "superseded": 1,
        "rejected by look.score": 1,
        "edited, split, or not read again": 1,
    }
