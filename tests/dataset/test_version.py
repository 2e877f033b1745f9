"""A version is read by a key, a table, a list: from whatever URL leads to it, and never believed unchecked."""

import hashlib
import json
import tarfile
import uuid
from pathlib import Path

import pyarrow.compute as pc
import pytest

from actor18m.dataset import Dataset, DatasetError, Version
from actor18m.errors import ActorError, WrongUsage
from actor18m.publish import history, publish
from tests.publish.killed import new, old
from tests.publish.material import FACTS, PIPELINE


@pytest.fixture(params=["disk", "objects"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of a dataset with two versions, of which the older one has a tag."""
    url = str(tmp_path / "d") if request.param == "disk" else f"memory://{uuid.uuid4().hex}/d"
    publish(url, old(), PIPELINE, FACTS)
    publish(url, new(), PIPELINE, FACTS)
    history.tag(url, "000001", "paper-v1")
    return url


def test_whatever_leads_to_a_version_opens_it(url: str) -> None:
    for name, number in {
        "": "000002",
        "/": "000002",
        "/latest": "000002",
        "/000001": "000001",
        "/paper-v1": "000001",
    }.items():
        version = Version.open(f"{url}{name}")
        assert (version.name, version.url) == (number, f"{url}/{number}")
    dataset = Dataset.at(url)
    assert (dataset.names(), dataset.latest(), dataset.tags()) == (
        ["000001", "000002"],
        "000002",
        {"paper-v1": "000001"},
    )


def test_a_version_that_is_open_stays_what_it_is(url: str) -> None:
    version = Version.open(url)
    before = version.urls()
    publish(url, old(), PIPELINE, FACTS)
    assert Version.open(url).name == "000003"
    assert (version.name, version.urls()) == ("000002", before)


def test_a_sample_is_what_the_shard_has(url: str) -> None:
    version = Version.open(url)
    clips = version.table("clips", ["clip", "shard", "sha256"])
    published = clips.filter(pc.is_valid(clips["shard"])).to_pylist()
    assert len(published) == 3
    for row in published:
        with (
            version.dataset.place.open(version.path(row["shard"])) as shard,
            tarfile.open(fileobj=shard) as tar,
        ):
            inside = {each.name: tar.extractfile(each) for each in tar.getmembers()}
            wanted = {name: file.read() for name, file in inside.items() if file and name.startswith(row["clip"])}
        found = version.sample(row["clip"])
        assert {f"{row['clip']}.{suffix}": content for suffix, content in found.items()} == wanted
        assert hashlib.sha256(found["mp4"]).hexdigest() == row["sha256"]
        assert json.loads(found["json"])["clip"] == row["clip"]


def test_what_is_not_there_is_a_sentence(url: str, tmp_path: Path) -> None:
    version = Version.open(url)
    rejected = version.table("clips").filter(pc.field("state") == "rejected")["clip"][0].as_py()
    for key in (rejected, "nobody", "nobody-face-00"):
        with pytest.raises(WrongUsage, match=f"has no clip and no image {key}"):
            version.sample(key)
    with pytest.raises(WrongUsage, match="has no table people; it has clips, decisions, inputs"):
        version.table("people")
    for nowhere in (tmp_path / "nowhere", f"memory://{uuid.uuid4().hex}"):
        with pytest.raises(WrongUsage, match="there is no version of a dataset at"):
            Version.open(nowhere)
    with pytest.raises(WrongUsage, match="has no version 000009; it has 000001, 000002"):
        Version.named(Dataset.at(url), "000009")


@pytest.mark.parametrize("bad", ["nowhere://x/y", "s3://key:secret-of-mine@bucket/d"])
def test_a_place_that_is_never_read_is_refused_without_its_secret(bad: str) -> None:
    with pytest.raises(DatasetError) as raised:
        Version.open(bad)
    assert "cannot open the dataset" in str(raised.value)
    assert "secret-of-mine" not in str(raised.value)


def test_damage_is_never_believed(url: str) -> None:
    version = Version.open(url)
    place = version.dataset.place
    key = version.table("clips", ["clip", "shard"]).filter(pc.field("shard").is_valid())["clip"][0].as_py()
    version.sample(key)
    for name in version.manifest.files:
        path = version.path(name)
        with place.near(path) as near:
            whole = near.read_bytes()
        broken = whole[:600] + bytes(byte ^ 1 for byte in whole[600:]) if len(whole) > 700 else whole[:-1]
        _overwrite(version, path, broken)
        with pytest.raises(DatasetError, match=name.rpartition("/")[2]):
            version.read(name)
        if name.startswith("metadata/clips"):
            with pytest.raises(DatasetError, match="is damaged"):
                Version.open(url).table("clips")
    with pytest.raises(DatasetError, match=r"\.tar is damaged: .*Build again"):
        version.sample(key)
    _overwrite(version, version.path("manifest.json"), version.content[:-2])
    with pytest.raises(ActorError, match=r"manifest\.json is missing or damaged"):
        Version.open(url).urls()


def _overwrite(version: Version, path: str, content: bytes) -> None:
    if version.dataset.place.links:
        (Path(version.dataset.url) / path).chmod(0o644)
        (Path(version.dataset.url) / path).write_bytes(content)
    else:
        version.dataset.place.replace(path, content, "")
