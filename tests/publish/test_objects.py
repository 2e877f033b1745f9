"""A dataset among objects: the same content as on disk, versions that share shards, and never half of one."""

import json
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from actor18m.dataset import Dataset, DatasetError, Version
from actor18m.errors import ActorError
from actor18m.publish import Made, Published, ShardPlan, diff, gc, history, make_shard, on_objects, publish
from actor18m.publish.target import target_of
from actor18m.storage import conditional
from actor18m.storage import lease as lease_module
from actor18m.storage.lease import hold
from actor18m.storage.objects import Objects
from actor18m.storage.store import make_store
from actor18m.verify.dataset import verify_dataset
from tests.publish.killed import new, old
from tests.publish.material import FACTS, PIPELINE, lot, sample, tree, video

CONTENT = ("videos/", "metadata/", "README.md", "pipeline.yaml")
"""What is the same wherever it lies."""


@pytest.fixture
def url() -> str:
    return f"memory://{uuid.uuid4().hex}/dataset"


def objects(url: str) -> dict[str, bytes]:
    """All below it, by name."""
    place = Objects(url)
    return {path: place.read(path) for path in place.names("")}


def published(url: str | Path, blocks: Any, **more: Any) -> Published:
    return publish(url, blocks, PIPELINE, FACTS, **more)


def content_of(url: str | Path) -> dict[str, bytes]:
    """Every file that a version's manifest names and that says nothing of places, read through its checks."""
    version = Version.open(url)
    return {name: version.read(name) for name in version.manifest.files if name.startswith(CONTENT)}


def findings(url: str) -> list[str]:
    """But that it has heard no words: these were published without a store."""
    return [str(each) for each in verify_dataset(url) if not each.path.endswith("/.words.json")]


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


class Killed(BaseException):
    """As if the process had gone: nothing tidies up behind it."""


def changes_until(at: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Objects lets so many changes through, and no more; how many came."""
    count = [0]
    for name in ("create", "replace", "overwrite", "delete"):
        plain = getattr(Objects, name)

        def dying(self: Objects, path: str, *given: Any, plain: Any = plain) -> Any:
            if not path.startswith("writers/"):
                count[0] += 1
                if count[0] > at:
                    raise Killed
            return plain(self, path, *given)

        monkeypatch.setattr(Objects, name, dying)
    return count


def test_a_publish_that_ends_at_any_change_leaves_the_old_or_the_new_and_is_completed_by_the_next(
    tmp_path: Path,
) -> None:
    def built(name: str) -> str:
        url = f"memory://{uuid.uuid4().hex}/{name}"
        published(url, old())
        return url

    whole = built("whole")
    with pytest.MonkeyPatch.context() as patch:
        moments = changes_until(1000, patch)
        published(whole, new())
    before, after = (content_of(f"{whole}/{name}") for name in ("000001", "000002"))
    seen = {"old": 0, "new": 0}
    for moment in range(moments[0]):
        url = built(f"killed-{moment}")
        with pytest.MonkeyPatch.context() as patch:
            changes_until(moment, patch)
            with pytest.raises(Killed):
                published(url, new())
        found = content_of(url)
        assert found in (before, after), moment
        seen["new" if found == after else "old"] += 1
        published(url, new())
        assert content_of(url) == after, moment
        assert findings(url) == [], moment
    print(f"ended at {moments[0]} changes: readers saw {seen}")
    assert seen["old"] > 8
    assert seen["new"] > 2


def test_shards_that_were_made_before_a_failure_are_used(url: str) -> None:
    def half(plans: Iterator[ShardPlan]) -> Iterator[Made]:
        yield make_shard(next(plans))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        published(url, old(), make_shards=half)
    assert Version.latest(Dataset.at(url)) is None
    assert [path for path in objects(url) if path.startswith(".building/made/")]
    resumed = published(url, old())
    assert (resumed.version, resumed.shards_made, resumed.shards_reused) == ("000001", 1, 1)
    assert not [path for path in objects(url) if path.startswith(".building/")]


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


def test_one_process_writes_at_a_time(url: str) -> None:
    with target_of(url).held(), pytest.raises(ActorError, match=r"another process writes to the dataset memory://.*on"):
        published(url, old())
    assert published(url, old()).version == "000001"


def test_who_lost_the_right_to_write_publishes_nothing(url: str) -> None:
    published(url, old())
    right = objects(url)

    def taken_over(plans: Iterator[ShardPlan]) -> Iterator[Made]:
        yield from map(make_shard, plans)
        last = max(path for path in objects(url) if path.startswith("writers/") and "beat" not in path)
        following = f"writers/{int(last[8:14]) + 1:06d}.json"
        Objects(url).create(following, objects(url)[last], "")

    with pytest.raises(ActorError, match=r"the dataset memory.* was taken over by"):
        published(url, new(), make_shards=taken_over)
    assert {path for path in objects(url) if path[0] in "0l"} == {path for path in right if path[0] in "0l"}


def meanwhile(
    url: str, blocks: Any, monkeypatch: pytest.MonkeyPatch, before: Callable[[str, str], bool]
) -> Callable[[], int]:
    """Another writer, which takes this one for dead though it lives, publishes `blocks` just before this one's request
    for a method and a path arrives. How often that came to pass.
    """
    count = [0]

    def takes_over(method: str, path: str) -> None:
        if not count[0] and before(method, path):
            count[0] += 1
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(lease_module, "_refuse_if_alive", lambda *given: None)
                published(url, blocks)

    for name in ("create", "replace", "delete"):
        plain = getattr(Objects, name)

        def late(self: Objects, path: str, *given: Any, name: str = name, plain: Any = plain) -> Any:
            takes_over(name, path)
            return plain(self, path, *given)

        monkeypatch.setattr(Objects, name, late)
    put_over = conditional.put_over

    def put_late(scheme: str, fs: Any, path: str, content: bytes, mark: str) -> None:
        takes_over("overwrite", path.rpartition("/")[2])
        put_over(scheme, fs, path, content, mark)

    monkeypatch.setattr(conditional, "put_over", put_late)
    return lambda: count[0]


@pytest.mark.parametrize(
    "moment",
    [
        ("replace", ".building/000002"),
        ("replace", "000002/README.md"),
        ("create", "000002/manifest.json"),
        ("overwrite", "latest"),
    ],
    ids=lambda moment: f"{moment[0]} {moment[1]}",
)
def test_what_a_writer_that_was_taken_over_sent_before_and_arrives_later_changes_no_version(
    moment: tuple[str, str], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(url, old())
    other = [*old(), lot(2, [video(sample("talk_yaw_1"))])]
    wanted = content_of(published(f"memory://{uuid.uuid4().hex}/other", other).path)
    came = meanwhile(url, other, monkeypatch, lambda *request: request == moment)
    with pytest.raises(ActorError, match="was taken over by"):
        published(url, new())
    monkeypatch.undo()
    assert came() == 1
    assert content_of(url) == wanted
    assert not [each for each in verify_dataset(url) if each.kind != "foreign" and ".words" not in each.path]
    gc(url, keep=9)
    assert findings(url) == []
    assert content_of(url) == wanted
    assert published(url, new()).is_new
    assert findings(url) == []


def shard_of_the_first_alone(url: str) -> str:
    """Of two versions."""
    published(url, old())
    published(url, new())
    first, second = ({*Version(Dataset.at(url), name).manifest.recipes} for name in ("000001", "000002"))
    (shard,) = first - second
    return shard


def test_a_shard_that_a_writer_which_was_taken_over_removes_from_the_version_of_who_took_over_is_told_and_made_again(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its name is of its content, so that an old shard and a new one may have the same. No condition on a removal tells
    them apart: their bytes are the same, too.
    """
    shard = shard_of_the_first_alone(url)
    wanted = content_of(f"{url}/000001")
    came = meanwhile(url, old(), monkeypatch, lambda *request: request == ("delete", shard))
    with pytest.raises(ActorError, match="was taken over by"):
        gc(url, keep=1)
    monkeypatch.undo()
    assert came() == 1
    assert Dataset.at(url).latest() == "000003"
    assert [each for each in findings(url) if shard in each and "is missing" in each]
    healed = published(url, old())
    assert (healed.version, healed.shards_made) == ("000004", 1)
    assert content_of(url) == wanted
    assert findings(url) == []


def test_no_version_is_published_whose_shard_was_removed_since_it_was_made(url: str) -> None:
    shard = shard_of_the_first_alone(url)
    assert shard in gc(url, keep=1)
    right = content_of(url)

    def removed(plans: Iterator[ShardPlan]) -> Iterator[Made]:
        yield from map(make_shard, plans)
        Objects(url).delete(shard)

    with pytest.raises(DatasetError, match=f"{shard} has gone since it was made"):
        published(url, old(), make_shards=removed)
    assert Dataset.at(url).names() == [Dataset.at(url).latest()] == ["000002"]
    assert content_of(url) == right
    again = published(url, old())
    assert (again.is_new, again.shards_made) == (True, 1)
    assert shard in Version.open(url).manifest.recipes
    assert findings(url) == []


def test_when_nothing_can_be_under_way_any_more_gc_forgets_that_a_number_was_given_up(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(url, old())
    with pytest.MonkeyPatch.context() as patch:
        changes_until(3, patch)
        with pytest.raises(Killed):
            published(url, new())
    Objects(url).create(".building/000002", b"", "")
    published(url, new())
    assert objects(url)["000002/manifest.json"] == b""
    assert Dataset.at(url).names() == ["000001", "000003"]
    assert gc(url, keep=9) == []
    monkeypatch.setattr(on_objects, "_UNDER_WAY_S", -1.0)
    assert gc(url, keep=9) == ["000002/manifest.json"]
    assert Dataset.at(url).names() == ["000001", "000003"]


def test_a_place_of_other_things_is_left_alone(url: str) -> None:
    Objects(url).create("notes.txt", b"", "")
    for refuse in (lambda: published(url, old()), target_of(url).check_usable):
        with pytest.raises(DatasetError, match="is not empty and is no dataset"):
            refuse()
    assert objects(url) == {"notes.txt": b""}


def test_usable_is_tried_and_leaves_nothing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    target_of(url).check_usable()
    assert objects(url) == {}
    Objects(url).create(".trial-of-a-killed-build", b"", "")
    target_of(url).check_usable()

    def refuse(self: Objects, path: str, content: bytes, aside: str) -> None:
        raise PermissionError(13, "Access Denied")

    monkeypatch.setattr(Objects, "create", refuse)
    with pytest.raises(DatasetError, match=r"cannot be written.*Access Denied"):
        target_of(url).check_usable()


def test_what_a_driver_asked_twice_for_is_written_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer to the first time was lost, and to the second time the place says that the name is taken."""
    create = Objects.create

    def twice(self: Objects, path: str, content: bytes, aside: str) -> None:
        create(self, path, content, aside)
        create(self, path, content, aside)

    monkeypatch.setattr(Objects, "create", twice)
    target_of(url).check_usable()
    assert published(url, old()).version == "000001"
    assert published(url, new()).version == "000002"
    with hold(make_store(f"memory://{uuid.uuid4().hex}")) as lease:
        assert lease.create("a/b", b"c") is False, "it is there"
        assert lease.epoch == 1


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
