"""Whatever is given, the driver lives, every input ends in one state, and no name becomes a path."""

import csv
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_args

import av
import duckdb
import pytest

from actor18m.catalog.register import Register
from actor18m.catalog.sources import find_inputs
from actor18m.inputs import local_path
from actor18m.media.source import Kind
from actor18m.samples.shipped import SHIPPED
from actor18m.storage.lease import hold
from actor18m.storage.store import make_store
from tests.engine.mutants import boxes, mutants
from tests.media.films import sound_only

ROOT = Path(__file__).parents[2]
INTAKE = """\
name: hostile
profile: embedded
stages:
  - stage: stages.intake:Intake
policy:
  intake:
    duration: {value: duration_s, at_least: 2, at_most: 60}
    short_side: {at_least: 256}
"""
RUNS = 5
"""So often a build may be killed by what it reads, and is run again."""
PATIENCE_S = 3600
KINDS = {*get_args(Kind), "killed", "hung", "out_of_memory"}
PUBLISHED = re.compile(
    r"README\.md|manifest\.json|pipeline\.yaml|(videos|subset-A)\.urls"
    r"|(videos/actor18m-videos|subset-A/actor18m-A)-\d{6}-[0-9a-f]{16}\.tar|metadata/(inputs|clips|decisions|aliases|references)/(part|A)-\d{6}\.parquet"
)
SAMPLE = re.compile(r"[0-9a-f]{20}(\.(mp4|json)|-(face|body)-self-\d\d\.(webp|mask\.png|json))")


def actor18m(root: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    program = [sys.executable, "-c", "from actor18m.cli.app import app; app()", *arguments]
    return subprocess.run(
        [*program, str(root / "pipeline.yaml"), "--store", str(root / "store")],
        cwd=ROOT, capture_output=True, text=True, errors="replace", timeout=PATIENCE_S, check=False,
    )  # fmt: skip


def build(root: Path, pipeline: str, *arguments: str, code: int = 0) -> None:
    """The same command until it ends with this code: a decoder may kill the driver, and nothing else may stop it."""
    (root / "pipeline.yaml").write_text(pipeline)
    for _ in range(RUNS):
        done = actor18m(root, "build", "--dataset", str(root / "dataset"), "--max-failed", "1", *arguments)
        if done.returncode == code:
            return
        assert done.returncode < 0, done.stderr
    pytest.fail(f"was killed {RUNS} times: {done.stderr}")


def inputs(root: Path) -> list[dict[str, Any]]:
    """As DuckDB reads them from the dataset."""
    files = str(root / "dataset" / "latest" / "metadata" / "inputs" / "*.parquet")
    columns = ["uri", "state", "stage", "rule", "error_kind"]
    rows = duckdb.execute(f"SELECT {', '.join(columns)} FROM read_parquet($1)", [files]).fetchall()
    return [dict(zip(columns, row, strict=True)) for row in rows]


def check(root: Path, given: Iterable[Path], waiting: int = 0) -> Mapping[Path, dict[str, Any]]:
    """What must hold of any build; each input's row. So many wait for their files to come back."""
    rows = inputs(root)
    found = {local_path(row["uri"]): row for row in rows}
    assert sorted(map(str, found)) == sorted(map(str, given)), "names survive, and each is there once"
    assert len(found) == len(rows)

    status = json.loads(actor18m(root, "status", "--json").stdout)
    assert status["adds_up"]
    assert status["inputs"] == sum(status["states"].values()) == len(rows)
    assert status["states"] == Counter(row["state"] for row in rows)
    assert status["states"].get("pending", 0) == waiting
    for row in rows:
        assert (row["error_kind"] is not None) == (row["state"] in ("failed", "quarantined")), row
        assert row["error_kind"] is None or row["error_kind"] in KINDS, row
        assert (row["rule"] is not None) == (row["state"] == "rejected"), row

    latest = (root / "dataset" / "latest").resolve()
    for file in latest.rglob("*"):
        assert file.is_dir() or PUBLISHED.fullmatch(file.relative_to(latest).as_posix()), file
    videos = 0
    for shard in (latest / "videos").iterdir():
        with tarfile.open(shard) as tar:
            for member in tar:
                assert SAMPLE.fullmatch(member.name), member.name
                if member.name.endswith(".mp4"):
                    videos += 1
                    with av.open(tar.extractfile(member), "r") as video:
                        assert video.streams.video[0].width > 0
    assert videos == status["states"].get("accepted", 0)
    return {path: row for path, row in found.items() if path is not None}


def spread(made: Mapping[Path, str], rows: Mapping[Path, dict[str, Any]]) -> str:
    """What became of the mutants, by their kind."""
    fates = {path: f"{row['state']} {row['error_kind'] or row['rule'] or ''}".strip() for path, row in rows.items()}
    counts = Counter((fates[path], kind) for path, kind in made.items())
    kinds = sorted(set(made.values()))
    lines = [f"{'':26}" + "".join(f"{kind:>15}" for kind in kinds) + f"{'all':>7}"]
    for fate in sorted(set(fates.values())):
        each = [counts[fate, kind] for kind in kinds]
        lines.append(f"{fate:26}" + "".join(f"{count:15}" for count in each) + f"{sum(each):7}")
    return "\n".join(lines)


def test_mutants_under_hostile_names_end_in_one_state_each(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    made = mutants(tmp_path / "in", 48, seed=18)
    build(tmp_path, INTAKE, "--input", str(tmp_path / "in"))
    rows = check(tmp_path, made)
    print(spread(made, rows))
    assert len({row["state"] for row in rows.values()}) > 1


@pytest.mark.slow
@pytest.mark.usefixtures("embedded_models")
def test_500_mutants_through_real_models(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    made = mutants(tmp_path / "in", 500, seed=2026)
    shipped = (ROOT / "pipelines" / "embedded.yaml").read_text()
    pipeline, count = re.subn(r"(?m)^duplicates:.*$", "duplicates: null", shipped)
    assert count == 1
    build(tmp_path, pipeline, "--input", str(tmp_path / "in"))
    rows = check(tmp_path, made)
    with capsys.disabled():
        print(f"\n{spread(made, rows)}")
    assert {"accepted", "rejected", "failed"} <= {row["state"] for row in rows.values()}


def test_what_is_no_video_is_told_from_what_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    expected = _odd_files(folder, monkeypatch)
    build(tmp_path, INTAKE, "--input", str(folder), "--input", str(_listed(tmp_path / "list.csv", folder, expected)))
    rows = check(tmp_path, [folder / name for name in expected])
    found = {str(path.relative_to(folder)): row["error_kind"] or row["state"] for path, row in rows.items()}
    assert found == expected


def _odd_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Each with the kind of error that it ends with, or its state."""
    good, other = SHIPPED / "nobody_1.mp4", SHIPPED / "nobody_2.mp4"
    shutil.copy(good, folder / "good.mp4")
    shutil.copy(good, folder / "copy.mp4")
    (folder / "folder.mp4").mkdir()
    shutil.copy(other, folder / "folder.mp4" / "inside.mp4")
    (folder / "round").symlink_to(".")
    os.mkfifo(folder / "pipe.mp4")
    (folder / "loop.mp4").symlink_to("loop.mp4")
    (folder / "dangling.mp4").symlink_to("nowhere.mp4")
    (folder / "device.mp4").symlink_to("/dev/zero")
    monkeypatch.chdir(folder)  # a socket's path may be 107 bytes long
    socket.socket(socket.AF_UNIX).bind("socket.mp4")
    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("This is no video.\n" * 100)
    (folder / "playlist.mp4").write_text(f"#EXTM3U\n#EXTINF:10,\n{good}\n#EXT-X-ENDLIST\n")
    (folder / "concat.mp4").write_text(f"ffconcat version 1.0\nfile {good}\n")
    sound_only(folder / "sound.mp4")
    content = bytearray(good.read_bytes())
    at = {kind: box.start for kind, box in boxes(bytes(content))}
    content[at[b"stts"] + 20 : at[b"stts"] + 24] = b"\x03\x00\x00\x00"  # how long each picture is shown
    content[at[b"edts"] + 4 : at[b"edts"] + 8] = b"free"  # or only the first 3 s would be
    (folder / "endless.mp4").write_bytes(content)
    return {
        "good.mp4": "duplicate", "copy.mp4": "accepted", "folder.mp4/inside.mp4": "accepted",
        "pipe.mp4": "not_a_video", "device.mp4": "not_a_video", "socket.mp4": "not_a_video",
        "text.mp4": "not_a_video", "playlist.mp4": "not_a_video", "concat.mp4": "not_a_video",
        "loop.mp4": "missing_file", "dangling.mp4": "missing_file", "empty.mp4": "empty_file",
        "sound.mp4": "no_video_stream", "endless.mp4": "too_large",
    }  # fmt: skip


def _listed(path: Path, folder: Path, expected: dict[str, str]) -> Path:
    """A list of what a folder cannot hold, or gives otherwise."""
    expected |= {"folder.mp4": "not_a_video", "gone.mp4": "missing_file", f"{'x' * 300}.mp4": "missing_file"}
    expected |= {"good.mp4/below": "missing_file"}
    with path.open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["path"])
        rows.writerows(
            [str(folder / name)] for name in ["folder.mp4", "gone.mp4", f"{'x' * 300}.mp4", "good.mp4/below"]
        )
    return path


def test_a_file_that_comes_to_nothing_once_registered_fails_alone_and_one_that_goes_waits(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("goes", "shrinks", "stays"):
        shutil.copy(SHIPPED / "nobody_1.mp4", folder / f"{name}.mp4")
    store = make_store(tmp_path / "store")
    with hold(store) as lease:
        Register(store).register(lease, find_inputs([str(folder)]))
    (folder / "goes.mp4").unlink()
    os.truncate(folder / "shrinks.mp4", 0)
    build(tmp_path, INTAKE, code=3)
    rows = check(tmp_path, [folder / f"{name}.mp4" for name in ("goes", "shrinks", "stays")], waiting=1)
    assert {path.stem: row["error_kind"] or row["state"] for path, row in rows.items()} == {
        "goes": "pending", "shrinks": "empty_file", "stays": "accepted",
    }  # fmt: skip


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_says_so(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    locked = Path(shutil.copy(SHIPPED / "nobody_1.mp4", tmp_path / "in"))
    locked.chmod(0)
    build(tmp_path, INTAKE, "--input", str(tmp_path / "in"))
    assert check(tmp_path, [locked])[locked]["error_kind"] == "no_access"
