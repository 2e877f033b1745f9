import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from actor18m.catalog.sources import find_inputs
from actor18m.catalog.sources.left_out import FilesLeftOut
from actor18m.errors import ActorError
from actor18m.inputs import Input, canonical_uri, local_path

HOSTILE = [
    b"new\nline.mp4",
    b'"quoted",.mp4',
    b"it's.mp4",
    b"a..mp4",
    b"\xff\xfe.mp4",
    b"a b%20c#d?e*[x].mp4",
    b"\\.mp4",
]
METADATA = {
    "cut": [10, 105],
    "crop": [0, 1280, 8, 720],
    "tech": 2.082,
    "motion": 0.012,
    "fps": 29.97,
    "num_frames": 200,
    "resolution": {"height": 720, "width": 1280},
    "aesthetic": 5.07,
    "face_cut": [12, 100],
    "face_cap_qwen": "A woman turns to the window.",
}


def put(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"content")


def found(*given: str | Path) -> list[str]:
    """File names, sorted, so that one that is found twice shows."""
    return sorted(str(local_path(row.uri)) for row in find_inputs([str(each) for each in given]))


def below(folder: Path, *names: str) -> list[str]:
    return sorted(str(folder / name) for name in names)


def write_csv(path: Path, *rows: list[object]) -> Path:
    with path.open("w", newline="", errors="surrogateescape") as out:
        csv.writer(out, delimiter="\t" if path.suffix == ".tsv" else ",").writerows(rows)
    return path


@pytest.fixture
def memory() -> Iterator[str]:
    folder = f"memory://{uuid4().hex}"
    fsspec.filesystem("memory").mkdir(folder)
    yield folder
    fsspec.filesystem("memory").rm(folder, recursive=True)


def test_a_folder_gives_its_videos_at_any_depth_and_nothing_else(tmp_path: Path) -> None:
    videos = ["a.mp4", "B.MOV", "deep/er/c.WebM", "x.mp4/d.ts", "one.two.flv"]
    put(tmp_path, *videos, "notes.txt", "list.csv", "part.json", "mp4", ".hidden.mp4", ".git/e.mp4", "deep/.f/g.mp4")
    assert found(tmp_path) == below(tmp_path, *videos)


def test_what_is_left_out_of_a_folder_is_counted_with_an_example(tmp_path: Path, memory: str) -> None:
    names = ["a.mp4", "talk.GIF", "b.3gp", "c/d.m2ts", "c/z.txt", "notes.TXT", "cover.jpg", "Makefile", ".hidden.txt"]
    put(tmp_path, *names)
    for name in names:
        fsspec.filesystem("memory").pipe(f"{memory}/{name}", b"content")
    for given in (str(tmp_path), f"{tmp_path}/**", memory):
        left_out = FilesLeftOut()
        assert len(list(find_inputs([given], left_out))) == 4
        assert str(left_out) == (
            "4 files were not taken: .txt 2 (such as notes.TXT), no suffix 1 (Makefile), .jpg 1 (cover.jpg)"
        )
    taken = FilesLeftOut()
    assert len(list(find_inputs([f"{tmp_path}/*.TXT", str(tmp_path / "cover.jpg")], taken))) == 2
    assert not taken.counts


def test_a_file_that_is_named_is_an_input_whatever_it_is(tmp_path: Path) -> None:
    put(tmp_path, "notes.doc", ".hidden", "what?.[x]")
    (tmp_path / "dangling").symlink_to("nowhere")
    os.mkfifo(tmp_path / "fifo.csv.gz")
    names = ["notes.doc", ".hidden", "what?.[x]", "dangling", "fifo.csv.gz"]
    rows = list(find_inputs([str(tmp_path / name) for name in names]))
    assert [local_path(row.uri) for row in rows] == [tmp_path / name for name in names]
    assert [row.version is None for row in rows] == [False, False, False, True, True]


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name_is_found(name: bytes, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(name)
    put(tmp_path, path.name)
    listed = write_csv(tmp_path / "list.csv", ["uri"], [path.name])
    pq.write_table(pa.table({"path": [name]}), tmp_path / "list.parquet")
    for given in (tmp_path, path, canonical_uri(path), tmp_path / "*.mp4", listed, tmp_path / "list.parquet"):
        (row,) = find_inputs([str(given)])
        assert row.uri == canonical_uri(path)
        assert row.version is not None


def test_two_dots_lead_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "videos/a.mp4", "lists/x")
    listed = write_csv(tmp_path / "lists" / "list.csv", ["uri"], ["../videos/a.mp4"])
    monkeypatch.chdir(tmp_path / "lists")
    assert found("../videos", "../videos/*.mp4", listed) == below(tmp_path, *["videos/a.mp4"] * 3)


def test_a_folder_that_links_lead_to_twice_or_in_a_circle_is_read_once_by_its_own_name(tmp_path: Path) -> None:
    put(tmp_path, "videos/z/a.mp4", "elsewhere/b.mp4")
    root = tmp_path / "videos"
    (root / "circle").symlink_to(root)
    (root / "z" / "up").symlink_to(tmp_path)
    (root / "a_link").symlink_to(root / "z")
    (root / "self.mp4").symlink_to(root / "self.mp4")
    (root / "file.mp4").symlink_to(tmp_path / "elsewhere" / "b.mp4")
    names = ["z/a.mp4", "z/up/elsewhere/b.mp4", "self.mp4", "file.mp4"]
    assert found(root) == found(root / "**" / "*") == below(root, *names)


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*.mp4", ["a.mp4", "b.mp4"]),
        ("**/*.mp4", ["a.mp4", "b.mp4", "x/a.mp4", "x/y/a.mp4", "z/y/a.mp4"]),
        ("*/y/*.mp4", ["x/y/a.mp4", "z/y/a.mp4"]),
        ("[xz]/**/a.mp4", ["x/a.mp4", "x/y/a.mp4", "z/y/a.mp4"]),
        ("**/y/**/*.mov", ["x/y/q/c.mov"]),
        ("*", ["a.mp4", "b.mp4", "x/a.mp4", "x/y/a.mp4", "x/y/q/c.mov", "z/y/a.mp4"]),
        ("x/**", ["x/a.mp4", "x/y/a.mp4", "x/y/q/c.mov"]),
        ("l*/y/*.mp4", ["link/y/a.mp4"]),
        ("?.doc", ["n.doc"]),
        (".h*/*.mp4", [".hidden/a.mp4"]),
    ],
)
def test_globs(pattern: str, names: list[str], tmp_path: Path) -> None:
    put(tmp_path, "a.mp4", "b.mp4", "n.doc", "x/a.mp4", "x/y/a.mp4", "x/y/q/c.mov", ".hidden/a.mp4", "z/y/a.mp4")
    (tmp_path / "link").symlink_to("z")
    assert found(tmp_path / pattern) == below(tmp_path, *names)


def test_a_glob_that_fits_nothing_is_told(tmp_path: Path) -> None:
    put(tmp_path, "a.mp4")
    with pytest.raises(ActorError, match="there is no video in it"):
        found(tmp_path / "**" / "nothing*")


def test_a_glob_of_lists_reads_them(tmp_path: Path) -> None:
    for number in range(3):
        write_csv(tmp_path / f"{number}.csv", ["uri"], [f"{number}.mp4"])
    assert found(tmp_path / "*.csv") == below(tmp_path, "0.mp4", "1.mp4", "2.mp4")


def test_what_is_not_there_is_said_with_a_hint(tmp_path: Path) -> None:
    put(tmp_path, "videos/a.mp4")
    with pytest.raises(ActorError, match=r"there is no '.*/vidoes'; did you mean 'videos'"):
        list(find_inputs([str(tmp_path / "vidoes")]))
    with pytest.raises(ActorError, match=r"there is no '.*/vidoes/\*.mp4', nor its folder"):
        list(find_inputs([str(tmp_path / "vidoes" / "*.mp4")]))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_stops_the_search(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    with pytest.raises(ActorError, match=r"cannot read the folder .*closed"):
        list(find_inputs([str(tmp_path)]))


def test_remote_files_folders_and_globs(memory: str) -> None:
    fs = fsspec.filesystem("memory")
    for name in ("a.mp4", "x/b '\n?.MP4", "x/y/c.mov", "x/notes.doc", ".h/d.mp4", "x/.e.mp4"):
        fs.pipe_file(f"{memory}/{name}", b"content")

    def names(given: str) -> list[str]:
        rows = list(find_inputs([f"{memory}{given}"]))
        assert all(row.version is not None and row.version.startswith("7-") for row in rows)
        return sorted(row.uri.removeprefix(f"{memory}/") for row in rows)

    assert names("") == names("/") == ["a.mp4", "x/b '\n?.MP4", "x/y/c.mov"]
    assert names("/x/notes.doc") == ["x/notes.doc"]
    with pytest.raises(ActorError, match="there is no video in it"):
        names("/x/*.mov")
    assert names("/**/*.mov") == names("/*/y/*.mov") == names("/x/y*") == ["x/y/c.mov"]
    assert names("/*/*.doc") == ["x/notes.doc"]
    with pytest.raises(ActorError, match=r"there is nothing at 'memory://.*/nothing.mp4'"):
        names("/nothing.mp4")


def test_a_csv_with_windows_licences_and_consent(tmp_path: Path) -> None:
    put(tmp_path, "a.mp4")
    rows = write_csv(
        tmp_path / "list.csv",
        [
            "Path",
            "cut_start",
            "cut_end",
            "crop_x0",
            "crop_x1",
            "crop_y0",
            "crop_y1",
            "License",
            "consent",
            "actor",
            "n",
        ],
        ["a.mp4", 10, "105.0", 0, 1280, 8, 720, "CC-BY-4.0", "signed", 'the "Great", one\nof two', 3],
        ["a.mp4", "", "", "", "", "", "", "", " ", "", ""],
        ["s3://bucket/b.mp4", 0, 1, "", "", "", "", "", "", "", ""],
        ["/gone/c.mp4", "", "", "", "", "", "", "", "", "", ""],
    )
    rows.write_bytes(b"\xef\xbb\xbf" + rows.read_bytes().replace(b"s3://bucket/b.mp4", b"memory://none/b.mp4"))
    uri = canonical_uri(tmp_path / "a.mp4")
    first, second, third, fourth = find_inputs([str(rows)])
    assert first.version is not None
    assert first == Input(
        uri,
        (10, 105),
        (0, 1280, 8, 720),
        "CC-BY-4.0",
        "signed",
        {"actor": 'the "Great", one\nof two', "n": "3"},
        first.version,
        ("licence", "consent"),
    )
    assert second == Input(uri, version=first.version, states=("licence", "consent"))
    assert third == Input("memory://none/b.mp4", (0, 1), states=("licence", "consent"))
    assert fourth == Input("file:///gone/c.mp4", states=("licence", "consent"))


def test_a_tsv_and_bytes_that_are_no_utf8(tmp_path: Path) -> None:
    listed = write_csv(tmp_path / "list.tsv", ["video", "who"], ["\udcff.mp4", "J\udcf6rg"])
    (row,) = find_inputs([str(listed)])
    assert row.uri == canonical_uri(tmp_path / "\udcff.mp4")
    assert json.loads(row.source_json) == {"who": "J\\udcf6rg"}


def test_a_parquet_list(tmp_path: Path) -> None:
    table = pa.table(
        {
            "url": ["a.mp4", "b.mp4"],
            "cut_start": pa.array([0, None], pa.float64()),
            "cut_end": pa.array([25, None], pa.int32()),
            "licence": pa.array(["CC0-1.0", None]).dictionary_encode(),
            "score": [float("nan"), 0.5],
            "tags": [["x", "y"], []],
            "when": [datetime(2026, 1, 2, tzinfo=UTC)] * 2,
            "thumbnail": [b"\xff" * 1000, b""],
            "image": [{"bytes": b"\xff", "path": "x"}] * 2,
        }
    )
    pq.write_table(table, tmp_path / "list.parquet")
    first, second = find_inputs([str(tmp_path / "list.parquet")])
    when = "2026-01-02T00:00:00+00:00"
    assert (first.cut, first.licence, second.cut, second.licence) == ((0, 25), "CC0-1.0", None, None)
    assert json.loads(first.source_json) == {"tags": ["x", "y"], "when": when}
    assert json.loads(second.source_json) == {"score": 0.5, "tags": [], "when": when}


def test_a_remote_list_names_files_beside_it(memory: str) -> None:
    fs = fsspec.filesystem("memory")
    fs.pipe_file(f"{memory}/list.csv", b"uri\nclips/a.mp4\n")
    fs.pipe_file(f"{memory}/clips/a.mp4", b"content")
    (row,) = find_inputs([f"{memory}/list.csv"])
    assert row.uri == f"{memory}/clips/a.mp4"
    assert row.version is not None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ulr,licence\na,b\n", r"no column that names the files \(uri, .*'ulr', 'licence'. Did you mean url by 'ulr'"),
        ("a,b\n", "no column that names the files"),
        ("", "is empty; its first line names the columns"),
        ("uri,cut_start\na,1\n", "column cut_start but not cut_end: give all or none"),
        ('uri,x\na,"b\n', "line 2: unexpected end of data"),
    ],
)
def test_a_list_that_cannot_be_understood_says_where(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(text)
    with pytest.raises(ActorError, match=f"the list '.*list.csv'.*{message}"):
        list(find_inputs([str(path)]))


def test_a_parquet_list_that_is_none(tmp_path: Path) -> None:
    put(tmp_path, "list.parquet")
    with pytest.raises(ActorError, match=r"the list '.*list.parquet' cannot be read as Parquet"):
        list(find_inputs([str(tmp_path / "list.parquet")]))


@pytest.mark.parametrize("as_list", [False, True])
def test_a_part_of_opens2v(as_list: bool, tmp_path: Path) -> None:
    put(tmp_path, "part/a.mp4")
    clips = {
        "one": {
            "metadata": METADATA | {"path": "part/a.mp4"},
            "bbox": {"10": {"face": [[1.5, 2, 3, 4]]}},
            "annotation": {"mask_annotation": {"10": {"1": {"counts": "x" * 100, "size": [712, 1280]}}}},
        },
        "two": {"metadata": {"path": "part/b.mp4", "cut": [10, 20], "face_cut": [8, 15], "cap": ["word", "other"]}},
        "three": {"metadata": {"path": "part/b.mp4", "crop": [5, 5, 0, 9], "face_cap_qwen": "x" * 2001}},
    }
    path = tmp_path / "total_part1.json"
    path.write_text(json.dumps(list(clips.values()) if as_list else clips, indent=1))
    first, second, third = find_inputs([str(path)])
    keys = ["0", "1", "2"] if as_list else list(clips)
    assert first.version is not None
    scores = {name: METADATA[name] for name in ("tech", "motion", "aesthetic", "fps", "num_frames")}
    assert first == Input(
        canonical_uri(tmp_path / "part" / "a.mp4"),
        (10, 105),
        (0, 1280, 8, 720),
        source={
            "key": keys[0],
            "path": "part/a.mp4",
            **scores,
            "face_cut": [12, 100],
            "caption": "A woman turns to the window.",
        },
        version=first.version,
    )
    assert second.source == {
        "key": keys[1],
        "path": "part/b.mp4",
        "face_cut": [8, 15],
        "face_cut_outside": True,
        "caption": "word",
    }
    assert (third.cut, third.crop, third.version) == (None, (5, 5, 0, 9), None)
    assert third.source == {"key": keys[2], "path": "part/b.mp4"}


def test_a_large_json_is_streamed(tmp_path: Path) -> None:
    """Held in memory, these clips are over 500 MiB of Python objects."""
    path = tmp_path / "part.json"
    clip = json.dumps({"metadata": METADATA | {"path": "a.mp4"}, "bbox": {"1": {"face": [[1.5, 2.5, 3.5, 4.5]]}}})
    with path.open("w") as out:
        out.writelines(f'{"{" if n == 0 else ","}\n"{n}": {clip}' for n in range(200_000))
        out.write("}")
    code = (
        "import resource, sys; from actor18m.catalog.sources import find_inputs; "
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10; "
        "before = peak(); print(sum(1 for _ in find_inputs(sys.argv[1:])), peak() - before)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    count, grown_mib = map(int, done.stdout.split())
    assert count == 200_000
    assert grown_mib < 120


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": {"metadata": {"path": "a.mp4"}}, "b": {"meta', "'.*part.json' is damaged or no JSON: .*Nothing was"),
        ('{"images": [1, 2]}', "clip 'images': it has no metadata with a path, so this is no part of OpenS2V"),
        ("content", "is no JSON object or list of clips"),
        ("", "is no JSON object or list of clips"),
    ],
)
def test_a_json_that_is_no_part_of_opens2v(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "part.json"
    path.write_text(text)
    with pytest.raises(ActorError, match=message):
        list(find_inputs([str(path)]))
