"""Images and embeddings lie beside the rows: later stages see the images, and nobody publishes the embeddings."""

import json
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest

from actor18m.ledger.ledger import Ledger
from actor18m.storage.store import open_store
from tests.engine.drawing import PIPELINE
from tests.engine.drawn import drawn_by
from tests.engine.pretended import text_of
from tests.engine.site import Site, content_of


@pytest.fixture
def built(site: Site) -> Site:
    return drawn_by(site)


def rows(site: Site, stage: str) -> list[Mapping[str, Any]]:
    (folder,) = (site.root / "store" / "ledger" / stage).iterdir()
    ledger = Ledger(open_store(str(site.root / "store")), stage, folder.name)
    return [row for _, lot in ledger.read() for row in lot.to_pylist()]


def files(site: Site, kind: str) -> list[Path]:
    return sorted((site.root / "store" / kind).rglob("*.parquet"))


def test_a_later_stage_sees_the_images(built: Site) -> None:
    seen = {row["seen"] for row in rows(built, "describe")}
    assert seen == {f"{word} in black" for word in ("a", "film", "about", "apples", "pears", "plums")}


def test_a_later_stage_looks_again_when_the_images_changed(built: Site) -> None:
    red = replace(built, pipeline=PIPELINE.replace("drawing:Draw", "drawing:Draw\n    parameters: {ink: red}"))
    red.build()
    assert red.called() == {"draw": 12, "describe": 12}
    built.build()
    assert built.called() == {}


def test_images_of_a_renamed_file_come_along(built: Site) -> None:
    (built.videos / "pears.mp4").rename(built.videos / "renamed.mp4")
    built.build("--sync")
    assert built.called() == {"read": 1}
    other = replace(
        built, pipeline=PIPELINE.replace("drawing:Describe", "drawing:Describe\n    parameters: {times: 2}")
    )
    other.build("--sync")
    assert other.called() == {"describe": 12}


def test_the_images_are_published_with_what_is_known_of_them(built: Site) -> None:
    (shard,) = (built.dataset / "latest" / "subset-A").iterdir()
    content, told = shard.read_bytes(), built.table("references")
    assert len(told) == 12
    assert [row["key"] for row in told] == sorted(row["key"] for row in told)
    for row in told:
        assert row["shard"] == f"subset-A/{shard.name}"
        image, mask, facts = (
            content[row[f"{file}_offset"] :][: row[f"{file}_size"]] for file in ("image", "mask", "json")
        )
        assert text_of(image) == row["seen"]
        assert sha256(image).hexdigest() == row["sha256"]
        assert sha256(mask).hexdigest() == row["mask_sha256"]
        assert row["vowels"] is None
        assert json.loads(facts) == {
            "clip": row["clip"],
            "subset": "A",
            "letters": row["letters"],
            "vowels": 0,
            "unknown": "vowels",
            "mask_sha256": row["mask_sha256"],
        }
    with tarfile.open(shard) as tar:
        names = tar.getnames()
    assert names == [f"{row['key']}.{suffix}" for row in told for suffix in ("webp", "mask.png", "json")]


def test_other_labels_rewrite_the_table_and_no_shard(built: Site) -> None:
    before = {path.name: path.stat().st_ino for path in (built.dataset / "latest" / "subset-A").iterdir()}
    twice = replace(
        built, pipeline=PIPELINE.replace("drawing:Describe", "drawing:Describe\n    parameters: {times: 2}")
    )
    twice.build()
    assert {row["times"] for row in built.table("references")} == {2}
    assert {path.name: path.stat().st_ino for path in (built.dataset / "latest" / "subset-A").iterdir()} == before


def test_references_of_clips_that_are_not_accepted_go(built: Site) -> None:
    rule = """  ask: {pictures: {value: 'len("words")', at_least: 9}}\n"""
    strict = replace(built, pipeline=PIPELINE.replace("subsets:", f"{rule}subsets:"))
    strict.build()
    assert strict.called() == {}, "the images are there"
    assert strict.table("references") == []
    assert list((built.dataset / "latest" / "subset-A").iterdir()) == []


def test_what_is_restricted_is_in_the_store_and_not_in_the_dataset(built: Site) -> None:
    secret = sha256(b"plums").digest()
    assert any(secret in path.read_bytes() for path in files(built, "restricted"))
    assert not any(secret in content for content in content_of(built.dataset).values())


def test_images_that_have_gone_are_told_and_made_anew_once_their_rows_go(built: Site) -> None:
    for folder in ("store/images", "dataset"):
        rmtree(built.root / folder)
    gone = built.run("build", str(built.root / "steady.yaml"))
    assert (gone.exit_code, "has gone from the store. Put a copy" in gone.output) == (1, True)
    rmtree(built.root / "store" / "ledger" / "draw")
    built.build()
    assert built.called() == {"draw": 12}
    assert len(built.table("references")) == 12


def test_files_that_are_beside_no_row_are_no_hindrance(built: Site) -> None:
    """A build that dies between the two leaves files without their row; the next one writes both again."""
    draw = built.root / "store" / "ledger" / "draw"
    for path in [*draw.rglob("*.parquet"), *(built.root / "store" / "index").rglob("*.parquet")]:
        path.unlink()
    before = files(built, "images")
    built.build()
    assert built.called() == {"draw": 12}
    assert files(built, "images") == before
