from pathlib import Path

import pytest

from actor18m.errors import ActorError
from actor18m.publish import diff, gc, publish
from tests.publish.killed import new, old
from tests.publish.material import FACTS, PIPELINE, tree


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """With three versions: old, new, old again."""
    publish(tmp_path / "d", old(), PIPELINE, FACTS)
    publish(tmp_path / "d", new(), PIPELINE.replace("0.4", "0.5"), FACTS | {"intake": "f" * 16})
    publish(tmp_path / "d", old(), PIPELINE, FACTS)
    return tmp_path / "d"


def test_gc_removes_old_versions_and_leaves_what_others_share(dataset: Path) -> None:
    kept = tree(dataset / "000003")
    before = tree(dataset)
    assert gc(dataset, keep=1, dry_run=True) == ["000001", "000002"]
    assert tree(dataset) == before
    assert gc(dataset, keep=1) == ["000001", "000002"]
    assert tree(dataset) == {
        **{f"000003/{name}": content for name, content in kept.items()},
        "latest": "000003",
        ".lock": b"",
    }
    assert gc(dataset, keep=1) == []
    assert publish(dataset, new(), PIPELINE, FACTS).version == "000004"


def test_gc_removes_what_a_killed_publish_left(dataset: Path) -> None:
    (dataset / ".building" / "made").mkdir(parents=True)
    assert gc(dataset, keep=3) == [".building"]
    assert not list(dataset.glob(".b*"))


def test_gc_keeps_something(dataset: Path) -> None:
    with pytest.raises(ActorError, match="at least 1"):
        gc(dataset, keep=0)
    with pytest.raises(ActorError, match="no dataset"):
        gc(dataset / "elsewhere", keep=1)
    assert not (dataset / "elsewhere").exists()


def test_diff_says_what_moved_and_why(dataset: Path) -> None:
    changed = diff(dataset, "000001", "000002")
    rule = "identity.mean_similarity"
    assert changed["moved"] == [{"from": "accepted", "to": "rejected", "rule": rule, "clips": 1}]
    assert (changed["added"], changed["removed"]) == ({"accepted": 1}, {})
    assert changed["shards"]["same"] == 1
    assert [name[:29] for name in changed["shards"]["removed"]] == ["videos/actor18m-videos-000000"]
    assert [name[23:29] for name in changed["shards"]["added"]] == ["000000", "000002"]
    assert changed["facts"] == {"intake": ["0123456789abcdef", "f" * 16]}
    assert changed["pipeline"] == [
        "@@ -2 +2 @@",
        "-  identity.mean_similarity: {at_least: 0.4}",
        "+  identity.mean_similarity: {at_least: 0.5}",
    ]
    back = diff(dataset, "000002", "latest")
    assert back["moved"] == [{"from": "rejected", "to": "accepted", "rule": rule, "clips": 1}]
    assert (back["added"], back["removed"]) == ({}, {"accepted": 1})
    assert diff(dataset, "000001", "000003")["moved"] == []


def test_diff_names_the_versions_that_there_are(dataset: Path) -> None:
    with pytest.raises(ActorError, match="no version 000009; it has 000001, 000002, 000003"):
        diff(dataset, "000009", "latest")


def test_a_version_that_was_whole_at_a_death_becomes_the_latest(dataset: Path) -> None:
    (dataset / "latest").unlink()
    (dataset / "latest").symlink_to("000002")
    done = publish(dataset, old(), PIPELINE, FACTS)
    assert (done.version, done.is_new) == ("000003", False)
    assert (dataset / "latest").readlink() == Path("000003")
