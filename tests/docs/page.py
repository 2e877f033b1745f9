"""A page of the documentation, followed as it is printed: its files are written, its commands and its Python are run.

A block whose first line is a comment with a file's name is that file. A block without a language is what the commands
or the Python just above it print; `…` stands for whatever else they do.
"""

import contextlib
import io
import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from typer.testing import CliRunner

from actor18m.cli.app import app

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# ([\w.-]+\.(?:py|yaml))\n")


@dataclass(frozen=True)
class Block:
    language: str
    text: str

    @property
    def file(self) -> str | None:
        """What it is called, if it is one."""
        named = _FILE.match(self.text)
        return named[1] if named else None


def blocks(page: str, until: str | None = None) -> list[Block]:
    """Of the whole page, or up to a heading."""
    text = (DOCS / page).read_text()
    assert until is None or f"\n{until}\n" in text
    return [Block(*found) for found in _BLOCK.findall(text if until is None else text.partition(f"\n{until}\n")[0])]


@dataclass
class Reader:
    """Who follows pages, in a folder where they have nothing yet."""

    folder: Path
    names: dict[str, object] = field(default_factory=dict)
    """What Python was told so far."""
    printed: str = ""

    def write_files(self, page: str) -> None:
        for block in blocks(page):
            if block.file:
                (self.folder / block.file).write_text(block.text)

    def follow(self, page: str, until: str | None = None) -> None:
        self.write_files(page)
        printed = ""
        for block in blocks(page, until):
            if block.file:
                continue
            if block.language == "sh":
                printed = "".join(run(line) for line in block.text.replace("\\\n", " ").splitlines())
            elif block.language == "python":
                printed = self._python(block.text, page)
            elif block.language == "":
                shows(printed, block.text)
            self.printed += printed

    def _python(self, code: str, page: str) -> str:
        told = io.StringIO()
        with contextlib.redirect_stdout(told):
            exec(compile(code, page, "exec"), self.names)
        return told.getvalue()


def run(line: str) -> str:
    """What a command of actor18m prints."""
    words = shlex.split(line, comments=True)
    if not words:
        return ""
    assert words[0] == "actor18m", line
    done = CliRunner().invoke(app, words[1:])
    assert done.exit_code == 0, f"{line}\n{done.output}"
    return done.stdout


def shows(printed: str, expected: str) -> None:
    """The lines that are expected are there in their order, one right after the other unless `…` is between them."""
    pattern = ""
    for line in expected.splitlines():
        words = [r"\S*".join(map(re.escape, word.split("…"))) for word in line.split()]
        pattern += r"(?s:.*)" if line.strip() == "…" else r"[ \t]*" + r"[ \t]+".join(words) + r"[ \t]*\n"
    assert re.fullmatch(pattern, printed), f"expected:\n{expected}\nprinted:\n{printed}"


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setenv("COLUMNS", "120")
    reader = Reader(tmp_path)
    yield reader
    reader.names.clear()
    for name, module in list(sys.modules.items()):
        if Path(getattr(module, "__file__", None) or "/").is_relative_to(tmp_path):
            del sys.modules[name]  # another test may have one of this name
