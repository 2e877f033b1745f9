"""Errors that nobody foresaw, and file systems that do not let a command write, end in a sentence."""

import errno
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from actor18m.cli import questions as question_commands
from actor18m.cli.app import app
from actor18m.dataset import Dataset, DatasetError
from actor18m.publish.on_disk import OnDisk


def run(*arguments: str, **env: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments), env=env)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stderr


def break_with(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(url: object) -> None:
        raise error

    monkeypatch.setattr(question_commands, "open_store", fail)


def test_a_bug_is_a_sentence_with_its_kind_and_where_its_traceback_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_with(KeyError("token=S3CRET"), monkeypatch)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code, said = run("status")
    assert code == 1
    assert "Traceback" not in said
    assert "KeyError" in said
    found = re.search(r"the traceback in (\S+\.txt)", said)
    assert found is not None
    kept = Path(found[1]).read_text()
    assert "Traceback" in kept
    assert "in fail" in kept
    assert "S3CRET" not in kept + said


def test_its_traceback_comes_at_once_where_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    break_with(KeyError("x"), monkeypatch)
    result = CliRunner().invoke(app, ["status"], env={"ACTOR18M_TRACEBACK": "1"})
    assert isinstance(result.exception, KeyError)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/x/y"), "no space left on /x/y"),
        (OSError(errno.ENOSPC, "No space left on device"), "TMPDIR is"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), "/x: Permission denied. Give this user"),
        (FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']"), "Set TMPDIR"),
    ],
)
def test_a_file_system_that_does_not_take_it_is_no_bug(
    error: OSError, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_with(error, monkeypatch)
    code, said = run("status")
    assert code == 1
    assert message in " ".join(said.split())
    assert "bug" not in said


def test_a_store_whose_parent_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, said = run("build", "--store", str(tmp_path / "file" / "store"), "--dataset", str(tmp_path / "dataset"))
    assert code == 1
    assert "cannot make a store at" in said
    assert "bug" not in said


def test_folders_that_are_no_versions_are_left_alone(tmp_path: Path) -> None:
    root = tmp_path / "dataset"
    with OnDisk(root).held() as writer:
        (root / "20261128").mkdir()
        (root / "000002").mkdir()
        built = []
        for _ in range(2):
            writer.begin(["videos"])
            built.append(writer.commit(b"{}", writer.check).name)
        assert built == ["000001", "000003"]
        assert Dataset.at(root).names() == built
        assert Dataset.at(root).latest() == "000003"


def test_a_latest_that_is_a_folder_is_told_with_the_way_out(tmp_path: Path) -> None:
    root = tmp_path / "dataset"
    with OnDisk(root).held() as writer:
        (root / "latest").mkdir()
        writer.begin(["videos"])
        with pytest.raises(DatasetError, match="latest is a folder and should be a link"):
            writer.commit(b"{}", writer.check)
