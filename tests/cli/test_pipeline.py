import json
import os
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from actor18m.cli.app import app
from actor18m.config import shipped
from actor18m.config.loading import put_on_path
from actor18m.config.pipeline import load_pipeline
from tests.config.test_pipeline import TEXT


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command is run. One pipeline, `embedded`, is shipped."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    (tmp_path / "shipped").mkdir()
    (tmp_path / "shipped" / "embedded.yaml").write_text(TEXT)
    monkeypatch.setattr(shipped, "folder", lambda: tmp_path / "shipped")
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


def run(*args: str) -> Result:
    return CliRunner().invoke(app, list(args), env={"COLUMNS": "400"})


def test_init_writes_a_pipeline_that_is_valid_and_explains_itself(folder: Path) -> None:
    written = run("init")
    assert (written.exit_code, written.stdout.split(";")[0]) == (0, "wrote pipeline.yaml")
    assert load_pipeline(folder / "pipeline.yaml") == load_pipeline(shipped.find_pipeline("embedded"))
    assert "actor18m validate pipeline.yaml" in (folder / "pipeline.yaml").read_text()
    assert run("init", "deep/er/my own.yaml").exit_code == 0
    assert "actor18m validate 'deep/er/my own.yaml'" in (folder / "deep/er/my own.yaml").read_text()


def test_init_replaces_nothing_unless_told(folder: Path) -> None:
    (folder / "pipeline.yaml").write_text("mine")
    refused = run("init")
    assert refused.exit_code == 1
    assert refused.stderr == "pipeline.yaml is there already. Name another file, or replace it with --force.\n"
    assert (folder / "pipeline.yaml").read_text() == "mine"
    assert run("init", "--force").exit_code == 0
    assert load_pipeline(folder / "pipeline.yaml").name == "tiny"


def test_init_says_where_it_cannot_write(folder: Path) -> None:
    (folder / "file").touch()
    refused = run("init", "file/pipeline.yaml")
    assert refused.exit_code == 1
    assert "file/pipeline.yaml cannot be written" in refused.stderr


def test_validate_says_what_is_in_a_pipeline() -> None:
    told = run("validate", "embedded")
    assert told.exit_code == 0
    assert told.stdout.endswith("embedded.yaml: ok: 2 stages (probe, faces), 4 rules, 2 subsets (A, C)\n")
    assert json.loads(run("validate", "embedded", "--json").stdout)["ok"] is True


def test_validate_names_all_that_is_wrong(folder: Path) -> None:
    bad = TEXT.replace("mean_similarity: {", "mean_similarty: {").replace("C: 1024", "D: 1024")
    (folder / "bad.yaml").write_text(bad)
    told = run("validate", "bad.yaml")
    assert (told.exit_code, told.stdout) == (1, "")
    rule, shards = told.stderr.splitlines()
    assert rule.startswith("bad.yaml: policy.faces.mean_similarty: there is no column mean_similarty; did you mean")
    assert shards == "bad.yaml: publish.lots_per_shard.D: no such subset; there are: A, C, videos"
    as_json = run("validate", "bad.yaml", "--json")
    assert as_json.exit_code == 1
    assert json.loads(as_json.stdout) == {"file": "bad.yaml", "ok": False, "problems": [rule, shards]}


def test_what_cannot_be_read_hides_nothing_else_that_is_wrong(folder: Path) -> None:
    bad = TEXT.replace("at_least: ", "at_leest: ", 1).replace("C: 1024", "D: 1024")
    (folder / "bad.yaml").write_text(bad)
    unread, shards = run("validate", "bad.yaml").stderr.splitlines()
    assert "unknown key at_leest; did you mean at_least?" in unread
    assert "publish.lots_per_shard.D: no such subset" in shards


def test_settings_are_checked_and_rendered_with_it() -> None:
    assert "at_least: 0.45" in run("render", "embedded", "--set", "faces.mean_similarity=0.45").stdout
    wrong = run("validate", "embedded", "--set", "faces.mean_similarty=0.45")
    assert wrong.exit_code == 2
    assert "did you mean mean_similarity?" in wrong.stderr
    assert run("validate", "embedded", "--set", "faces.mean_similarity=high").exit_code == 2


def test_what_is_rendered_is_a_pipeline_again(folder: Path) -> None:
    rendered = run("render", "embedded").stdout
    (folder / "again.yaml").write_text(rendered)
    assert run("render", "again.yaml").stdout == rendered
    assert "cap: 8" in rendered, "defaults are filled in"


@pytest.mark.parametrize("args", [["validate"], ["validate", "embeded"], ["render", "none.yaml"], ["init", "."]])
def test_wrong_usage_is_exit_code_2(args: list[str]) -> None:
    assert run(*args).exit_code == 2


@pytest.mark.parametrize(
    ("file", "home"), [("project/pipelines/mine.yaml", "project"), ("project/mine.yaml", "project"), ("mine.yaml", ".")]
)
def test_stages_of_the_project_are_found(file: str, home: str, folder: Path) -> None:
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text("name: a\nprofile: b\nstages: [{stage: 'own_stages.look:Look'}]")
    (folder / home / "own_stages").mkdir()
    (folder / home / "own_stages" / "look.py").write_text(
        "from pyarrow import int8\nfrom actor18m.stage import Stage, schema\n"
        "class Look(Stage):\n    version = 1\n    writes = schema('look', seen=int8())\n"
    )
    told = run("validate", file)
    assert (told.exit_code, told.stdout) == (0, f"{file}: ok: 1 stage (look), 0 rules, 0 subsets\n"), told.stderr


def test_the_folder_of_shipped_pipelines_is_no_project(folder: Path) -> None:
    assert put_on_path(shipped.find_pipeline("embedded")) == [os.fspath(folder)]
    assert put_on_path(shipped.find_pipeline("embedded")) == [os.fspath(folder)]
    assert sys.path.count(os.fspath(folder)) == 1
