"""Files are added, edited, copied, renamed and removed: what becomes of their clips, and what is measured again."""

from collections import Counter
from pathlib import Path

import pytest

from tests.engine.site import Site, films

GOOD = (0.6, 1.0)


@pytest.fixture
def built(site: Site) -> Site:
    """Two lots: a0 to a3, and b0 to b2."""
    site.put(films("a", 4, *GOOD))
    site.build()
    site.put(films("b", 3, *GOOD))
    site.build()
    site.called()
    return site


def listed(site: Site, *rows: str) -> Path:
    path = site.root / "list.csv"
    path.write_text("\n".join(["path,licence,consent", *rows]) + "\n")
    return path


def clip_of(site: Site, name: str) -> str:
    (found,) = (row["clip"] for row in site.table("inputs") if Path(row["uri"]).stem == name)
    return str(found)


def test_an_edited_file_is_a_new_clip_and_the_old_one_goes(built: Site) -> None:
    old, shards = clip_of(built, "a1"), built.shards()
    built.put({"a1": films("edited", 1, *GOOD)["edited0"]})
    account = built.build()
    assert account["registration"]["changed"] == 1
    assert built.called() == {"read": 1, "look": 1, "deep": 1}
    assert clip_of(built, "a1") != old
    assert old not in {row["clip"] for row in built.table("clips")}
    assert Counter(built.states().values()) == {"accepted": 7}
    assert len(shards.items() & built.shards().items()) == 1, "the other lot's"


def test_a_touched_file_is_read_again_and_nothing_else_happens(built: Site) -> None:
    before = built.published()
    (built.videos / "a1.mp4").touch()
    assert built.build()["published"]["is_new"] is False
    assert built.called() == {"read": 1}
    assert built.published() == before


def test_a_renamed_file_is_the_same_clip(built: Site) -> None:
    clip, shards = clip_of(built, "a1"), built.shards()
    (built.videos / "a1.mp4").rename(built.videos / "renamed.mp4")
    account = built.build("--sync")
    assert built.called() == {"read": 1}
    assert account["tally"]["adopted"] == {"look": 1, "deep": 1}
    assert clip_of(built, "renamed") == clip
    assert Counter(built.states().values()) == {"accepted": 7, "superseded": 1}
    assert {row["lot"] for row in built.table("clips") if row["clip"] == clip} == {2}
    assert len(shards.items() & built.shards().items()) == 1, "the other lot's"
    assert built.build("--sync")["published"]["is_new"] is False
    assert built.called() == {}


def test_a_renamed_file_is_measured_by_another_model_where_it_is_now(built: Site) -> None:
    (built.videos / "a1.mp4").rename(built.videos / "renamed.mp4")
    built.build("--sync")
    built.called()
    account = built.build("--sync", "--set", "look.times=4")
    assert built.called() == {"look": 7}
    assert account["states"] == {"accepted": 7, "superseded": 1}


def test_what_was_renamed_back_is_measured_already(built: Site) -> None:
    before = built.published()
    (built.videos / "a1.mp4").rename(built.videos / "renamed.mp4")
    built.build("--sync")
    (built.videos / "renamed.mp4").rename(built.videos / "a1.mp4")
    built.called()
    account = built.build("--sync")
    assert account["registration"]["back"] == 1
    assert built.called() == {"read": 1}, "its name changed twice, and so the time of its inode"
    assert {name: built.published()[name] for name in before if name.startswith("videos/")} == {
        name: content for name, content in before.items() if name.startswith("videos/")
    }


def test_an_exact_copy_is_a_further_source_under_the_strictest_licence(site: Site) -> None:
    site.put(films("a", 2, *GOOD))
    site.build(given=listed(site, "videos/a0.mp4,CC0,", "videos/a1.mp4,CC0,"))
    site.called()
    (site.videos / "copy.mp4").write_bytes((site.videos / "a0.mp4").read_bytes())
    site.build(given=listed(site, "videos/copy.mp4,CC-BY-NC-4.0,signed"))
    assert site.called() == {"read": 1}
    assert site.states() == {"a0": "accepted", "a1": "accepted", "copy": "duplicate"}
    (clip,) = (row for row in site.table("clips") if row["clip"] == clip_of(site, "a0"))
    assert [Path(uri).name for uri in clip["uris"]] == ["a0.mp4", "copy.mp4"]
    assert (clip["licence"], clip["consent"]) == ("CC-BY-NC-4.0", "signed")
    (copy,) = (row for row in site.table("inputs") if row["state"] == "duplicate")
    assert copy["duplicate_of"] == copy["clip"] == clip["clip"]


def test_when_the_first_source_goes_its_copy_takes_its_place(site: Site) -> None:
    site.put(films("a", 2, *GOOD))
    site.build()
    (site.videos / "copy.mp4").write_bytes((site.videos / "a0.mp4").read_bytes())
    site.build()
    site.called()
    clip = clip_of(site, "a0")
    (site.videos / "a0.mp4").unlink()
    site.build("--sync")
    assert site.called() == {}
    assert site.states() == {"a0": "superseded", "a1": "accepted", "copy": "accepted"}
    assert {row["clip"]: row["lot"] for row in site.table("clips")}[clip] == 1


def test_a_near_duplicate_repeats_the_first_that_was_registered(built: Site) -> None:
    text = films("a", 1, *GOOD)["a0"]
    built.put({"0-first-by-name": f"{text} "})  # other bytes; the signature leaves the end out
    built.build()
    assert built.called() == {"read": 1}
    (repeat,) = (row for row in built.table("inputs") if row["state"] == "duplicate")
    assert repeat["duplicate_of"] == clip_of(built, "a0") != repeat["clip"]
    (row,) = (row for row in built.table("clips") if row["clip"] == clip_of(built, "a0"))
    assert [Path(uri).stem for uri in row["uris"]] == ["a0"], "it is another video"


def test_what_has_gone_is_superseded_only_by_a_sync(built: Site) -> None:
    before = built.published()
    (built.videos / "a1.mp4").unlink()
    assert built.build()["published"]["is_new"] is False
    assert built.published() == before
    account = built.build("--sync")
    assert account["registration"]["gone"] == 1
    assert built.called() == {}
    assert built.states()["a1"] == "superseded"
    assert len(built.table("clips")) == 6


def test_a_file_that_comes_late_is_read_when_it_is_there(site: Site) -> None:
    site.put(films("a", 1, *GOOD))
    given = listed(site, "videos/a0.mp4,CC0,", "videos/b0.mp4,CC0,")
    site.build(given=given)
    assert site.states() == {"a0": "accepted", "b0": "failed"}
    site.put(films("b", 1, *GOOD))
    site.called()
    assert site.build(given=given)["states"] == {"accepted": 2}
    assert site.called() == {"read": 1, "look": 1, "deep": 1}


def test_without_inputs_a_build_looks_again_at_those_it_knows(built: Site) -> None:
    (built.videos / "a1.mp4").unlink()
    (built.videos / "a2.mp4").write_bytes(b"short")
    account = built.ask("build")
    assert (account["registration"]["changed"], account["registration"]["vanished"]) == (1, 1)
    assert account["states"] == {"accepted": 6, "rejected": 1}
