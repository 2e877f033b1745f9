"""An input that was given by mistake is removed: it is built from no more, and gc takes its bytes."""

import json
from collections import Counter
from dataclasses import replace

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from actor18m.cli.app import app
from actor18m.storage.lease import Lease
from tests.engine.drawing import PIPELINE as DRAWN
from tests.engine.people import PIPELINE as PEOPLE
from tests.engine.reels import REELS, reel
from tests.engine.said import GOOD, row, said
from tests.engine.site import Site


@pytest.fixture
def built(site: Site) -> Site:
    site.put(GOOD)
    site.build()
    site.called()
    return site


def gc(site: Site, *arguments: str) -> str:
    return said(site, "gc", "--dataset", str(site.dataset), *arguments)


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
    gc(built, "--keep", "1")
    built.build()
    assert built.called() == {}


def test_what_is_not_registered_cannot_be_removed(built: Site) -> None:
    assert "nothing is registered that" in said(built, "remove", "nosuch.mp4", code=1)


def rows_of(site: Site, word: bytes) -> list[str]:
    """Files of the store and the dataset in which a word stands, compressed or not."""
    found = []
    for path in [*(site.root / "store").rglob("*"), *site.dataset.rglob("*")]:
        if path.is_file():
            content = path.read_bytes()
            if path.suffix == ".parquet":
                table = pq.read_table(path)
                content += repr(table.to_pydict()).encode() + json.dumps(table.schema.names).encode()
                content += b"".join(
                    value
                    for name in table.column_names
                    for value in table[name].to_pylist()
                    if isinstance(value, bytes)
                )
            if word in content:
                found.append(path.name if path.suffix == ".tar" else str(path.relative_to(site.root)))
    return found


def test_gc_takes_the_bytes_of_what_was_removed_and_of_nothing_else(site: Site) -> None:
    drawn = replace(site, pipeline=DRAWN)
    drawn.put({"secret": "a tale of Rumpelstiltskin", "apples": "a film about apples", "pears": "a film about pears"})
    drawn.build()
    clip = row(drawn, "secret")["clip"]
    assert len(rows_of(drawn, b"Rumpelstiltskin")) >= 3
    said(drawn, "remove", str(drawn.videos / "secret.mp4"))
    before = drawn.ask("status")
    drawn.build()
    drawn.called()
    dry = gc(drawn, "--keep", "1", "--dry-run")
    assert "would remove 10 rows and 12 files beside them, of 1 removed input" in dry
    assert rows_of(drawn, b"Rumpelstiltskin")
    assert "removed 10 rows and 12 files beside them, of 1 removed input" in gc(drawn, "--keep", "1")
    assert rows_of(drawn, b"Rumpelstiltskin") == []
    measured = ("store/ledger/", "store/images/", "store/restricted/", "store/index/", "store/relations/")
    assert [name for name in rows_of(drawn, clip.encode()) if name.startswith(measured)] == []
    assert len(rows_of(drawn, b"apples in black")) >= 2
    assert "0 rows" not in gc(drawn, "--keep", "1"), "there is nothing left to say"
    after = drawn.ask("status")
    assert after["states"] == before["states"] == {"accepted": 2, "removed": 1}
    shards = drawn.shards()
    drawn.build()
    assert drawn.called() == {}
    assert drawn.shards() == shards
    drawn.build("--set", "describe.times=2")
    assert drawn.called() == {"describe": 8}, "the images of the others are there"
    said(drawn, "undo", str(drawn.videos / "secret.mp4"))
    drawn.build("--set", "describe.times=2")
    assert drawn.called() == {"read": 1, "ask": 1, "draw": 4, "describe": 4}


def test_a_gc_that_is_killed_is_finished_by_the_next_one(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = replace(site, pipeline=DRAWN)
    drawn.put({"secret": "a tale of Rumpelstiltskin", "apples": "a film about apples"})
    drawn.build()
    said(drawn, "remove", str(drawn.videos / "secret.mp4"))
    drawn.build()
    delete, left = Lease.delete, 2

    def dies(self: Lease, path: str) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        delete(self, path)

    with monkeypatch.context() as patched:
        patched.setattr(Lease, "delete", dies)
        drawn.run("gc", "--dataset", str(drawn.dataset), "--keep", "1")
    gc(drawn, "--keep", "1")
    assert rows_of(drawn, b"Rumpelstiltskin") == []
    verified = CliRunner().invoke(app, ["verify", str(drawn.root / "store")])
    assert verified.exit_code == 0, verified.output
    drawn.called()
    drawn.build()
    assert drawn.called() == {}


def test_gc_takes_what_a_face_was_known_by(site: Site) -> None:
    people = replace(site, pipeline=PEOPLE)
    people.put({"ann": "one face 0.10 0.20", "bob": "two face 0.9 0.9"})
    people.build()
    template = b"\xcd\xcc\xcc=\xcd\xccL>"
    assert [name.split("/")[1] for name in rows_of(people, template)] == ["restricted", "restricted"]
    said(people, "remove", str(people.videos / "ann.mp4"))
    people.build()
    gc(people, "--keep", "1")
    assert rows_of(people, template) == []
    people.build()
    assert people.ask("status")["states"] == {"accepted": 1, "removed": 1}


def test_a_build_that_still_publishes_it_is_named_by_gc(built: Site) -> None:
    said(built, "remove", str(built.videos / "good0.mp4"))
    assert "build first" in gc(built, "--keep", "1")
