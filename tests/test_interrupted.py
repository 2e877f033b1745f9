"""Ctrl-C at any moment ends a command with one line and exit code 130."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from actor18m.cli import questions as question_commands
from actor18m.cli.app import app

CONSOLE_SCRIPT = "from actor18m.__main__ import main; main()"
"""What pip writes for the entry point in pyproject.toml."""


@pytest.mark.parametrize("library", ["typer", "pyarrow"])
@pytest.mark.parametrize("start", [["-m", "actor18m"], ["-c", CONSOLE_SCRIPT]])
def test_while_libraries_are_loaded(start: list[str], library: str, tmp_path: Path) -> None:
    # Stands before the first that all commands need, or the first that this one does, so that the moment is a sure one.
    (tmp_path / f"{library}.py").write_text("print('loading', flush=True)\nimport time; time.sleep(60)\n")
    env = {**os.environ, "PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', Path.cwd())}"}
    process = subprocess.Popen(
        [sys.executable, *start, "status"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=env,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # shells have jobs in the background ignore it
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "loading\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (130, "Stopped.\n")


def test_in_a_question(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(url: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(question_commands, "open_store", interrupt)
    result = CliRunner().invoke(app, ["status"])
    assert (result.exit_code, result.stderr) == (130, "Stopped.\n")


def test_the_entry_point_is_the_one_that_is_tried_here() -> None:
    assert 'actor18m = "actor18m.__main__:main"' in Path(__file__).parents[1].joinpath("pyproject.toml").read_text()
