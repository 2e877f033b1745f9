"""A dataset among objects: the same content as on disk, versions that share shards, and never half of one."""

import json
import shutil
import uuid
from pathlib import Path
from typing import Any

import fsspec
import pytest

from actor18m.dataset import Dataset, DatasetError, Version
from actor18m.errors import ActorError
from actor18m.publish import diff, gc, history
from actor18m.publish.targets import target_of
from actor18m.storage.objects import Objects
from actor18m.verify.dataset import verify_dataset
from tests.publish.in_objects import content_of, findings, objects, published
from tests.publish.killed import new, old
from tests.publish.material import lot, sample, tree, video


@pytest.fixture
def url() -> str:
    return f"memory://{uuid.uuid4().hex}/dataset"


def test_what_is_published_is_the_same_as_on_disk(url: str, tmp_path: Path) -> None:
    for blocks in (old(), new()):
        here, there = published(tmp_path / "d", blocks), published(url, blocks)
        assert (there.version, there.shards_made, there.shards_reused, there.is_new) == (
            here.version,
            here.shards_made,
            here.shards_reused,
            here.is_new,
        )
        assert there.path == f"{url}/{there.version}"
        assert content_of(url) == content_of(tmp_path / "d")
        assert findings(url) == []
    assert not published(url, new()).is_new
    assert len(content_of(url)) == 8
    ours, theirs = (Version.open(each).manifest for each in (tmp_path / "d", url))
    assert (ours.files.keys(), ours.recipes) == (theirs.files.keys(), theirs.recipes)


def test_versions_share_shards_and_say_where_they_are(url: str) -> None:
    published(url, old())
    published(url, new())
    there = objects(url)
    versions = [Version(Dataset.at(url), name) for name in ("000001", "000002")]
    shards = [set(version.manifest.recipes) for version in versions]
    assert shards[0] & shards[1], "one is as before"
    assert {path for path in there if path.endswith(".tar")} == shards[0] | shards[1]
    assert not any(path.endswith(".tar") for path in there if path.startswith("0"))
    assert there["latest"] == b"000002\n"
    for version in versions:
        lines = there[f"{version.name}/videos.urls"].decode().splitlines()
        assert lines == [f"../{name}" for name in sorted(version.manifest.recipes)]
        assert version.urls("videos") == [f"{url}/{name}" for name in sorted(version.manifest.recipes)]


def test_the_lists_of_shards_lead_to_them_on_disk_too(tmp_path: Path) -> None:
    version = Path(published(tmp_path / "d", new()).path)
    lines = (version / "videos.urls").read_text().splitlines()
    assert [str(version / line) for line in lines] == Version.open(tmp_path / "d").urls("videos")
    assert all((version / line).is_file() for line in lines)
    assert len(lines) == 3


def test_what_was_made_is_not_made_again_and_its_sources_may_go(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = published(url, old())
    read: list[str] = []
    plain = Objects.open

    def counted(self: Objects, path: str) -> Any:
        read.append(path)
        return plain(self, path)

    monkeypatch.setattr(Objects, "open", counted)
    again = published(url, old())
    assert (again.version, again.is_new, again.shards_made) == (first.version, False, 0)
    assert not [path for path in read if path.endswith(".tar")], "what nobody wrote to is not hashed"
    read.clear()
    Objects(url).delete(".hashed.json")
    assert not published(url, old()).is_new
    assert {path for path in read if path.endswith(".tar")} == set(Version.open(url).manifest.recipes)


def test_commands_know_its_versions(url: str) -> None:
    published(url, old())
    assert history.tag(url, "000001", "paper-v1") == "000001"
    published(url, new())
    assert [(each.version, each.is_latest, each.tags, each.shards) for each in history.listed(url)] == [
        ("000001", False, ("paper-v1",), 2),
        ("000002", True, (), 3),
    ]
    changed = diff(url, "paper-v1", "latest")
    assert (changed["shards"]["same"], changed["moved"][0]["to"]) == (1, "rejected")
    assert history.restore(url, "paper-v1") == "000003"
    assert Version.open(url).content == Version.open(f"{url}/paper-v1").content
    assert findings(url) == []
    assert published(url, new()).version == "000004"
    with pytest.raises(ActorError, match="is there already, and is no tag"):
        history.tag(url, "latest", "dataset.json")
    assert history.untag(url, "paper-v1") == "000001"
    with pytest.raises(ActorError, match="has no tag paper-v1"):
        history.untag(url, "paper-v1")


def test_gc_removes_old_versions_and_the_shards_that_none_has_any_more(url: str) -> None:
    published(url, old())
    published(url, new())
    published(url, old())
    Objects(url).create("videos/actor18m-videos-000000-orphan.tar", b"left by a killed publish", "")
    wanted = content_of(url)
    before = objects(url)
    said = gc(url, keep=1, dry_run=True)
    assert objects(url) == before
    only_in_new = set(Version.open(f"{url}/000002").manifest.recipes) - set(Version.open(url).manifest.recipes)
    assert only_in_new
    assert said == ["000001", "000002", *sorted({*only_in_new, "videos/actor18m-videos-000000-orphan.tar"})]
    assert any("is in no version" in each for each in findings(url))
    assert gc(url, keep=1) == said
    assert content_of(url) == wanted
    assert gc(url, keep=1) == []
    assert findings(url) == []
    assert published(url, new()).version == "000004"


def test_damage_is_found_told_and_mended(url: str, caplog: pytest.LogCaptureFixture) -> None:
    published(url, old())
    right = content_of(url)
    for name in [*right, "videos.urls"]:
        path = Version.open(url).path(name)
        whole = Objects(url).read(path)
        Objects(url).replace(path, whole[:-3] + bytes([whole[-3] ^ 1]) + whole[-2:], "")
        assert {each.path: each.kind for each in verify_dataset(url)}[f"{url}/{path}"] == "damaged"
        caplog.clear()
        assert published(url, old()).is_new
        assert f"{url}/{path}" in caplog.text
        assert content_of(url) == right


def test_what_is_gone_is_made_again(url: str) -> None:
    published(url, old())
    right = content_of(url)
    (shard, *_) = Version.open(url).manifest.recipes
    Objects(url).delete(shard)
    (found,) = findings(url)
    assert f"{shard} is missing" in found
    healed = published(url, old())
    assert (healed.is_new, healed.shards_made) == (True, 1)
    assert content_of(url) == right


def test_a_clip_that_cannot_be_had_is_left_out_and_no_shard_is_made_twice(
    url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gone = Path(shutil.copy(sample("one_second_1"), tmp_path / "gone.mp4"))
    blocks = [*old(), lot(2, [video(gone), video(sample("nobody_2"))])]
    gone.unlink()
    for each in (tmp_path / "d", url):
        published(each, old())
    here, there = published(tmp_path / "d", blocks), published(url, blocks)
    assert there.left_out.keys() == here.left_out.keys() != set()
    assert there.shards_made == here.shards_made == 1
    assert content_of(url) == content_of(tmp_path / "d")
    assert "is made again" not in caplog.text


def test_a_place_of_other_things_is_left_alone(url: str) -> None:
    Objects(url).create("notes.txt", b"", "")
    for refuse in (lambda: published(url, old()), target_of(url).check_usable):
        with pytest.raises(DatasetError, match="is not empty and is no dataset"):
            refuse()
    assert objects(url) == {"notes.txt": b""}


def test_usable_is_tried_and_leaves_nothing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    target_of(url).check_usable()
    assert objects(url) == {}
    with monkeypatch.context() as stubborn:
        stubborn.setattr(Objects, "delete", lambda self, path: None)
        with pytest.raises(DatasetError, match="a deleted file is still there"):
            target_of(url).check_usable()
    assert len(objects(url)) == 1, "of a request that arrived too late, or of a build that was killed"
    target_of(url).check_usable()
    assert published(url, old()).version == "000001"
    assert [str(found) for found in verify_dataset(url) if "trial" in str(found)] == []
    gc(url, keep=1)
    assert not any("trial" in path for path in objects(url))

    def refuse(self: Objects, path: str, content: bytes, aside: str) -> None:
        raise PermissionError(13, "Access Denied")

    monkeypatch.setattr(Objects, "create", refuse)
    with pytest.raises(DatasetError, match=r"cannot be written.*Access Denied"):
        target_of(url).check_usable()


def test_a_copy_of_a_version_on_disk_reads_the_same_from_objects(tmp_path: Path, url: str) -> None:
    """What the manifest says of places holds, whatever kind of place it is."""
    folder = Path(published(tmp_path / "d", new()).path)
    for path in folder.rglob("*"):
        if path.is_file():
            Objects(url).create(f"copy/{path.relative_to(folder)}", path.read_bytes(), "")
    assert content_of(f"{url}/copy") == content_of(folder)
    assert Version.open(f"{url}/copy").urls() == [
        f"{url}/copy/{name}" for name in sorted(Version.open(folder).manifest.recipes)
    ]


def test_what_a_reader_needs_without_this_package(url: str) -> None:
    """As README.md tells it: `latest` names the version, and its lists lead to the shards."""
    published(url, new())
    fs = fsspec.filesystem("memory")
    root = url.removeprefix("memory:/")
    version = fs.cat_file(f"{root}/latest").decode().strip()
    manifest = json.loads(fs.cat_file(f"{root}/{version}/manifest.json"))
    for line in fs.cat_file(f"{root}/{version}/videos.urls").decode().splitlines():
        assert fs.exists(f"{root}/{line.removeprefix('../')}")
    assert manifest["shards"] == ".."


def test_on_disk_everything_is_as_it_was(tmp_path: Path) -> None:
    published(tmp_path / "d", old())
    names = set(tree(tmp_path / "d" / "latest"))
    assert {"videos.urls", "manifest.json", "README.md", "pipeline.yaml"} < names
    assert (tmp_path / "d" / "latest").is_symlink()
