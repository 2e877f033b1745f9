"""A dataset on S3, read with what the README says, and by HTTP without this package."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urljoin
from urllib.request import urlopen
from uuid import uuid4

import duckdb
import fsspec
import pytest
import webdataset
from webdataset.gopen import gopen_schemes

from actor18m.dataset import Version
from tests.engine import drawing
from tests.engine.faulty import Faulty
from tests.engine.site import Site

README = (Path(__file__).parents[2] / "README.md").read_text()
URL = "s3://bucket/dataset"


@pytest.fixture(autouse=True)
def schemes() -> Iterator[None]:
    """As they were, afterwards."""
    before = dict(gopen_schemes)
    yield
    gopen_schemes.clear()
    gopen_schemes.update(before)
    for name in duckdb.list_filesystems():
        duckdb.unregister_filesystem(name)


@pytest.fixture
def dataset(site: Site, proxy: Faulty) -> str:
    """With films, and images of subset A."""
    site = replace(site, pipeline=drawing.PIPELINE)
    site.put({f"film{number}": text for number, text in enumerate(("a tale of two", "three small words", "one"))})
    site.build()
    fs: Any = fsspec.filesystem("s3")
    fs.mkdir(bucket := f"b{uuid4().hex}")
    url = f"s3://{bucket}/dataset"
    told = site.bare("build", str(site.root / "steady.yaml"), "--store", str(site.root / "store"), "--dataset", url)
    assert told.exit_code == 0, told.output + told.stderr
    return url


def published(version: Version, folder: str) -> dict[str, dict[str, bytes]]:
    """Files of each sample, by its key: each was compared with its row of the table."""
    table, key = ("clips", "clip") if folder == "videos" else ("references", "key")
    rows = version.table(table, [key, "shard"]).to_pylist()
    return {row[key]: version.sample(row[key]) for row in rows if row["shard"]}


@pytest.mark.slow
def test_the_code_of_the_readme_reads_it(dataset: str, capsys: pytest.CaptureFixture[str]) -> None:
    section = README.partition("### In an object store")[2].partition("\n## ")[0]
    shards, tables = re.findall(r"^```py\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    exec(shards.replace(URL, dataset), {})
    version = Version.open(dataset)
    lines = [line.split(" ")[0] for line in capsys.readouterr().out.splitlines()]
    assert sorted(lines) == sorted(published(version, "videos"))
    found: dict[str, Any] = {}
    exec(tables.replace(URL, dataset), found)
    told = capsys.readouterr().out
    assert told.count("accepted") >= 2
    assert told.splitlines()[-1] == str(version.table("clips").num_rows)
    clips = found["duckdb"].sql(f"SELECT clip, mp4_offset FROM '{found['version']}/metadata/clips/*.parquet'")
    assert sorted(clips.fetchall()) == sorted(
        (row["clip"], row["mp4_offset"]) for row in version.table("clips", ["clip", "mp4_offset"]).to_pylist()
    )


@pytest.mark.slow
@pytest.mark.parametrize("is_signed", [False, True], ids=["open", "signed"])
def test_by_http_a_loader_finds_the_shards_by_latest_and_the_lists(
    is_signed: bool, dataset: str, proxy: Faulty
) -> None:
    fs: Any = fsspec.filesystem("s3")
    if not is_signed:
        fs.chmod(dataset, "public-read", recursive=True)
    base = dataset.replace("s3://", f"http://127.0.0.1:{proxy.port}/") + "/"

    def address(path: str) -> str:
        return str(fs.sign(path.replace(base, f"{dataset}/"), expiration=600)) if is_signed else path

    def read(path: str) -> bytes:
        with urlopen(address(path)) as answer:
            content: bytes = answer.read()
        return content

    root = urljoin(base, f"{read(urljoin(base, 'latest')).decode().strip()}/")
    files, version = json.loads(read(urljoin(root, "manifest.json")))["files"], Version.open(dataset)
    for folder in ("videos", "subset-A"):
        shards = [urljoin(root, line) for line in read(urljoin(root, f"{folder}.urls")).decode().splitlines()]
        for shard in shards:
            assert sha256(read(shard)).hexdigest() == files[shard.removeprefix(base)]["sha256"]
        loaded = webdataset.WebDataset([address(shard) for shard in shards], shardshuffle=False)
        samples = {
            each["__key__"]: {name: content for name, content in each.items() if not name.startswith("__")}
            for each in loaded
        }
        assert samples == published(version, folder)
        assert len(samples) >= 2
