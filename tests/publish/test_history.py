from pathlib import Path

import pytest

from actor18m.errors import ActorError
from actor18m.publish import gc, history, publish
from tests.publish.killed import new, old
from tests.publish.material import FACTS, PIPELINE, tree


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """With two versions: old, and new."""
    publish(tmp_path / "d", old(), PIPELINE, FACTS)
    publish(tmp_path / "d", new(), PIPELINE, FACTS)
    return tmp_path / "d"


def test_versions_are_listed_with_what_is_in_them(dataset: Path) -> None:
    first, second = history.listed(dataset)
    assert (first.version, first.is_latest, second.version, second.is_latest) == ("000001", False, "000002", True)
    for each in (first, second):
        folder = dataset / each.version
        assert each.shards == len(list(folder.rglob("*.tar")))
        assert (
            each.bytes
            == sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
            - (folder / "manifest.json").stat().st_size
        )
        assert each.videos > 0
    assert history.listed(dataset.parent / "none") == []


def test_a_tagged_version_is_kept_and_read_by_its_name(dataset: Path) -> None:
    assert history.tag(dataset, "000001", "paper-v1") == "000001"
    assert (dataset / "paper-v1" / "manifest.json").samefile(dataset / "000001" / "manifest.json")
    assert history.listed(dataset)[0].tags == ("paper-v1",)
    publish(dataset, old(), PIPELINE, FACTS)
    assert gc(dataset, keep=1) == ["000002"]
    assert history.tag(dataset, "paper-v1", "first") == "000001"
    assert history.untag(dataset, "paper-v1") == "000001"
    assert gc(dataset, keep=1) == []
    history.untag(dataset, "first")
    assert gc(dataset, keep=1) == ["000001"]


@pytest.mark.parametrize("name", ["latest", "000009", "../up", "A", ".lock", "a/b", ""])
def test_a_tag_is_a_plain_name(name: str, dataset: Path) -> None:
    before = tree(dataset)
    with pytest.raises(ActorError, match="cannot be a tag"):
        history.tag(dataset, "000001", name)
    assert tree(dataset) == before


def test_an_older_version_comes_back_as_the_next_one(dataset: Path) -> None:
    first = tree(dataset / "000001")
    assert history.restore(dataset, "000001") == "000003"
    assert tree(dataset / "latest") == first
    assert (dataset / "000003" / "manifest.json").samefile(dataset / "000001" / "manifest.json"), "nothing is copied"
    assert sorted(path.name for path in dataset.iterdir() if path.name[0] == "0") == ["000001", "000002", "000003"]
    with pytest.raises(ActorError, match="is the latest"):
        history.restore(dataset, "latest")
    with pytest.raises(ActorError, match="has no version 000009"):
        history.restore(dataset, "000009")
    assert publish(dataset, new(), PIPELINE, FACTS).version == "000004", "and a build goes on from there"
