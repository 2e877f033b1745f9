import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from actor18m.cli.app import app
from tests.doctor.face_stage import PIPELINE


def run(*args: str) -> Result:
    return CliRunner().invoke(app, ["doctor", *args], env={"COLUMNS": "80"})


def test_each_look_is_a_line_and_what_to_do_stands_below(tmp_path: Path) -> None:
    told = run("--store", "/proc/store", "--dataset", str(tmp_path / "dataset"))
    assert told.exit_code == 1
    lines = told.stdout.splitlines()
    assert {line.split()[0] for line in lines if not line.startswith(" ")} >= {"ok", "fail"}
    at = next(i for i, line in enumerate(lines) if line.startswith("fail  store "))
    assert lines[at].split(maxsplit=2)[2].startswith("/proc/store is not there")
    assert lines[at + 1].strip() == "to do: name another place"
    assert lines[-1].endswith("1 fail")


def test_json_has_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTOR18M_MODELS", str(tmp_path))
    (tmp_path / "count.yaml").write_text(PIPELINE.format(profile="embedded"))
    told = run("--pipeline", str(tmp_path / "count.yaml"), "--json")
    assert told.exit_code == 1
    checks = {check["name"]: check for check in json.loads(told.stdout)}
    assert checks["weights"]["fix"] == "actor18m models pull centerface"
    assert checks["codecs"]["state"] == "ok"


def test_a_pipeline_that_is_wrong_is_a_finding_and_one_that_is_not_there_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text("name: a")
    told = run("--pipeline", str(tmp_path / "wrong.yaml"))
    assert told.exit_code == 1
    assert "profile: is lacking and must be said" in told.stdout
    assert run("--pipeline", str(tmp_path / "none.yaml")).exit_code == 2


def test_exit_code_0_when_nothing_fails(tmp_path: Path) -> None:
    told = run("--store", str(tmp_path / "store"), "--dataset", str(tmp_path / "dataset"))
    assert (told.exit_code, "fail" in told.stdout) == (0, False), told.stdout
