"""Each planted damage is found, named, and told with the way out; what a build leaves has none."""

import json
import os
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from actor18m.cli.app import app
from actor18m.ledger.ledger import Ledger
from actor18m.ledger.rows import BESIDE
from actor18m.storage.lease import hold
from actor18m.storage.store import open_store
from tests.engine.drawing import PIPELINE
from tests.engine.drawn import WORDS
from tests.engine.site import Site

FOREIGN = (".DS_Store", "._x", "Thumbs.db", "notes.txt~", "zero", "lot-000000.parquet", "000002.json.bak")


@pytest.fixture
def built(site: Site) -> Site:
    """All kinds of files, and two versions."""
    site = replace(site, pipeline=f"{PIPELINE}identities: {{stage: draw, within: 0.5}}\n")
    site.put(WORDS)
    site.build()
    (site.videos / "plums.mp4").rename(site.videos / "prunes.mp4")
    site.put({"quinces": "a film about quinces"})
    site.build("--sync")
    return site


def verify(site: Site, *more: str) -> dict[str, Any]:
    """What it finds in the store and in the dataset, by file."""
    ran = CliRunner().invoke(app, ["verify", str(site.root / "store"), str(site.dataset), "--json", *more])
    assert ran.exception is None or isinstance(ran.exception, SystemExit), ran.exception
    told = json.loads(ran.stdout)
    found = {each["path"]: each for place in told.values() for each in place["findings"]}
    assert ran.exit_code == bool(found)
    assert all(each["wrong"] and each["way_out"].endswith((".", "`.")) for each in found.values()), found
    return found


def all_files(site: Site, *folders: str) -> list[Path]:
    paths = (path for folder in folders for path in (site.root / folder).rglob("*"))
    return sorted(path for path in paths if path.is_file() and not path.is_symlink())


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def test_what_a_build_leaves_has_no_findings(built: Site) -> None:
    assert verify(built) == {}
    ran = CliRunner().invoke(app, ["verify", str(built.root / "store"), str(built.dataset)])
    assert ran.output.count("all is well") == 2


@pytest.mark.slow
def test_every_flipped_bit_is_found_and_its_file_named(built: Site) -> None:
    """But for those of logs and of what a build can do without: these carry no digest."""
    dice, small = random.Random(4), ("journal", "runs", "writers", "store.json", ".hashed.json", ".lock")
    for path in all_files(built, "store", "dataset"):
        if any(name in small for name in path.parts):
            continue
        whole, mode = path.read_bytes(), path.stat().st_mode
        path.chmod(mode | 0o200)
        for _ in range(2):
            path.write_bytes(flipped(whole, dice.randrange(len(whole))))
            found = verify(built)
            where = {str(path), str(path.with_suffix(".parquet"))}
            assert where & found.keys(), (path, found)
            assert len(found) <= 2, "in each version that shares it"
        path.write_bytes(whole)
        path.chmod(mode)
    assert verify(built) == {}


@pytest.mark.slow
@pytest.mark.parametrize(
    "damage", [lambda whole: b"", lambda whole: whole[:-9], lambda whole: whole + b"x"], ids=["empty", "short", "long"]
)
def test_every_file_of_another_length_is_found(built: Site, damage: Callable[[bytes], bytes]) -> None:
    for path in all_files(built, "store", "dataset"):
        if path.suffix in (".jsonl", ".lock") or path.name in (".lock", ".hashed.json", "store.json"):
            continue
        whole, mode = path.read_bytes(), path.stat().st_mode
        if path.parent.name in ("runs", "writers") and damage(whole) == whole[:-9]:
            continue
        path.chmod(mode | 0o200)
        path.write_bytes(damage(whole))
        assert str(path) in verify(built), path
        path.write_bytes(whole)
        path.chmod(mode)


@pytest.mark.slow
def test_every_file_that_is_missing_is_found(built: Site) -> None:
    """But for caches, what builds can do without, and what the index does not know of."""
    for path in all_files(built, "store", "dataset"):
        top = path.relative_to(built.root).parts[:2]
        is_cache = top[1] in (
            "index",
            "relations",
            "journal",
            "runs",
            "writers",
            ".lock",
            ".hashed.json",
        )
        if is_cache or "identities" in path.parts or path.suffix == ".mark" or path.name == "store.json":
            continue
        aside = built.root / "aside"
        path.rename(aside)
        found = verify(built)
        stem = path.name.partition(".")[0]
        assert any(stem in where or str(path) == where for where in found), (path, found)
        aside.rename(path)
    assert verify(built) == {}


def test_a_word_that_has_gone_is_found_and_a_mark_that_says_otherwise(built: Site) -> None:
    denied = built.run("deny", str(built.videos / "apples.mp4"), "--why", "asked to be left out")
    assert denied.exit_code == 0, denied.output
    assert verify(built) == {}
    word, mark = (built.root / "store" / "words" / f"000001.{suffix}" for suffix in ("json", "mark"))
    whole = mark.read_bytes()
    for at in (0, len(whole) - 1):
        mark.write_bytes(flipped(whole, at))
        assert verify(built).keys() == {str(mark)}
    mark.write_bytes(whole)
    word.unlink()
    found = verify(built)[str(word)]
    assert (found["wrong"], len(found)) == ("is not there (its mark is)", 4)
    assert "Restore it from a backup." in found["way_out"]


def test_rows_that_have_gone_are_found_whoever_remembers_them(built: Site) -> None:
    """The index does, of each lot; builds do, of a stage that has none any more."""
    (ledger,) = (built.root / "store" / "ledger" / "draw").iterdir()
    lots = {path.name.partition(".")[0]: path for path in ledger.iterdir()}
    kept = {path: path.read_bytes() for path in lots.values()}
    for path in kept:
        path.unlink()
    found = verify(built)
    assert found.keys() == {f"{ledger}/{lot}.*" for lot in lots}
    told = found[f"{ledger}/lot-000000.*"]
    assert (told["kind"], told["wrong"]) == ("missing", "has gone, with 12 rows that stage draw had in lot 0")
    assert "the next build measures anew" in told["way_out"]
    index = built.root / "store" / "index" / "draw"
    index.rename(built.root / "aside")
    (told,) = (found := verify(built)).values()
    assert found.keys() == {str(ledger)}
    assert told["wrong"].startswith("has gone, with all of ")
    (built.root / "aside").rename(index)
    built.called()
    built.build("--sync")
    assert built.called().keys() == {"draw"}
    assert verify(built) == {}
    for path, content in kept.items():
        path.write_bytes(content)
    assert verify(built) == {}


def test_rows_of_a_lot_that_has_others_are_found(built: Site) -> None:
    """A build was killed before it folded its commits: then a lot has several files."""
    (fold,) = (built.root / "store" / "ledger" / "draw").rglob("lot-000000.*")
    rows = pq.read_table(fold).slice(0, 1)
    rest = rows.drop_columns(["part", *BESIDE.values()]).replace_schema_metadata(None)
    with hold(open_store(built.root / "store")) as lease:
        Ledger(lease.store, "draw", fold.parent.name).commit(lease, 0, rest)
    assert verify(built) == {}
    fold.unlink()
    wrong = verify(built)[f"{fold.parent}/lot-000000.*"]["wrong"]
    assert wrong == "has 1 row of 12 that stage draw had in lot 0: files have gone"


def test_the_way_out_counts_the_clips_that_are_measured_again(built: Site) -> None:
    (fold,) = (built.root / "store" / "ledger" / "draw").rglob("lot-000000.*")
    whole = fold.read_bytes()
    fold.write_bytes(flipped(whole, 99))
    way_out = verify(built)[str(fold)]["way_out"]
    assert "delete it: stage draw then measures 12 clips of lot 0 again" in way_out
    fold.write_bytes(whole)
    images = min((built.root / "store" / "images" / "draw").rglob("lot-000000.*"))
    images.write_bytes(b"")
    way_out = verify(built)[str(images)]["way_out"]
    assert f"delete it and {fold.parent}/lot-000000.*: stage draw then measures" in way_out
    images.unlink()
    fold.unlink()
    built.called()
    built.build("--sync")
    assert built.called() == {"draw": 8}, "one of them was moved to another lot, and superseded here"
    assert verify(built) == {}


def test_foreign_files_are_found_in_every_folder(built: Site) -> None:
    folders = {path.parent for path in all_files(built, "store", "dataset")}
    planted = []
    for folder in sorted(folders):
        for name in FOREIGN:
            (folder / name).write_bytes(b"\xff\0" if name == ".DS_Store" else b"")
            planted.append(folder / name)
    found = verify(built)
    assert found.keys() == set(map(str, planted))
    assert {each["kind"] for each in found.values()} == {"foreign", "open"}, "some are in the restricted folder"


def test_what_is_restricted_and_open_to_others_is_found(built: Site) -> None:
    restricted = built.root / "store" / "restricted"
    for path in [restricted, *restricted.rglob("*")]:
        mode = path.stat().st_mode
        path.chmod(mode | 0o040)
        (found,) = verify(built).values()
        assert (found["path"], found["kind"]) == (str(path), "open")
        path.chmod(mode)
    assert verify(built) == {}


def test_nobody_but_the_owner_may_read_what_is_restricted_whatever_the_umask(site: Site) -> None:
    before = os.umask(0)
    try:
        site = replace(site, pipeline=f"{PIPELINE}identities: {{stage: draw, within: 0.5}}\n")
        site.put({"apples": "a film about apples"})
        site.build()
    finally:
        os.umask(before)
    restricted = site.root / "store" / "restricted"
    modes = {path.is_dir(): path.stat().st_mode & 0o777 for path in [restricted, *restricted.rglob("*")]}
    assert modes == {True: 0o700, False: 0o600}
    assert {path.name for path in restricted.iterdir()} == {"draw", "identities"}
    assert (site.root / "store" / "images").stat().st_mode & 0o777 == 0o777, "the others are as the umask says"


def test_runs_logs_and_weights_that_say_nothing_are_found(
    built: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = built.root / "store" / "runs"
    account, log = runs / "000001.json", runs / "000001.log.jsonl"
    account.write_text("{}")
    log.write_bytes(log.read_bytes() + b"\0\0\n")
    (tmp_path / "weights").mkdir()
    weights = tmp_path / "weights" / "centerface.onnx"
    weights.write_bytes(b"another file")
    monkeypatch.setenv("ACTOR18M_MODELS", str(tmp_path / "weights"))
    found = verify(built)
    assert found.keys() == {str(account), str(log), str(weights)}
    assert "with which flags" in found[str(account)]["way_out"]
    assert "`actor18m models pull`" in found[str(weights)]["way_out"]


def test_only_the_latest_version_is_looked_at_on_request(built: Site) -> None:
    readme = built.dataset / "000001" / "README.md"
    readme.unlink()
    assert verify(built).keys() == {str(readme)}
    assert verify(built, "--latest") == {}


def test_where_latest_points_is_looked_at(built: Site) -> None:
    latest = built.dataset / "latest"
    latest.unlink()
    assert verify(built).keys() == {str(latest)}
    latest.symlink_to("000001")
    assert "000002, which is the newest" in verify(built)[str(latest)]["wrong"]


def test_a_place_that_is_neither_is_wrong_usage(tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["verify", str(tmp_path)])
    assert ran.exit_code == 2
    assert "is neither a store" in ran.output
