"""What looks like a denied clip stays out with it, also when nothing else is left of that one."""

from collections import Counter
from collections.abc import Callable

import pytest

from tests.engine.films import film
from tests.engine.said import GOOD, built_with_one_poor, deny, look_alike, published, row, said
from tests.engine.site import Site, films


@pytest.fixture
def built(site: Site) -> Site:
    return built_with_one_poor(site)


def test_a_near_duplicate_does_not_take_the_place_of_what_was_denied(built: Site) -> None:
    built.put({"again": f"{GOOD['good0']} ", "before": f" {GOOD['good0']}"})
    built.build()
    assert Counter(built.states().values())["duplicate"] == 2
    deny(built, row(built, "good0")["clip"])
    told = built.run("build", str(built.root / "steady.yaml")).stderr
    assert published(built) == {"good1", "good2"}
    again = row(built, "again")
    assert f"{again['clip']} (like {row(built, 'good0')['clip']})" in told
    (story,) = built.ask("explain", again["clip"])
    assert story["overrides"] == [f"near duplicate of {row(built, 'good0')['clip']}, which is denied"]
    said(built, "allow", again["clip"], "--why", "another take")
    built.build()
    assert published(built) == {"again", "good1", "good2"}


def test_of_two_near_duplicates_the_earlier_goes_when_the_later_is_denied(built: Site) -> None:
    built.put({"zz": f"{GOOD['good0']} "})
    built.build()
    assert row(built, "zz")["state"] == "duplicate"
    deny(built, built.videos / "zz.mp4")
    built.build()
    assert published(built) == {"good1", "good2"}


def forgotten_by_an_edit(site: Site) -> None:
    site.put({"good0": films("edited", 1, 0.6, 1.0)["edited0"]})


def forgotten_by_gc(site: Site) -> None:
    said(site, "remove", str(site.videos / "good0.mp4"))
    said(site, "gc", "--dataset", str(site.dataset))
    (site.videos / "good0.mp4").unlink()


@pytest.mark.parametrize("forget", [forgotten_by_an_edit, forgotten_by_gc])
@pytest.mark.parametrize("built_between", [True, False])
def test_what_is_like_a_denied_clip_stays_out_when_nothing_else_is_left_of_that(
    built: Site, forget: Callable[[Site], None], built_between: bool
) -> None:
    denied = row(built, "good0")["clip"]
    deny(built, denied)
    if built_between:
        built.build()
    forget(built)
    look_alike(built, "again")
    built.build()
    assert published(built) - {"good0"} == {"good1", "good2"}
    (story,) = built.ask("explain", row(built, "again")["clip"])
    assert story["overrides"] == [f"near duplicate of {denied}, which is denied"]


def test_how_a_denied_clip_looks_is_kept_as_soon_as_it_is_measured(built: Site) -> None:
    """Denied before it was registered, by what is in it."""
    late = built.root / "late.mp4"
    late.write_bytes(film(f"{GOOD['good0']} late"))
    deny(built, late)
    late.rename(built.videos / "renamed.mp4")
    built.build()
    (built.videos / "renamed.mp4").unlink()
    built.put({"again": f"{GOOD['good0']} late "})
    built.build("--sync")
    words = [path.read_text() for path in sorted((built.root / "store" / "words").glob("*.json"))]
    assert ['"looks"' in text for text in words] == [False, True]
    assert row(built, "again")["rule"] == "override"


def test_what_is_denied_again_means_at_least_what_it_meant_before(built: Site) -> None:
    film, uri = built.videos / "good0.mp4", row(built, "good0")["uri"]
    deny(built, film)
    film.rename(built.root / "copy.mp4")
    said(built, "remove", uri)
    said(built, "gc", "--dataset", str(built.dataset))
    said(built, "undo", uri)
    assert "1 clip" not in deny(built, uri), "nothing of it is left"
    look_alike(built, "again")
    (built.root / "copy.mp4").rename(built.videos / "copy.mp4")
    built.build("--sync")
    assert published(built) == {"good1", "good2"}


def test_a_newer_denial_of_what_is_like_it_beats_an_older_allow(built: Site) -> None:
    look_alike(built, "again")
    built.build()
    again, first = row(built, "again")["clip"], row(built, "good0")["clip"]
    said(built, "allow", again, "--why", "another take", "--who", "bob")
    built.build()
    assert published(built) == {"again", "good0", "good1", "good2"}
    deny(built, first)
    built.build()
    assert published(built) == {"good1", "good2"}
    (story,) = built.ask("explain", again)
    said_of_it = f"near duplicate of {first}, which is denied (before: allow by bob: another take)"
    assert story["overrides"] == [said_of_it]
    said(built, "allow", again, "--why", "she agreed to this one", "--who", "bob")
    built.build()
    assert published(built) == {"again", "good1", "good2"}
    said(built, "allow", first, "--why", "and to that", "--who", "bob")
    deny(built, again)
    built.build()
    assert published(built) == {"good1", "good2"}, "the newest word speaks for both"


def test_of_several_that_are_alike_the_one_that_was_denied_last_is_compared(built: Site) -> None:
    look_alike(built, "again")
    look_alike(built, "more")
    (built.videos / "more.mp4").write_bytes(film(f"  {GOOD['good0']}"))
    built.build()
    first, again, more = (row(built, name)["clip"] for name in ("good0", "again", "more"))
    deny(built, first)
    said(built, "allow", again, "--why", "another take")
    built.build()
    assert published(built) == {"again", "good1", "good2"}
    deny(built, more)
    built.build()
    assert published(built) == {"good1", "good2"}
    (story,) = built.ask("explain", again)
    assert story["overrides"][0].startswith(f"near duplicate of {more}, ")


def test_how_a_clip_looked_that_is_allowed_since_denies_nothing(built: Site) -> None:
    first = row(built, "good0")["clip"]
    deny(built, first)
    built.build()
    said(built, "allow", str(built.videos / "good0.mp4"), "--why", "she agreed")
    look_alike(built, "again")
    built.build()
    assert published(built) == {"again", "good0", "good1", "good2"}
