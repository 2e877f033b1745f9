"""Damage in a published version is never linked on, nor believed: the next version has it right."""

import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actor18m.dataset import hashes
from actor18m.errors import ActorError
from actor18m.publish import Block, Published, diff, gc, history, publish
from actor18m.publish.make import make_shard
from actor18m.publish.on_disk import DiskWriter, OnDisk
from tests.publish.material import FACTS, PIPELINE, key_of, lot, sample, tree, video

DARK, LOW, OVER, SECOND = map(sample, ("very_dark_1", "low_resolution_1", "overexposed_1", "one_second_1"))


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, Path]:
    """Copies, which may go."""
    return {path.stem: Path(shutil.copy(path, tmp_path / path.name)) for path in (DARK, LOW, OVER, SECOND)}


@pytest.fixture
def blocks(sources: dict[str, Path]) -> list[Block]:
    dark, low, over, second = (video(sources[path.stem]) for path in (DARK, LOW, OVER, SECOND))
    return [lot(0, [dark, low]), lot(1, [over, second], rejected=[key_of(OVER)])]


def published(dataset: Path, blocks: list[Block], **more: Any) -> Published:
    return publish(dataset, blocks, PIPELINE, FACTS, **more)


def write(path: Path, content: bytes) -> None:
    """As an editor would, or a repair of the file system."""
    path.chmod(0o644)
    path.write_bytes(content)


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 16]) + content[at + 1 :]


def files(version: str) -> list[Path]:
    return sorted(path for path in Path(version).rglob("*") if path.is_file() and path.name != "manifest.json")


@pytest.mark.parametrize("damage", ["flipped", "cut short", "empty", "gone", "another's"])
def test_damage_is_not_linked_on_and_the_next_version_is_right(
    damage: str, blocks: list[Block], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = published(tmp_path / "d", blocks)
    right = {path.relative_to(first.path): path.read_bytes() for path in files(first.path)}
    for name, whole in right.items():
        damaged = tmp_path / "d" / "latest" / name
        if damage == "gone":
            damaged.unlink()
        else:
            others = next(content for other, content in right.items() if other != name)
            made = {
                "flipped": flipped(whole, len(whole) // 2),
                "cut short": whole[:-7],
                "empty": b"",
                "another's": others,
            }
            write(damaged, made[damage])
        caplog.clear()
        again = published(tmp_path / "d", blocks)
        assert again.is_new
        assert {path.relative_to(again.path): path.read_bytes() for path in files(again.path)} == right
        assert f"{Path(first.path).parent}" in caplog.text
        assert str(name) in caplog.text
        first = again
    assert not published(tmp_path / "d", blocks).is_new


def test_files_that_nobody_wrote_to_are_hashed_once(
    blocks: list[Block], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    sha256 = hashes.Hashes._hashed

    def counted(self: hashes.Hashes, path: str, near: Path | None) -> str:
        hashed.append(path.rpartition("/")[2])
        return sha256(self, path, near)

    monkeypatch.setattr(hashes.Hashes, "_hashed", counted)
    published(tmp_path / "d", blocks)
    fewer = [blocks[0], lot(1, [video(SECOND)])]
    published(tmp_path / "d", fewer)
    assert gc(tmp_path / "d", keep=1) == ["000001"]
    assert not published(tmp_path / "d", fewer).is_new
    assert hashed == [], "neither links nor their removal count as changes"
    shard = next((tmp_path / "d" / "latest" / "videos").iterdir())
    before = shard.stat()
    write(shard, flipped(shard.read_bytes(), 700))
    os.utime(shard, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert published(tmp_path / "d", fewer).is_new
    assert hashed == [shard.name], "an edit that kept size and time"
    hashed.clear()
    (tmp_path / "d" / hashes.NAME).unlink()
    assert not published(tmp_path / "d", fewer).is_new
    assert len(hashed) == len(files(str(tmp_path / "d" / "latest")))


def test_what_is_remembered_wrongly_is_looked_at_again(blocks: list[Block], tmp_path: Path) -> None:
    published(tmp_path / "d", blocks)
    known = tmp_path / "d" / hashes.NAME
    known.write_text(json.dumps(dict.fromkeys(json.loads(known.read_text()), "0" * 64)))
    assert not published(tmp_path / "d", blocks).is_new
    for nonsense in ("", "[]", "{", '{"a": {"b": 1}}'):
        known.write_text(nonsense)
        assert not published(tmp_path / "d", blocks).is_new


def test_a_damaged_table_sends_nobody_to_wrong_bytes(
    blocks: list[Block], sources: dict[str, Path], tmp_path: Path
) -> None:
    """All versions share it, and it alone tells where a clip lies and how its video was made: sources are asked."""
    first = published(tmp_path / "d", blocks)
    right = tree(Path(first.path))
    (table,) = Path(first.path, "metadata", "clips").iterdir()
    write(table, flipped(table.read_bytes(), 300))
    again = published(tmp_path / "d", blocks)
    assert tree(Path(again.path)) == right
    assert (again.shards_made, again.shards_reused) == (2, 0)
    (table,) = Path(again.path, "metadata", "clips").iterdir()
    write(table, flipped(table.read_bytes(), 300))
    for source in sources.values():
        source.unlink()
    last = published(tmp_path / "d", blocks)
    assert last.left_out.keys() == set(map(key_of, (DARK, LOW, SECOND)))
    assert all("holds its clip, or not undamaged" in why.cause for why in last.left_out.values())


def test_a_damaged_video_whose_source_has_gone_is_taken_from_elsewhere_or_left_out(
    blocks: list[Block], sources: dict[str, Path], tmp_path: Path
) -> None:
    first = published(tmp_path / "d", blocks)
    second = published(tmp_path / "d", [lot(0, [video(sources[DARK.stem])]), blocks[1]])
    (shard,) = (path for path in Path(second.path, "videos").iterdir() if "-000000-" in path.name)
    write(shard, flipped(shard.read_bytes(), 5000))
    for source in sources.values():
        source.unlink()
    third = published(tmp_path / "d", [lot(0, [video(DARK)]), blocks[1]])
    assert (third.version, third.shards_made) == ("000003", 1)
    for version in (first, second, third):
        for path in Path(version.path, "videos").iterdir():
            write(path, flipped(path.read_bytes(), 5000))
    last = published(tmp_path / "d", blocks)
    assert {key_of(LOW), key_of(SECOND)} <= last.left_out.keys()
    assert all("holds its clip, or not undamaged" in why.cause for why in last.left_out.values())


@pytest.mark.parametrize("seed", range(12))
def test_a_damaged_manifest_is_named_by_whoever_reads_it(seed: int, blocks: list[Block], tmp_path: Path) -> None:
    version = published(tmp_path / "d", blocks)
    manifest = Path(version.path, "manifest.json")
    whole = manifest.read_bytes()
    dice = random.Random(seed)
    content = bytearray(whole)
    content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    write(manifest, bytes(content))
    calls: list[Callable[[], object]] = [
        lambda: published(tmp_path / "d", blocks),
        lambda: diff(tmp_path / "d", "000001", "latest"),
        lambda: history.listed(tmp_path / "d"),
    ]
    for call in calls:
        with pytest.raises(ActorError, match=r"000001/manifest\.json"):
            call()
    write(manifest, whole)
    assert not published(tmp_path / "d", blocks).is_new


def test_an_older_version_that_is_damaged_is_not_brought_back(blocks: list[Block], tmp_path: Path) -> None:
    first = published(tmp_path / "d", blocks)
    published(tmp_path / "d", [blocks[0], lot(1, [video(SECOND)])])
    (shard,) = (path for path in Path(first.path, "videos").iterdir() if "-000000-" in path.name)
    whole = shard.read_bytes()
    write(shard, flipped(whole, 600))
    with pytest.raises(ActorError, match=rf"{shard.name} is damaged.*cannot be brought back"):
        history.restore(tmp_path / "d", "000001")
    write(shard, whole)
    assert history.restore(tmp_path / "d", "000001") == "000003"


def test_a_shard_that_a_killed_publish_left_is_used_only_if_it_is_whole(blocks: list[Block], tmp_path: Path) -> None:
    target = OnDisk(tmp_path / "d")
    made, left_over = target.made, DiskWriter(target).left_over

    def die_after(plans: Any) -> Any:
        for plan in plans:
            yield make_shard(plan)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        published(tmp_path / "d", blocks, make_shards=die_after)
    assert len(left_over()) == 2
    tars = sorted(made.glob("*.tar"))
    tars[0].write_bytes(flipped(tars[0].read_bytes(), 600))
    assert len(left_over()) == 1
    for record in made.glob("*.json"):
        record.write_bytes(record.read_bytes()[:40])
    assert left_over() == {}
    tars[1].write_bytes(b"")
    version = published(tmp_path / "d", blocks)
    assert tree(Path(version.path)) == tree(Path(published(tmp_path / "other", blocks).path))
