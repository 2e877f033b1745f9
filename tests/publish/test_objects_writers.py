"""Who writes a dataset among objects: one at a time, and whoever dies, or is taken over, leaves the old or the new."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from actor18m.dataset import Dataset, DatasetError, Version
from actor18m.errors import ActorError
from actor18m.publish import Made, ShardPlan, gc, make_shard, on_objects
from actor18m.publish.targets import target_of
from actor18m.storage import conditional
from actor18m.storage import lease as lease_module
from actor18m.storage.lease import hold
from actor18m.storage.objects import Objects
from actor18m.storage.store import make_store
from actor18m.verify.dataset import verify_dataset
from tests.publish.in_objects import content_of, findings, objects, published
from tests.publish.killed import new, old
from tests.publish.material import lot, sample, video


@pytest.fixture
def url() -> str:
    return f"memory://{uuid.uuid4().hex}/dataset"


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
