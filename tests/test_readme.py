"""What README.md shows is true: its commands parse, as do those of the other pages, and its code reads a dataset."""

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from actor18m.cli.app import app
from actor18m.config.shipped import find_pipeline
from actor18m.samples.shipped import SHIPPED

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
OTHERS = "".join((ROOT / page).read_text() for page in ("CONTRIBUTING.md", "docs/clusters.md", "docs/engine.md"))
"""Pages whose commands are not run; those of the worked examples are, in tests/docs."""


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands() -> Iterator[list[str]]:
    """Those of actor18m, as a shell would split them."""
    for block in blocks("sh", README + OTHERS):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == ["actor18m"]:
                yield words[1:]
            elif "actor18m" in words:  # python -m actor18m, within another command
                yield words[words.index("actor18m") + 1 :]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, embedded_models: None) -> Path:
    """With a dataset in it, and what the commands name."""
    here = tmp_path_factory.mktemp("readme")
    (here / "clips").mkdir()
    for name in ("nobody_1", "one_second_1", "talk_yaw_1"):
        shutil.copy(SHIPPED / f"{name}.mp4", here / "clips")
    shutil.copy(find_pipeline("embedded"), here / "pipeline.yaml")
    (here / "DIR").mkdir()
    where = {"--input": "clips", "--store": "store", "--dataset": "dataset"}
    given = [word for option, name in where.items() for word in (option, str(here / name))]
    built = CliRunner().invoke(app, ["build", str(here / "pipeline.yaml"), *given])
    assert built.exit_code == 0, built.output
    return here


@pytest.mark.parametrize("words", list(commands()), ids=shlex.join)
def test_each_command_is_one_that_there_is(words: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parsed to the end, with all options and arguments; not run."""
    monkeypatch.chdir(folder)
    command: Any = typer.main.get_command(app)
    context = command.make_context("actor18m", list(words))
    while hasattr(command, "resolve_command"):
        name, command, words = command.resolve_command(context, list(words))
        context = command.make_context(name, list(words), parent=context)


@pytest.mark.parametrize("target", re.findall(r"\bmake ([a-z][\w-]*)", "".join(blocks("sh", README + OTHERS))))
def test_each_target_of_make_is_one_that_there_is(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("code", blocks("python"), ids=lambda code: code.splitlines()[0])
def test_the_code_reads_a_dataset(
    code: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    found: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), found)
    printed = capsys.readouterr().out
    if "built" in found:
        assert "'accepted': 1" in printed
    elif "clips" in found:
        assert "accepted" in printed
        assert "rejected" in printed
    elif "mp4" in found:
        content = found["mp4"]
        assert isinstance(content, bytes)
        assert content[4:8] == b"ftyp"
    elif "source_key" in code:
        assert "source_key" in printed
        assert "attempts" in printed
    elif "subset-A" in code:
        assert printed.count("viewpoint") >= 3
    else:
        assert printed.count("content_sha256") == 1


def test_the_code_is_there() -> None:
    """None of the above passes for want of something to look at."""
    first = [code.splitlines()[0].split()[1].strip(",") for code in blocks("python")]
    assert first[:4] == ["actor18m", "duckdb", "polars", "pandas"]
    assert len(list(commands())) > 10
