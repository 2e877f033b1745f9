import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import actor18m
from actor18m.cli import samples as cli
from actor18m.cli.app import app
from actor18m.errors import ActorError
from actor18m.samples.shipped import find_clips


def run(*args: str) -> Result:
    return CliRunner().invoke(app, list(args), env={"COLUMNS": "200"})


def test_version_is_the_package_version() -> None:
    assert run("--version").stdout.strip() == actor18m.__version__


def test_list_shows_every_shipped_clip_and_the_totals() -> None:
    result = run("samples", "list")
    assert result.exit_code == 0
    first_words = [line.split()[0] for line in result.stdout.splitlines() if line.strip()]
    clips = find_clips()
    assert {clip.name for clip in clips} <= set(first_words)
    assert f"{len(clips)} clips, " in result.stdout.splitlines()[-1]


def test_list_as_json_has_one_entry_per_clip_with_its_expectation() -> None:
    result = run("samples", "list", "--json")
    rows = json.loads(result.stdout)
    assert [row["name"] for row in rows] == [clip.name for clip in find_clips()]
    for row in rows:
        assert Path(row["video"]).is_file()
        assert (row["state"] == "accepted") == (row["rules"] == []), row["name"]


def test_copy_says_what_it_wrote_and_where(tmp_path: Path) -> None:
    count = len(find_clips())
    first = run("samples", "copy", str(tmp_path / "clips"))
    assert first.exit_code == 0
    assert f"{count} clips in {tmp_path / 'clips'}: {2 * count} files written" in first.stdout
    assert "0 files written" in run("samples", "copy", str(tmp_path / "clips")).stdout


def test_trouble_is_one_paragraph_on_stderr_and_exit_code_1(tmp_path: Path) -> None:
    name = find_clips()[0].video.name
    (tmp_path / name).write_bytes(b"mine")
    result = run("samples", "copy", str(tmp_path))
    assert result.exit_code == 1
    assert result.stdout == ""
    assert str(tmp_path / name) in result.stderr
    assert "--force" in result.stderr
    assert "Traceback" not in result.stderr
    assert (tmp_path / name).read_bytes() == b"mine"


def test_brackets_in_a_message_are_printed_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ActorError("/data/[old]/a.mp4 cannot be read")

    monkeypatch.setattr(cli, "find_clips", fail)
    assert "/data/[old]/a.mp4 cannot be read" in run("samples", "list").stderr


def test_a_message_shows_no_secret_and_steers_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ActorError("https://ann:pass@host/\x1b[2J.mp4 cannot be read.\nTry again.")

    monkeypatch.setattr(cli, "find_clips", fail)
    assert run("samples", "list").stderr == "https://***@host/\\x1b[2J.mp4 cannot be read.\nTry again.\n"


@pytest.mark.parametrize(
    "args",
    [
        ["nosuch"],
        ["samples", "copy"],
        ["samples", "copy", __file__],
        ["samples", "sheet", "no/such/folder", "sheet.png"],
    ],
)
def test_wrong_usage_is_exit_code_2(args: list[str]) -> None:
    assert run(*args).exit_code == 2
