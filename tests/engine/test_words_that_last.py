"""What a person said lasts: no build brings back what was denied without a word of theirs."""

import json
import os
from dataclasses import replace
from hashlib import sha256

import pytest

from actor18m.keys import clip_key
from tests.engine.drawing import PIPELINE as DRAWN
from tests.engine.reels import REELS, reel
from tests.engine.said import GOOD, built_with_one_poor, deny, look_alike, published, row, said
from tests.engine.site import Site, films

TWO_SHOTS = "one take of ann cut other take of bob"


@pytest.fixture
def built(site: Site) -> Site:
    return built_with_one_poor(site)


@pytest.mark.parametrize("by", ["key", "first digits", "path", "uri"])
def test_who_was_denied_stays_out_without_a_flag_with_sync_and_when_touched(built: Site, by: str) -> None:
    clip, uri = row(built, "good0")["clip"], row(built, "good0")["uri"]
    names = {"key": clip, "first digits": clip[:9], "path": built.videos / "good0.mp4", "uri": uri}
    assert "1 clip, copies and windows of it" in deny(built, names[by])
    for given in ([], ["--sync"]):
        built.build(*given)
        assert published(built) == {"good1", "good2"}
        assert (row(built, "good0")["state"], row(built, "good0")["rule"]) == ("rejected", "override")
    os.utime(built.videos / "good0.mp4", (1, 1))
    built.build()
    assert built.called() == {"read": 1}
    assert published(built) == {"good1", "good2"}
    (story,) = built.ask("explain", str(built.videos / "good0.mp4"))
    assert story["overrides"] == ["deny by ann: asked to be left out"]


@pytest.mark.parametrize("by", ["key", "path"])
def test_a_copy_under_another_name_stays_out_even_when_the_denied_file_has_gone(built: Site, by: str) -> None:
    deny(built, row(built, "good0")["clip"] if by == "key" else built.videos / "good0.mp4")
    (built.videos / "good0.mp4").rename(built.videos / "copy.mp4")
    built.build("--sync")
    built.put({"later": GOOD["good0"]})
    (built.videos / "copy.mp4").unlink()
    built.build("--sync")
    assert published(built) == {"good1", "good2"}
    assert row(built, "later")["rule"] == "override"


def test_a_file_may_be_denied_before_it_is_registered_and_is_not_measured_further_than_its_content(site: Site) -> None:
    site.put(GOOD)
    site.build("--until", "read", given=site.videos / "good1.mp4")
    assert "as soon as there is one" in deny(site, site.videos / "good0.mp4")
    site.put({"twin": GOOD["good0"]})
    site.called()
    site.build()
    assert published(site) == {"good1", "good2"}
    assert row(site, "twin")["rule"] == "override"
    assert site.called() == {"read": 3, "look": 2, "deep": 2}
    (site.videos / "good0.mp4").unlink()
    site.build("--sync")
    assert published(site) == {"good1", "good2"}, "what the word meant is kept"


@pytest.mark.parametrize("by", ["symlink", "hard link", "copy"])
def test_a_file_is_denied_by_what_is_in_it_under_a_name_that_is_not_registered(built: Site, by: str) -> None:
    film, other = built.videos / "good0.mp4", built.root / "requests.mp4"
    if by == "symlink":
        other.symlink_to(film)
    elif by == "hard link":
        other.hardlink_to(film)
    else:
        other.write_bytes(film.read_bytes())
    assert f"1 clip, copies and windows of it: {row(built, 'good0')['clip']}" in deny(built, other)
    built.build()
    assert published(built) == {"good1", "good2"}


def test_a_denied_file_may_be_renamed_before_it_is_registered(site: Site) -> None:
    site.put(GOOD)
    site.build("--until", "read", given=site.videos / "good1.mp4")
    deny(site, site.videos / "good0.mp4")
    (site.videos / "good0.mp4").rename(site.videos / "renamed.mp4")
    site.build()
    assert published(site) == {"good1", "good2"}


def test_a_copy_is_allowed_by_what_is_in_it(built: Site) -> None:
    other = built.root / "link.mp4"
    other.symlink_to(built.videos / "poor0.mp4")
    assert f"takes 1 clip: {row(built, 'poor0')['clip']}" in said(built, "allow", str(other), "--why", "fine")
    built.build()
    assert "poor0" in published(built)


def test_a_folder_or_a_list_is_not_denied(built: Site) -> None:
    (built.root / "list.csv").write_text("path\nvideos/good0.mp4\n")
    assert "is a folder" in said(built, "deny", str(built.videos), "--why", "no", code=1)
    assert "is a list" in said(built, "deny", str(built.root / "list.csv"), "--why", "no", code=1)
    assert said(built, "words") == "nothing was said\n"


def test_to_deny_a_name_that_leads_nowhere_is_told(built: Site) -> None:
    told = built.run("deny", "s3://bukcet/good0.mp4", "--why", "no")
    assert told.exit_code == 0
    assert "nothing is registered under this name and nothing can be read there" in told.stderr


@pytest.mark.parametrize("blank", ["", "  ", "\u200b"])
@pytest.mark.parametrize("option", ["--why", "--who"])
def test_who_says_nothing_is_refused(built: Site, option: str, blank: str) -> None:
    given = {"--why": "no", "--who": "ann"} | {option: blank}
    film = str(built.videos / "good0.mp4")
    assert "it says nothing" in said(built, "deny", film, *(part for each in given.items() for part in each), code=2)
    assert said(built, "words") == "nothing was said\n"


def test_what_is_published_of_a_word_has_no_secret_and_steers_no_terminal(built: Site) -> None:
    why = "see https://ann:pw123456@host/x?token=abcdef123\x1b[2J\nand more"
    said(built, "deny", str(built.videos / "good0.mp4"), "--why", why, "--who", "a\x1b[31mnn")
    built.build()
    (told,) = (r["override"] for r in built.table("clips") if r["clip"] == row(built, "good0")["clip"])
    kept = "".join(path.read_text() for path in (built.root / "store" / "words").iterdir())
    for text in (told, kept):
        assert not [each for each in ("pw123456", "abcdef123", "\x1b[", "u001b") if each in text]
    assert "deny by a\\x1b[31mnn: see https://***@host" in told
    assert told.endswith("and more")


def test_a_denied_source_takes_its_clips_along_however_it_is_split(site: Site) -> None:
    reels = replace(site, pipeline=REELS)
    reels.videos.mkdir()
    for name, text in {"film": TWO_SHOTS, "other": "this is another cut with a second shot"}.items():
        (reels.videos / f"{name}.mp4").write_bytes(reel(text))
    reels.build("--split", "none")
    deny(reels, reels.videos / "film.mp4")
    for split in ("none", "shots", "windows"):
        reels.build("--split", split)
        assert "film" not in published(reels)
    (reels.videos / "film.mp4").rename(reels.videos / "moved.mp4")
    reels.build("--split", "shots", "--sync")
    assert "moved" not in published(reels)
    assert {r["rule"] for r in reels.table("clips") if "moved" in r["uris"][0]} == {"override"}


def test_the_key_of_a_whole_film_that_was_denied_elsewhere_first_holds_for_its_shots(site: Site) -> None:
    reels = replace(site, pipeline=REELS)
    reels.videos.mkdir()
    for name, text in {"film": TWO_SHOTS, "other": "this is another cut with a second shot"}.items():
        (reels.videos / f"{name}.mp4").write_bytes(reel(text))
    whole = clip_key(sha256(reel(TWO_SHOTS)).hexdigest(), None, None)
    given = ["--split", "shots", "--set", "look.score=0", "--set", "read.words=1"]
    reels.build(*given, given=reels.videos / "other.mp4")
    deny(reels, whole)
    for _ in range(2):
        reels.build(*given)
        assert published(reels) == {"other"}
    kept = [path.read_text() for path in (reels.root / "store" / "words").iterdir()]
    assert sum(text.count('"found"') for text in kept) == 1, "what it means is found once"


def test_a_denied_shot_does_not_come_back_in_another_cut(site: Site) -> None:
    reels = replace(site, pipeline=REELS)
    reels.videos.mkdir()
    text = "one take of ann cut other take of bob fade last take of carl"
    (reels.videos / "film.mp4").write_bytes(reel(text))
    finer = ["--set", "split.shots.min_score=0.1", "--set", "look.score=0", "--set", "read.words=1"]
    reels.build(*finer)
    shots = {tuple(r["cut"]): r for r in reels.table("inputs") if r["parent"]}
    assert {r["state"] for r in shots.values()} == {"accepted"}
    assert set(shots) == {(0, 4), (4, 9), (9, 14)}
    deny(reels, shots[9, 14]["clip"])
    reels.build(*finer)
    states = {tuple(r["cut"]): r["state"] for r in reels.table("inputs") if r["parent"]}
    assert states == {(0, 4): "accepted", (4, 9): "accepted", (9, 14): "rejected"}
    reels.build("--set", "look.score=0", "--set", "read.words=1", "--yes")
    states = {tuple(r["cut"]): r["rule"] for r in reels.table("inputs") if r["parent"] and r["state"] != "superseded"}
    assert states == {(0, 4): None, (4, 14): "override"}
    (longer,) = (r["clip"] for r in reels.table("inputs") if r["cut"] == [4, 14])
    (story,) = reels.ask("explain", longer)
    assert story["overrides"] == [f"deny by ann: asked to be left out (said of {shots[9, 14]['clip']})"]


def test_the_newer_word_counts_and_undo_lets_the_rules_decide(built: Site) -> None:
    clip = row(built, "good0")["clip"]
    deny(built, clip)
    assert "before: deny by ann" in said(built, "allow", clip, "--why", "she agreed since")
    built.build()
    assert "good0" in published(built)
    deny(built, clip)
    built.build()
    assert "good0" not in published(built)
    assert "taken back" in said(built, "undo", clip)
    built.build()
    assert "good0" in published(built)
    assert "neither allowed, denied nor removed" in said(built, "undo", clip, code=1)
    told = said(built, "words", "--all").splitlines()
    assert [line.split("  ")[1] for line in told] == ["deny", "allow", "deny", "undo"], "history is kept"
    assert said(built, "words") == "nothing holds; --all lists what was said\n"


def test_to_allow_concerns_what_is_named_and_nothing_else(built: Site) -> None:
    said(built, "allow", str(built.videos / "poor0.mp4"), "--why", "looks fine")
    built.put({"like": f"{films('poor', 1, 0.2, 0.4)['poor0']} "})
    built.build()
    assert "poor0" in published(built)
    assert "like" not in published(built)


def test_what_a_file_says_is_taken_into_the_store_and_the_newer_word_counts(built: Site) -> None:
    clip = row(built, "good0")["clip"]
    file = built.root / "overrides.yaml"
    file.write_text(f"- {{key: {clip}, verdict: deny, who: ann, why: no}}\n")
    given = ["build", str(built.root / "steady.yaml"), "--overrides", str(file)]
    assert "1 override is in the store now" in built.run(*given).stderr
    built.build()
    assert "good0" not in published(built)
    said(built, "allow", clip, "--why", "she agreed", "--who", "bob")
    assert "since then: allow by bob: she agreed, and that counts" in built.run(*given).stderr
    assert "good0" in published(built)
    said(built, "undo", clip)
    assert "was taken back since" in built.run(*given).stderr
    file.write_text(f"- {{key: {clip}, verdict: deny, who: ann, why: she asked again}}\n")
    built.run(*given)
    assert "good0" not in published(built)


def test_an_entry_of_a_file_is_no_newer_for_being_worded_otherwise(built: Site) -> None:
    look_alike(built, "again")
    built.build()
    clip, again = row(built, "good0")["clip"], row(built, "again")["clip"]
    file = built.root / "overrides.yaml"
    given = ["build", str(built.root / "steady.yaml"), "--overrides", str(file)]

    def with_file(verdict: str, why: str) -> str:
        file.write_text(f"- {{key: {clip}, verdict: {verdict}, who: ann, why: {why}}}\n")
        return built.run(*given).stderr

    with_file("allow", "she agreed")
    deny(built, built.videos / "good0.mp4")
    assert "she agreed was said before, and is kept" in with_file("allow", "she agreed in March")
    assert published(built) == {"good1", "good2"}, "said of its path, and later"
    deny(built, clip)
    told = with_file("allow", "she agreed in April")
    assert "since then: deny by ann: asked to be left out, and that counts" in told
    assert f"`actor18m allow {clip}` says it again" in told
    assert published(built) == {"good1", "good2"}
    for name in (clip, built.videos / "good0.mp4"):
        said(built, "undo", str(name))
    with_file("deny", "no")
    assert published(built) == {"good1", "good2"}
    said(built, "allow", again, "--why", "another take")
    with_file("deny", "no more")
    assert published(built) == {"again", "good1", "good2"}, "the denial is as old as it was"


def test_questions_reckon_with_what_was_said_and_say_nothing_themselves(built: Site) -> None:
    clip = row(built, "good0")["clip"]
    file = built.root / "overrides.yaml"
    file.write_text(f"- {{key: {clip}, verdict: deny, who: ann, why: no}}\n")
    assert built.ask("status", "--overrides", str(file))["states"] == {"accepted": 2, "rejected": 2}
    assert built.ask("status")["states"] == {"accepted": 3, "rejected": 1}
    deny(built, clip)
    assert built.ask("status")["states"] == {"accepted": 2, "rejected": 2}
    assert built.ask("plan")["is_done"]


def test_one_image_may_be_denied_and_its_number_does_not_matter(site: Site) -> None:
    drawn = replace(site, pipeline=DRAWN)
    drawn.put({"a": "one take", "b": "two takes"})
    drawn.build()
    before = {r["key"]: r for r in drawn.table("references")}
    where = ["--dataset", str(drawn.dataset)]
    key = sorted(before)[0]
    assert "leaves it out" in deny(drawn, key)
    drawn.build()
    assert {r["key"] for r in drawn.table("references")} == before.keys() - {key}
    assert len(drawn.table("clips")) == 2
    assert "1 image of subset A removed" in drawn.bare("diff", "000001", *where).stdout
    told = drawn.bare("restore", "000001", *where, "--store", str(drawn.root / "store"))
    assert f"1 image of it is denied today: {key}; the next build leaves it out" in told.stderr.replace("\n", " ")
    drawn.build()
    assert {r["key"] for r in drawn.table("references")} == before.keys() - {key}
    other = replace(drawn, pipeline=DRAWN.replace("drawing:Draw\n", "drawing:Draw\n    parameters: {ink: red}\n"))
    other.build()
    found = json.loads(other.bare("diff", "000002", "latest", *where, "--json").stdout)
    assert found["images"] == [{"subset": "A", "what": "other", "images": len(before) - 1}]
    assert "can be denied, not allowed" in said(drawn, "allow", key, "--why", "no", code=1)
    assert "there is no image" in said(drawn, "deny", f"{'0' * 20}-face-self-01", "--why", "no", code=1)


@pytest.mark.parametrize(
    ("name", "why"),
    [("nosuch.mp4", "there is no such file"), ("abcdef", "no clip is registered whose key begins with abcdef")],
)
def test_a_mistyped_name_is_refused(built: Site, name: str, why: str) -> None:
    assert why in said(built, "deny", name, "--why", "no", code=1)
    assert said(built, "words") == "nothing was said\n"
