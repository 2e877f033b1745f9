"""Files that are none of the store's or the dataset's, or are damaged and can be done without, are no hindrance."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from actor18m.cli.app import app
from tests.engine.drawing import PIPELINE
from tests.engine.drawn import WORDS
from tests.engine.site import Site

FILES = {
    ".DS_Store": b"\0\0\0\1Bud1\xff",
    "._lot-000000": b"",
    "Thumbs.db": b"\xd0\xcf\x11\xe0",
    "notes.txt~": b"notes",
    ".000001.json.swp": b"b0VIM",
    "000009.json.bak": b"{",
    "lot-000007.parquet": b"",
    "seg-000000.parquet": b"",
    "batch-000009.parquet": b"",
    "x.jsonl": b"[",
}
FOLDERS = ("000009", "lot-000003.0123456789abcdef.parquet", "#recycle")


@pytest.fixture
def built(site: Site) -> Site:
    site = replace(site, pipeline=PIPELINE)
    site.put(WORDS)
    site.build()
    site.put({"quinces": "a film about quinces"})
    site.build()
    site.called()
    return site


def ask_everything(site: Site) -> None:
    pipeline = str(site.root / "steady.yaml")
    for command, *arguments in (
        ("plan", pipeline),
        ("status", pipeline),
        ("explain", str(site.videos / "pears.mp4"), pipeline),
        ("what-if", pipeline, "--set", "read.words=9"),
        ("build", pipeline),
        ("runs",),
    ):
        result = site.run(command, *arguments)
        assert result.exit_code == 0, (command, result.output)
    for asked in (["diff", "000001"], ["versions"], ["gc", "--keep", "9", "--store", str(site.root / "store")]):
        result = CliRunner().invoke(app, [*asked, "--dataset", str(site.dataset)])
        assert result.exit_code == 0, (asked, result.output, result.exception)


def test_foreign_files_in_every_folder_are_no_hindrance(built: Site) -> None:
    before = built.published()
    places = [built.root / "store", *(built.root / "store").rglob("*"), built.dataset, *built.dataset.rglob("*")]
    for folder in [path for path in places if path.is_dir() and not path.is_symlink()]:
        for name, content in FILES.items():
            (folder / name).write_bytes(content)
        for name in FOLDERS:
            if not (folder == built.dataset and name.isdigit()):
                (folder / name).mkdir()
                (folder / name / "inside").write_bytes(b"")
    ask_everything(built)
    assert built.called() == {}
    there = built.published()
    assert {name: there[name] for name in before} == before


@pytest.mark.slow  # a holder whose claim cannot be read is watched for a while
def test_what_a_build_can_do_without_may_be_damaged(built: Site) -> None:
    before = built.published()
    for damage in (b"", b"{", b"[1, 2]", b"null", b"\xff\xfe", b'["begin", 3, {}]\n["deaths"]\n[]\n{}\n"end"\n'):
        for folder in ("journal", "runs", "writers"):
            for path in (built.root / "store" / folder).iterdir():
                path.write_bytes(damage)
        ask_everything(built)
    for folder in ("journal", "runs"):
        shutil.rmtree(built.root / "store" / folder)
    ask_everything(built)
    assert built.called() == {}
    assert built.published() == before


@pytest.mark.slow
def test_a_damaged_claim_is_still_a_claim(built: Site) -> None:
    claims = sorted(Path(built.root / "store" / "writers").glob("*.json"))
    newest = max(int(path.name[:6]) for path in claims)
    for path in claims:
        path.write_bytes(b"")
    built.build()
    assert (built.root / "store" / "writers" / f"{newest + 1:06d}.json").is_file()
