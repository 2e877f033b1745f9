"""A film is replaced, edited, taken away or brought back while it is measured: no row is of another film than its clip,
nothing is said for good that is true for a moment, and the next build heals it all.
"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import fsspec
import pyarrow.parquet as pq
import pytest

from actor18m.inputs import local_path
from actor18m.storage.store import make_store
from tests.engine import tampered
from tests.engine.films import film
from tests.engine.site import Site

TEXTS = {"a": "A speaks", "b": "B speaks", "c": "C speaks"}
OTHER = "X speaks"
"""Of the same length, which makes a file of the same size."""
TICK_S = 0.02
"""Times of inodes are told by the kernel's ticks."""
STAGES = ("first", "through", "swallowing", "own", "rows")


@dataclass
class Place:
    """Where the films lie."""

    site: Site
    uri: str

    def put(self, name: str, content: bytes) -> None:
        with fsspec.open(f"{self.uri}/{name}.mp4", "wb") as out:
            out.write(content)

    def replace(self, name: str) -> None:
        """By another one, under the same name."""
        time.sleep(TICK_S)
        self.put(f".{name}", film(OTHER))
        fs, folder = fsspec.url_to_fs(self.uri)
        fs.mv(f"{folder}/.{name}.mp4", f"{folder}/{name}.mp4")

    def edit(self, name: str) -> None:
        """In place, with the size and the time that it had."""
        time.sleep(TICK_S)
        path = local_path(f"{self.uri}/{name}.mp4")
        if path is None:
            return self.put(name, film(OTHER))
        before = path.stat()
        assert len(film(OTHER)) == before.st_size
        with path.open("r+b") as out:
            out.write(film(OTHER))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        return None

    def remove(self, name: str) -> None:
        fs, folder = fsspec.url_to_fs(self.uri)
        fs.rm(f"{folder}/{name}.mp4")

    def build(self, *arguments: str, code: int = 0) -> Any:
        return self.site.ask("build", "--input", self.uri, *arguments, code=code)

    def rows(self, stage: str) -> list[dict[str, Any]]:
        """All that was ever committed."""
        store = make_store(self.site.root / "store")
        found: list[dict[str, Any]] = []
        for path in store.names(f"ledger/{stage}"):
            with store.open(path) as stream:
                found += pq.read_table(stream).to_pylist()
        return found

    def check(self) -> None:
        """Every row is of its own clip, and none says that a film is at fault."""
        for stage in STAGES[1:]:
            for row in self.rows(stage):
                assert row["state"] == "ok", row
                assert row["seen"] == row["before"], row
        assert {row["state"] for row in self.rows("first")} == {"ok"}

    def undisturbed(self) -> dict[str, bytes]:
        """What a store that never saw anything else publishes of the films that are here now."""
        aside = Site(self.site.root / "aside", tampered.PIPELINE)
        aside.root.mkdir()
        aside.ask("build", "--input", self.uri)
        return aside.published()


@pytest.fixture(params=["disk", "objects"])
def place(request: pytest.FixtureRequest, site: Site) -> Iterator[Place]:
    uri = f"file://{site.videos}" if request.param == "disk" else f"memory://{uuid4().hex}"
    site.videos.mkdir()
    made = Place(Site(site.root, tampered.PIPELINE), uri)
    for name, text in TEXTS.items():
        made.put(name, film(text))
    yield made
    if request.param == "objects":
        fsspec.filesystem("memory").rm(uri, recursive=True)


@dataclass
class Once:
    """Something happens to one film at one moment of one stage, once."""

    stage: str
    moment: str
    act: Callable[[str], None]
    film: str = "b"
    happened: list[str] = field(default_factory=list)

    def __call__(self, stage: str, moment: str, uri: str) -> None:
        if not self.happened and (stage, moment) == (self.stage, self.moment) and Path(uri).stem == self.film:
            self.happened.append(uri)
            self.act(self.film)


@pytest.fixture
def happens(monkeypatch: pytest.MonkeyPatch) -> Callable[[Once], None]:
    return lambda once: monkeypatch.setattr(tampered, "happens", [once])


CHANGES = [
    ("first", "before", "replace"),
    ("first", "within", "edit"),
    ("first", "after", "remove"),
    ("through", "before", "edit"),
    ("through", "within", "replace"),
    ("through", "after", "remove"),
    ("swallowing", "before", "remove"),
    ("swallowing", "within", "edit"),
    ("own", "before", "edit"),
    ("own", "after", "replace"),
]


@pytest.mark.parametrize(("stage", "moment", "how"), CHANGES)
def test_a_film_that_changes_while_it_is_measured_gets_no_row(
    place: Place, happens: Callable[[Once], None], stage: str, moment: str, how: str
) -> None:
    once = Once(stage, moment, getattr(place, how))
    happens(once)
    account = place.build(code=3)
    assert once.happened
    place.check()
    assert account["states"] == {"accepted": 2, "pending": 1}
    (said,) = account["tally"]["given_up"].items()
    assert said[0].startswith(f"{stage} ")
    expected = "it was there when it was registered" if how == "remove" else "was changed or replaced after it was"
    assert "b.mp4" in said[1]
    assert expected in said[1]
    assert place.site.states() == {"a": "accepted", "b": "pending", "c": "accepted"}

    if how == "remove":
        time.sleep(TICK_S)
        place.put("b", film(TEXTS["b"]))
    healed = place.build()
    assert healed["registration"]["changed"] == 1
    assert healed["states"] == {"accepted": 3}
    place.check()
    assert place.site.published() == place.undisturbed()


@pytest.mark.parametrize("stage", ["through", "swallowing", "own"])
def test_a_film_that_is_away_for_a_moment_is_not_at_fault(
    site: Site, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    """It is a link, as a disk is mounted and unmounted: it is the same before and after."""
    place = linked(site)
    link, target = site.videos / "b.mp4", (site.videos / "b.mp4").readlink()

    def blinks(at: str, moment: str, uri: str) -> None:
        if at == stage and Path(uri).stem == "b":
            if moment == "before":
                link.unlink()
            elif not link.is_symlink():
                link.symlink_to(target)

    monkeypatch.setattr(tampered, "happens", [blinks])
    account = place.build(code=3)
    if not link.is_symlink():
        link.symlink_to(target)
    assert account["states"] == {"accepted": 2, "pending": 1}
    place.check()
    monkeypatch.setattr(tampered, "happens", [tampered.nothing])
    assert place.build()["states"] == {"accepted": 3}
    place.check()
    assert site.published() == place.undisturbed()


@pytest.mark.parametrize("stage", ["first", "through", "swallowing"])
def test_a_link_that_is_turned_and_turned_back_is_noticed_when_it_is_opened(
    site: Site, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    place = linked(site)
    link, target = site.videos / "b.mp4", (site.videos / "b.mp4").readlink()
    other = target.with_name("other.mp4")
    other.write_bytes(film(OTHER))

    def turns(at: str, moment: str, uri: str) -> None:
        if at == stage and Path(uri).stem == "b" and moment in ("before", "within"):
            link.unlink()
            link.symlink_to(other if moment == "before" else target)

    monkeypatch.setattr(tampered, "happens", [turns])
    account = place.build(code=3)
    link.unlink()
    link.symlink_to(target)
    place.check()
    assert account["states"] == {"accepted": 2, "pending": 1}
    monkeypatch.setattr(tampered, "happens", [tampered.nothing])
    assert place.build()["states"] == {"accepted": 3}
    place.check()
    assert site.published() == place.undisturbed()


def test_a_film_that_comes_while_it_is_read_waits_for_the_next_build(
    place: Place, happens: Callable[[Once], None]
) -> None:
    place.remove("b")
    listed = place.site.root / "list.csv"
    listed.write_text("\n".join(["uri", *(f"{place.uri}/{name}.mp4" for name in TEXTS)]) + "\n")
    happens(Once("first", "before", lambda name: place.put(name, film(TEXTS[name]))))
    account = place.site.ask("build", "--input", str(listed), code=3)
    assert account["states"] == {"accepted": 2, "pending": 1}
    (said,) = account["tally"]["given_up"].values()
    assert "was not there when it was registered, and is now; the next build reads it" in said
    assert place.site.ask("build", "--input", str(listed))["states"] == {"accepted": 3}


def test_what_never_was_there_failed(place: Place) -> None:
    place.remove("b")
    listed = place.site.root / "list.csv"
    listed.write_text("\n".join(["uri", *(f"{place.uri}/{name}.mp4" for name in TEXTS)]) + "\n")
    assert place.site.ask("build", "--input", str(listed))["states"] == {"accepted": 2, "failed": 1}


def test_a_film_that_goes_between_two_builds_waits_for_it_and_what_needs_no_film_goes_on(place: Place) -> None:
    place.build("--until", "own")
    place.remove("b")
    account = place.site.ask("build", "--until", "rows")
    assert account["registration"]["vanished"] == 1
    assert account["states"] == {"accepted": 3}, "the last stage reads rows"


def linked(site: Site) -> Place:
    site.videos.mkdir()
    aside = site.root / "films"
    aside.mkdir()
    for name, text in TEXTS.items():
        (aside / f"{name}.mp4").write_bytes(film(text))
        (site.videos / f"{name}.mp4").symlink_to(aside / f"{name}.mp4")
    return Place(Site(site.root, tampered.PIPELINE), f"file://{site.videos}")


@pytest.mark.parametrize("how", ["edit", "remove"])
def test_a_film_that_goes_before_it_is_published_waits_and_the_others_are_published(
    place: Place, happens: Callable[[Once], None], how: str
) -> None:
    happens(Once("rows", "before", getattr(place, how)))
    result = place.site.run("build", "--input", place.uri, str(place.site.root / "steady.yaml"))
    assert result.exit_code == 3, result.output
    assert "b.mp4: the file " + ("is gone" if how == "remove" else "was changed since it was measured") in result.stderr
    assert "1 accepted clip could not be published now, all others are" in result.stderr
    assert "states: 2 accepted, 1 pending" in result.stdout
    assert place.site.states() == {"a": "accepted", "b": "pending", "c": "accepted"}
    place.check()
    if how == "remove":
        place.put("b", film(TEXTS["b"]))
    assert place.build()["states"] == {"accepted": 3}
    assert place.site.published() == place.undisturbed()
