"""What was damaged in a store is noticed before it is believed, named, and made again where that can be."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from shutil import copytree, rmtree

import pyarrow.parquet as pq
import pytest

from tests.engine.drawing import PIPELINE
from tests.engine.drawn import WORDS
from tests.engine.site import Site

DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "flipped": lambda content: content[:40] + bytes([content[40] ^ 4]) + content[41:],
    "cut short": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "longer": lambda content: content + b"\0",
}


@pytest.fixture
def built(site: Site) -> Site:
    """Three films, built twice, so that all that is ever written is there."""
    site = replace(site, pipeline=PIPELINE)
    site.put(WORDS)
    site.build()
    (site.videos / "plums.mp4").rename(site.videos / "prunes.mp4")
    site.build("--sync")
    site.called()
    return site


@contextmanager
def damaged(path: Path, damage: Callable[[bytes], bytes]) -> Iterator[None]:
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    yield
    path.write_bytes(whole)


def files(site: Site, folder: str) -> list[Path]:
    return sorted((site.root / "store" / folder).rglob("*.parquet"))


def images_in_use(site: Site) -> list[Path]:
    """Files of images of clips that are there, and not only of one that was moved to another lot."""
    there = {(row["lot"], row["clip"]) for row in site.table("inputs") if row["state"] != "superseded"}
    found = []
    for path in files(site, "images"):
        lot = int(path.name[len("lot-") :].partition(".")[0])
        keys = pq.read_table(path, columns=["key"])["key"].to_pylist()
        if any((lot, key.partition("-")[0]) in there for key in keys):
            found.append(path)
    assert len(found) >= 2
    return found


def redrawn(site: Site, times: int = 2) -> Site:
    """Its last stage looks at all pictures again."""
    described = f"drawing:Describe\n    parameters: {{times: {times}}}"
    return replace(site, pipeline=PIPELINE.replace("drawing:Describe", described))


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_of_the_ledger_stops_every_command_and_is_named(built: Site, damage: str) -> None:
    """Also while the index is whole, and no row need be read."""
    folds = files(built, "ledger")
    assert len(folds) == 8
    assert all(".g1." in fold.name for fold in folds), "they are the only copy"
    for fold in folds:
        with damaged(fold, DAMAGES[damage]):
            for command in ("plan", "status", "build"):
                result = built.run(command, str(built.root / "steady.yaml"))
                assert result.exit_code == 1, (command, fold, result.output)
                assert f"{fold} is damaged" in result.output.replace("\n", "")
                assert f"stage {fold.parts[-3]} then measures the clips of lot" in result.output.replace("\n", "")
    assert built.build("--sync")["published"]["is_new"] is False


def test_files_that_stand_in_each_others_place_are_named(built: Site) -> None:
    first, second = (files(built, f"ledger/{stage}")[0] for stage in ("draw", "describe"))
    one, other = first.read_bytes(), second.read_bytes()
    with damaged(first, lambda _: other), damaged(second, lambda _: one):
        assert "is damaged" in built.run("plan", str(built.root / "steady.yaml")).output


def test_a_damaged_file_of_the_ledger_that_is_deleted_is_measured_again(built: Site) -> None:
    """But for what can't be: which clip the file was that is no more."""
    whole = built.published()
    for stage, calls in (("read", 3), ("ask", 3), ("draw", 12), ("describe", 12)):
        for fold in files(built, f"ledger/{stage}"):
            fold.unlink()
        plan = built.ask("plan")["stages"]
        assert plan[stage]["why"] == {"lost rows": calls}
        assert {name: told["missing"] for name, told in plan.items()}[stage] == calls
        built.build("--sync")
        assert built.called() == {stage: calls}
        for name, content in built.published().items():
            assert content == whole[name] or name in ("metadata/inputs/part-000000.parquet", "manifest.json")
    assert sorted(row["clip"] is None for row in built.table("inputs")) == [False] * 3 + [True]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_image_is_neither_looked_at_nor_published(built: Site, damage: str) -> None:
    before = built.published()
    kept = copytree(built.dataset, built.root / "kept", symlinks=True)
    for number, images in enumerate(images_in_use(built), start=2):
        with damaged(images, DAMAGES[damage]):
            again = redrawn(built, number)
            looked = again.run("build", str(built.root / "steady.yaml"))
            assert (looked.exit_code, f"{images} is damaged" in looked.output.replace("\n", "")) == (1, True)
            rmtree(built.dataset)
            published = built.run("build", str(built.root / "steady.yaml"))
            assert (published.exit_code, f"{images} is damaged" in published.output.replace("\n", "")) == (1, True)
            rmtree(built.dataset)
            copytree(kept, built.dataset, symlinks=True)
        images.unlink()
        for fold in files(built, "ledger/draw"):
            fold.unlink()
        built.build("--sync")
        assert built.published() == before


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("cache", ["index", "relations"])
def test_a_damaged_cache_is_made_again(built: Site, cache: str, damage: str) -> None:
    before = built.published()
    assert files(built, cache)
    for path in files(built, cache):
        path.write_bytes(DAMAGES[damage](path.read_bytes()))
    assert built.ask("plan")["is_done"]
    built.build("--sync")
    assert built.called() == {}
    assert built.published() == before


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_of_the_catalog_is_named(built: Site, damage: str) -> None:
    assert len(files(built, "catalog")) == 3
    for path in files(built, "catalog"):
        with damaged(path, DAMAGES[damage]):
            for command in ("plan", "status", "build"):
                result = built.run(command, str(built.root / "steady.yaml"))
                assert (result.exit_code, f"{path} is damaged" in result.output.replace("\n", "")) == (1, True), path
    assert built.ask("plan")["is_done"]


def test_a_file_that_has_gone_from_the_catalog_is_named(built: Site) -> None:
    for path in files(built, "catalog"):
        whole = path.read_bytes()
        path.unlink()
        for command in ("plan", "status", "build"):
            result = built.run(command, str(built.root / "steady.yaml"))
            assert (result.exit_code, f"{path} has gone" in result.output.replace("\n", "")) == (1, True), path
        path.write_bytes(whole)
    with gone(list((built.root / "store" / "catalog").iterdir())):
        refused(built, "is empty, and build 000002 left 3 files in it")
        with gone(sorted((built.root / "store" / "runs").iterdir())):
            refused(built, "ends before lot 0, and the ledger has rows of lot 1: files have gone")
    with gone(sorted((built.root / "store" / "catalog").glob("*-000003.*"))):
        refused(built, "ends with file 2, and build 000002 left 3 files in it")
    with gone(sorted((built.root / "store" / "catalog").glob("*-00000[23].*"))):
        refused(built, "ends with file 1, and build 000002 left 3 files in it")
    with gone(sorted((built.root / "store" / "catalog").glob("*-000002.*"))):
        refused(built, "-000002.….parquet has gone from the store")
    assert built.build("--sync")["published"]["is_new"] is False


@contextmanager
def gone(paths: list[Path]) -> Iterator[None]:
    """They are put back."""
    kept = {path: path.read_bytes() for path in paths}
    assert kept
    for path in kept:
        path.unlink()
    yield
    for path, content in kept.items():
        path.write_bytes(content)


def refused(site: Site, why: str) -> None:
    """By all who ask, and by a build before it registers anything, with inputs and without."""
    before = sorted((site.root / "store" / "catalog").iterdir())
    pipeline, videos = str(site.root / "steady.yaml"), str(site.videos / "pears.mp4")
    (site.root / "rights.csv").write_text(f"uri,licence\n{videos},CC0-1.0\n")
    asked = (["plan"], ["plan", "--input", videos], ["status"], ["build"], ["build", "--input", videos])
    relicense = ["relicense", "--input", str(site.root / "rights.csv")]
    for command in (*([each[0], pipeline, *each[1:]] for each in asked), relicense):
        result = site.run(command[0], *command[1:])
        said = result.output.replace("\n", "")
        assert (result.exit_code, why in said) == (1, True), (command, said)
        assert "Nothing else knows which inputs were registered" in said
    assert sorted((site.root / "store" / "catalog").iterdir()) == before
    verified = site.bare("verify", str(site.root / "store"))
    assert (verified.exit_code, why in verified.output.replace("\n", "")) == (1, True), verified.output


def test_a_mark_that_was_not_written_is_written_with_the_next_file(built: Site) -> None:
    """A death between a file of the catalog and its mark."""
    *_, last = sorted((built.root / "store" / "catalog").glob("*.mark"), key=lambda path: path.name.partition("-")[2])
    last.unlink()
    assert built.build("--sync")["published"]["is_new"] is False
    built.put({"quinces": "a film about quinces"})
    built.build("--sync")
    assert last.is_file()
    assert len(list((built.root / "store" / "catalog").glob("*.mark"))) == 4
