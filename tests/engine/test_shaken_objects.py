"""Whole builds with inputs, store and dataset on S3 while requests go wrong: to the same bytes as on a disk."""

import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import fsspec
import pytest
import webdataset
from webdataset.gopen import gopen_schemes

from actor18m.dataset import Version
from actor18m.samples.shipped import SHIPPED
from actor18m.verify.dataset import verify_dataset
from tests.engine import drawing
from tests.engine.faults import Faults, Killer
from tests.engine.faulty import Fault, Faulty
from tests.engine.films import film
from tests.engine.site import Site

TEXTS = ("a tale of two", "three small words", "one", "plums and apples", "the end")


@pytest.fixture
def bucket(proxy: Faulty) -> str:
    """With films in it."""
    name = f"b{uuid4().hex}"
    fs: Any = fsspec.filesystem("s3")
    fs.mkdir(name)
    for number, text in enumerate(TEXTS):
        fs.pipe_file(f"{name}/videos/film{number}.mp4", film(text, pictures=4 + number))
    return name


def content_of(url: str | Path) -> dict[str, bytes]:
    """Of a version, what is the same wherever it lies: lists of shards are not."""
    version = Version.open(url)
    return {name: version.read(name) for name in version.manifest.files if not name.endswith(".urls")}


def build(site: Site, bucket: str, store: str, dataset: str) -> Any:
    (site.root / "drawing.yaml").write_text(drawing.PIPELINE)
    where = ("--store", store, "--dataset", dataset)
    return site.bare("build", str(site.root / "drawing.yaml"), "--input", f"s3://{bucket}/videos", *where)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_build_of_all_on_s3_through_faults_of_every_kind_makes_the_bytes_of_a_disk(
    seed: int, site: Site, proxy: Faulty, bucket: str
) -> None:
    begun = time.monotonic()
    here = build(site, bucket, str(site.root / "store"), str(site.root / "dataset"))
    assert here.exit_code == 0, here.output + here.stderr
    calm, store, dataset = Faults(seed, {}), f"s3://{bucket}/calm/store", f"s3://{bucket}/calm/dataset"
    proxy.fault, on_disk_s, begun = calm, time.monotonic() - begun, time.monotonic()
    assert build(site, bucket, store, dataset).exit_code == 0
    faults, store, dataset = Faults(seed), f"s3://{bucket}/shaken/store", f"s3://{bucket}/shaken/dataset"
    proxy.fault, calm_s, begun = faults, time.monotonic() - begun, time.monotonic()
    there = build(site, bucket, store, dataset)
    shaken_s = time.monotonic() - begun
    again = build(site, bucket, store, dataset)
    proxy.fault = Faults(seed, {})
    assert there.exit_code == again.exit_code == 0, there.output + there.stderr + again.stderr
    assert "(as before; 0 shards made, 2 reused)" in again.output
    wanted, found = content_of(site.root / "dataset"), content_of(dataset)
    differing = [name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name)]
    print(f"\n{faults}\non disk {on_disk_s:.1f} s; on S3 {calm_s:.1f} s with {calm.asked.total()} requests, through")
    print(f"faults {shaken_s:.1f} s; {len(wanted)} files, {len(differing)} differ")
    assert differing == []
    here_says, there_says = (Version.open(each).manifest for each in (site.root / "dataset", dataset))
    assert here_says.recipes == there_says.recipes
    assert sum(name.endswith(".tar") for name in wanted) == 2
    assert faults.total > 20
    assert [str(each) for each in verify_dataset(dataset)] == []
    assert "all is well" in site.bare("verify", store, dataset).output


def test_faults_are_drawn_by_the_seed_and_counted_whoever_asks_first() -> None:
    heads = [f"{method} /bucket/a/{n} HTTP/1.1\r\n".encode() for method in ("PUT", "GET") for n in range(200)]
    one, other = Faults(7), Faults(7)
    drawn = {head: one(head) for head in heads}
    assert {head: other(head.replace(b"/bucket/", b"/b2/")) for head in reversed(heads)} == drawn
    assert one.injected == other.injected
    assert {fault for _, fault in one.injected} == {"busy", "lost", "cut", "slow", "late"}
    assert one.total == sum(fault != "none" for fault in drawn.values())
    assert {head: Faults(8)(head) for head in heads} != drawn


@pytest.mark.slow
def test_a_build_killed_again_and_again_on_s3_through_faults_ends_with_the_bytes_of_a_disk(
    site: Site, proxy: Faulty, bucket: str
) -> None:
    assert build(site, bucket, str(site.root / "store"), str(site.root / "dataset")).exit_code == 0
    store, dataset, kills = f"s3://{bucket}/killed/store", f"s3://{bucket}/killed/dataset", 0
    given = ("--input", f"s3://{bucket}/videos", "--store", store, "--dataset", dataset)
    lasts: tuple[Fault, ...] = ("none", "late", "busy")
    for moment in (3, 8, 14, 21, 29, 38, 48):
        killer = Killer(Faults(moment), moment, lasts[moment % 3])
        process = replace(site, pipeline=drawing.PIPELINE).start("build", *given)
        killer.pid, proxy.fault = process.pid, killer
        _, said = process.communicate(timeout=300)
        assert process.returncode in (0, -signal.SIGKILL), said
        kills += killer.killed
    proxy.fault = Faults(1)
    assert build(site, bucket, store, dataset).exit_code == 0
    proxy.fault = Faults(1, {})
    print(f"\n{kills} builds killed")
    assert kills >= 4
    assert content_of(dataset) == content_of(site.root / "dataset")
    assert "all is well" in site.bare("verify", store, dataset).output


def inputs_of(dataset: str | Path) -> list[dict[str, Any]]:
    """Without their ids."""
    rows: list[dict[str, Any]] = Version.open(dataset).table("inputs").drop_columns(["id"]).to_pylist()
    return rows


def by_webdataset(dataset: str | Path, folder: str) -> list[dict[str, Any]]:
    """Every sample of the shards that the version's list names, in its order."""
    loaded = webdataset.WebDataset(Version.open(dataset).urls(folder), shardshuffle=False)
    return [{name: each[name] for name in each if name == "__key__" or name[0] != "_"} for each in loaded]


@pytest.mark.slow
def test_the_demo_on_s3_through_faults_has_the_bytes_of_a_demo_on_a_disk(
    embedded_models: None, site: Site, proxy: Faulty, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that `make demo` takes, through all stages and into all subsets, with real models. Its inputs lie on S3, too:
    a dataset for others tells names alone, so that but for the ids of inputs, which are of places, all is the same.
    """
    inputs, picked = site.root / "inputs", Path(__file__).parents[2] / "scripts" / "demo_inputs.sh"
    subprocess.run([picked, SHIPPED, inputs], check=True)
    fs: Any = fsspec.filesystem("s3")
    for each in inputs.iterdir():
        fs.put_file(str(each), f"{bucket}/clips/{each.name}")

    pipeline = site.root / "demo.yaml"
    pipeline.write_text("extends: embedded\nname: demo\npublish: {uris: names}\n")

    def demo(clips: str, store: str, dataset: str) -> Any:
        return site.bare("build", str(pipeline), "--input", clips, "--store", store, "--dataset", dataset)

    here = demo(str(inputs), str(site.root / "store"), str(site.root / "dataset"))
    assert here.exit_code == 0, here.output + here.stderr
    assert "inputs: 13 (13 added)" in here.output
    proxy.fault = faults = Faults(21)
    store, dataset, begun = f"s3://{bucket}/demo/store", f"s3://{bucket}/demo/dataset", time.monotonic()
    there = demo(f"s3://{bucket}/clips", store, dataset)
    shaken_s = time.monotonic() - begun
    proxy.fault = Faults(21, {})
    assert there.exit_code == 0, there.output + there.stderr
    wanted, found = content_of(site.root / "dataset"), content_of(dataset)
    differing = [name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name)]
    print(f"\n{faults}\n{shaken_s:.0f} s; {len(wanted)} files, {len(differing)} differ")
    assert differing == ["metadata/inputs/part-000000.parquet"]
    assert inputs_of(site.root / "dataset") == inputs_of(dataset)
    assert {fault for _, fault in faults.injected} == {"busy", "lost", "cut", "slow", "late"}
    monkeypatch.setitem(gopen_schemes, "s3", lambda each, mode, bufsize, **given: fsspec.open(each, mode).open())
    for folder in ("videos", "subset-A", "subset-B", "subset-C"):
        samples = by_webdataset(dataset, folder)
        print(f"{folder}: webdataset reads {len(samples)} samples")
        assert samples == by_webdataset(site.root / "dataset", folder) != []
    assert "all is well" in site.bare("verify", store, dataset).output
