import errno
import itertools
import json
import os
import re
import shutil
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
import yaml

from actor18m.errors import ActorError
from actor18m.publish import Block, Made, Published, ShardPlan, make_shard, publish
from actor18m.publish.card import READING
from actor18m.publish.tables import TableWriter
from tests.publish.material import FACTS, PIPELINE, key_of, lot, sample, tree, video

DARK, LOW, OVER, SECOND = map(sample, ("very_dark_1", "low_resolution_1", "overexposed_1", "one_second_1"))


def three_lots() -> list[Block]:
    return [
        lot(0, [video(DARK), video(LOW)]),
        lot(1, [video(OVER)], rejected=[key_of(OVER)]),
        lot(2, [video(OVER, cut=(0, 10)), video(SECOND)]),
    ]


def published(dataset: Path, blocks: list[Block], **more: Any) -> Published:
    return publish(dataset, blocks, PIPELINE, FACTS, **more)


def clips(version: Published) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(Path(version.path, "metadata", "clips")).to_pylist()
    return found


def shards(version: Published) -> list[Path]:
    return sorted(Path(version.path, "videos").iterdir())


def test_two_datasets_of_the_same_blocks_are_the_same_bytes(tmp_path: Path) -> None:
    def backwards(plans: Iterator[ShardPlan]) -> Iterator[Made]:
        with ThreadPoolExecutor(2) as pool:
            yield from reversed(list(pool.map(make_shard, plans)))

    first = published(tmp_path / "one", three_lots())
    second = published(tmp_path / "two", three_lots(), make_shards=backwards)
    assert (first.version, first.is_new, first.shards_made, first.shards_reused) == ("000001", True, 2, 0)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
    assert second.shards_made == 2
    for secret in (str(tmp_path), "000001"):
        assert not re.search(rf"\b{re.escape(secret)}\b", Path(first.path, "manifest.json").read_text())


def test_a_shard_is_read_as_samples(tmp_path: Path) -> None:
    version = published(tmp_path / "d", three_lots())
    with tarfile.open(shards(version)[0]) as tar:
        members = tar.getmembers()
        keys = sorted(map(key_of, (DARK, LOW)))
        assert [member.name for member in members] == [f"{key}.{kind}" for key in keys for kind in ("mp4", "json")]
        assert {(member.mtime, member.uid, member.gid, member.uname, member.mode) for member in members} == {
            (0, 0, 0, "", 0o644)
        }
        facts = tar.extractfile(members[1])
        assert facts is not None
        assert facts.read() == (
            f'{{"clip":"{members[1].name[:20]}","codec":"h264","duration_s":4.0,"frames":96,"score":1.0}}'.encode()
        )


def test_the_table_says_where_each_sample_is(tmp_path: Path) -> None:
    version = published(tmp_path / "d", three_lots())
    for row in clips(version):
        if row["state"] == "rejected":
            assert row["shard"] is None
            continue
        content = Path(version.path, row["shard"]).read_bytes()
        mp4 = content[row["mp4_offset"] :][: row["mp4_size"]]
        assert mp4[4:8] == b"ftyp"
        assert json.loads(content[row["json_offset"] :][: row["json_size"]])["clip"] == row["clip"]


def test_the_manifest_names_every_file(tmp_path: Path) -> None:
    version = Path(published(tmp_path / "d", three_lots()).path)
    files = json.loads((version / "manifest.json").read_bytes())["files"]
    there = {path.relative_to(version).as_posix(): path for path in version.rglob("*") if path.is_file()}
    assert there.keys() == files.keys() | {"manifest.json"}
    for name, file in files.items():
        assert file["size"] == there[name].stat().st_size


def test_the_readme_shows_how_to_read_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version = published(tmp_path / "d", three_lots())
    card = Path(version.path, "README.md").read_text()
    assert "| identity.mean_similarity | 5 | 4 | 1 |" in card
    assert "4 videos of 5 clips from 5 inputs" in card
    _, front, _ = card.split("---\n", 2)
    for config in yaml.safe_load(front)["configs"]:
        assert list(Path(version.path).glob(config["data_files"])), config
    monkeypatch.chdir(tmp_path / "d")
    for code in READING.values():
        assert f"```python\n{code}```" in card
        exec(compile(code, "README.md", "exec"), {})


def test_what_did_not_change_is_the_same_file(tmp_path: Path) -> None:
    first = published(tmp_path / "d", three_lots())
    blocks = three_lots()
    blocks[2] = lot(2, [video(OVER, cut=(0, 10)), video(SECOND)], rejected=[key_of(SECOND)])
    second = published(tmp_path / "d", blocks)
    assert (second.version, second.shards_made, second.shards_reused) == ("000002", 1, 1)
    old, new = shards(first), shards(second)
    assert old[0].samefile(new[0])
    assert old[1].name != new[1].name
    for name, is_same in {"inputs": False, "decisions": False, "clips": False}.items():
        part = Path("metadata", name, "part-000000.parquet")
        assert (Path(first.path) / part).samefile(Path(second.path) / part) == is_same
    assert (tmp_path / "d" / "latest").readlink() == Path("000002")


def test_other_verdicts_write_tables_and_no_shard(tmp_path: Path) -> None:
    first = published(tmp_path / "d", three_lots())
    blocks = three_lots()
    decisions = blocks[0].decisions
    blocks[0] = replace(blocks[0], decisions=decisions.set_column(5, "at_least", [[0.3] * len(decisions)]))
    second = publish(tmp_path / "d", blocks, PIPELINE.replace("0.4", "0.3"), FACTS)
    assert (second.is_new, second.shards_made) == (True, 0)
    for name in ("inputs", "clips", "decisions"):
        part = Path("metadata", name, "part-000000.parquet")
        assert (Path(first.path) / part).samefile(Path(second.path) / part) == (name != "decisions")


def test_the_same_again_is_no_new_version_and_reads_no_video(tmp_path: Path) -> None:
    here = shutil.copy(SECOND, tmp_path)
    first = published(tmp_path / "d", [lot(0, [video(Path(here))])])
    blocks = [lot(0, [video(Path(here))])]
    before = tree(tmp_path / "d")
    Path(here).unlink()
    again = published(tmp_path / "d", blocks)
    assert again == Published("000001", first.path, False, 0, 1)
    assert tree(tmp_path / "d") == before


def test_a_vanished_source_is_taken_from_the_dataset(tmp_path: Path) -> None:
    here = Path(shutil.copy(SECOND, tmp_path))
    gone, stays = video(here), video(DARK)
    first = published(tmp_path / "d", [lot(0, [gone, stays])])
    without = published(tmp_path / "d", [lot(0, [gone, stays], rejected=[gone.clip])])
    here.unlink()
    back = published(tmp_path / "d", [lot(0, [gone, stays])])
    assert back.version == "000003"
    assert without.shards_made == back.shards_made == 1
    assert tree(Path(back.path)) == tree(Path(first.path))


def test_a_lost_shard_of_the_latest_version_is_made_again(tmp_path: Path) -> None:
    first = published(tmp_path / "d", three_lots())
    shards(first)[1].unlink()
    healed = published(tmp_path / "d", three_lots())
    assert (healed.version, healed.shards_made) == ("000002", 1)
    assert len(shards(healed)) == 2


def test_shards_that_were_made_before_a_failure_are_used(tmp_path: Path) -> None:
    def half(plans: Iterator[ShardPlan]) -> Iterator[Made]:
        yield make_shard(next(plans))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        published(tmp_path / "d", three_lots(), make_shards=half)
    resumed = published(tmp_path / "d", three_lots())
    assert (resumed.shards_made, resumed.shards_reused) == (1, 1)
    published(tmp_path / "whole", three_lots())
    assert tree(tmp_path / "d") == tree(tmp_path / "whole")


def test_a_shard_of_several_lots(tmp_path: Path) -> None:
    few, more = lot(2, [video(DARK)]), [video(OVER), video(LOW)]
    one_by_one = [lot(0, more[:1]), lot(1, more[1:]), few]
    apart = published(tmp_path / "a", one_by_one, lots_per_shard={"videos": 2})
    version = published(tmp_path / "d", [replace(lot(0, more), lots=range(2)), few], lots_per_shard={"videos": 2})
    assert [path.name[:22] for path in shards(version)] == ["actor18m-videos-000000", "actor18m-videos-000001"]
    assert [path.read_bytes() for path in shards(apart)] == [path.read_bytes() for path in shards(version)]
    with pytest.raises(ValueError, match="a block has lots of one shard of 2"):
        published(tmp_path / "e", [replace(lot(1, more), lots=range(1, 3))], lots_per_shard={"videos": 2})


def test_an_empty_dataset_has_its_columns(tmp_path: Path) -> None:
    version = published(tmp_path / "d", [])
    assert clips(version) == []
    with duckdb.connect() as db:
        assert db.execute(f"SELECT uri, state FROM '{version.path}/metadata/inputs/*.parquet'").fetchall() == []


def test_facts_that_change_their_type_are_refused(tmp_path: Path) -> None:
    good, bad = video(DARK), video(LOW)
    for facts in ({**bad.facts, "score": 1}, {**bad.facts, "more": "x"}, {**bad.facts, "score": None}):
        with pytest.raises(ValueError, match=r"facts"):
            published(tmp_path / "d", [lot(0, [good]), lot(1, [replace(bad, facts=facts)])])


def test_a_table_does_not_depend_on_how_it_was_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actor18m.publish.tables._ROWS_PER_GROUP", 3)
    rows = lot(0, [video(path) for path in (DARK, LOW, OVER, SECOND)]).clips
    contents = []
    for name, cuts in {"whole": [0, 4], "cut": [0, 1, 3, 4]}.items():
        writer = TableWriter(tmp_path / name, rows.schema)
        for start, end in itertools.pairwise(cuts):
            writer.add(0, rows.slice(start, end - start))
        writer.add(1024, rows)
        paths = writer.close()
        assert [path.name for path in paths] == ["part-000000.parquet", "part-000001.parquet"]
        assert pq.read_table(paths[0]).equals(rows)
        assert pq.ParquetFile(paths[0]).num_row_groups == 2
        contents.append([path.read_bytes() for path in paths])
    assert contents[0] == contents[1]


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published(tmp_path / "d", [lot(0, [video(DARK)])])
    before = tree(tmp_path / "d" / "latest")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ActorError, match=r"no space left.*latest version is as it was"):
        published(tmp_path / "d", three_lots())
    assert tree(tmp_path / "d" / "latest") == before


def test_a_folder_of_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ActorError, match="not empty and is no dataset"):
        published(tmp_path, [])


def test_without_hard_links_files_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(source: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    published(tmp_path / "linked", three_lots())
    monkeypatch.setattr(os, "link", no_links)
    published(tmp_path / "copied", three_lots())
    assert tree(tmp_path / "linked") == tree(tmp_path / "copied")


def test_the_table_says_whose_pictures_were_copied_and_whose_were_encoded(tmp_path: Path) -> None:
    turned = sample("phone_rotated_1")
    blocks = [lot(0, [video(DARK), video(turned), video(SECOND, cut=(0, 10))])]
    wanted = {key_of(DARK): "copied", key_of(turned): "encoded", key_of(SECOND, cut=(0, 10)): "encoded"}
    first = published(tmp_path / "d", blocks)
    assert {row["clip"]: row["video_encoding"] for row in clips(first)} == wanted
    # Taken out of the version before, and out of an older one, it is still known.
    fewer = published(tmp_path / "d", [lot(0, [video(turned)])])
    assert {row["clip"]: row["video_encoding"] for row in clips(fewer)} == {key_of(turned): "encoded"}
    again = published(tmp_path / "d", [lot(0, [video(DARK), video(turned)])])
    assert {row["clip"]: row["video_encoding"] for row in clips(again)} == {
        key: wanted[key] for key in (key_of(DARK), key_of(turned))
    }
    unpublished = published(tmp_path / "e", [lot(0, [video(DARK), video(LOW)], rejected=[key_of(LOW)])])
    assert {row["clip"]: row["video_encoding"] for row in clips(unpublished)} == {
        key_of(DARK): "copied",
        key_of(LOW): None,
    }


def test_the_readme_tells_with_which_models_under_which_terms(tmp_path: Path) -> None:
    facts = {
        **FACTS,
        "model.identity.faces": "centerface abcdef0123456789",
        "model.faces.faces": "centerface abcdef0123456789",
    }
    version = publish(tmp_path / "d", three_lots(), PIPELINE, {**facts, "model.motion.points": "lucas-kanade 00"})
    card = Path(version.path, "README.md").read_text()
    told = "| centerface | identity.faces, faces.faces | abcdef012345 | onnxruntime: MIT | MIT | WIDER FACE"
    assert told in card
    assert "(not settled) |" in card
    assert "| lucas-kanade | motion.points | 00 | - | - | - |" in card
