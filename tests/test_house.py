"""Which part of the house may know which: arrows between folders lead one way."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ENGINE = "actor18m"
NEVER = [
    ("media", "models"),
    ("ledger", "stage"),
    ("dataset", "survey"),
    ("dataset", "execute"),
    ("dataset", "building"),
    ("publish", "building"),
    ("publish", "execute"),
    ("survey", "building"),
    ("survey", "publish"),
    ("survey", "execute"),
    ("policy", "survey"),
    ("storage", "catalog"),
]
"""From, to."""
BESIDE = ("stages", "studio", "accuracy", "tests")
"""Folders beside the engine, of which it knows none by name."""
FOR_STAGES = ("arrays", "batched", "keys", "media", "shipped", "stage", "waiting", "requests")
"""What stages may use of the engine, beside the roles of models."""


def modules() -> Iterator[tuple[str, Path]]:
    """Dotted names below the engine."""
    for path in sorted((ROOT / ENGINE).rglob("*.py")):
        name = path.relative_to(ROOT / ENGINE).with_suffix("")
        yield ".".join(name.parts).removesuffix(".__init__"), path


def imports(path: Path) -> Iterator[str]:
    """Modules below the engine that a file imports, wherever in it."""
    names = {name for name, _ in modules()}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == ENGINE:
            module = (node.module or "").removeprefix(ENGINE).lstrip(".")
            for each in node.names:
                inside = f"{module}.{each.name}".lstrip(".")
                yield inside if inside in names else module
        elif isinstance(node, ast.Import):
            yield from (each.name.removeprefix(f"{ENGINE}.") for each in node.names if each.name.startswith(ENGINE))


def folder(module: str) -> str:
    """A file beside the folders counts as one."""
    return module.partition(".")[0]


def arrows() -> dict[str, set[str]]:
    """Folder -> those that it imports from."""
    found: dict[str, set[str]] = {}
    for name, path in modules():
        if name != "__init__":
            there = {folder(each) for each in imports(path)} - {folder(name), ""}
            found.setdefault(folder(name), set()).update(there)
    return found


def test_no_arrow_leads_back() -> None:
    known = arrows()
    assert len(known) > 15

    def circle(way: tuple[str, ...]) -> tuple[str, ...] | None:
        for there in sorted(known.get(way[-1], ())):
            if there in way:
                return (*way[way.index(there) :], there)
            if there not in done and (found := circle((*way, there))):
                return found
        done.add(way[-1])
        return None

    done: set[str] = set()
    circles = [found for start in sorted(known) if start not in done and (found := circle((start,)))]
    assert circles == []


@pytest.mark.parametrize(("one", "other"), NEVER)
def test_some_never_know_others(one: str, other: str) -> None:
    known = arrows()
    assert one in known
    assert other in known
    assert other not in known[one]


def test_the_engine_knows_no_stage() -> None:
    for name, path in modules():
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            named = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            named += [each.name for each in node.names] if isinstance(node, ast.Import) else []
            assert not [each for each in named if each.partition(".")[0] in BESIDE], name


def test_stages_know_no_library_of_models() -> None:
    for path in sorted((ROOT / "stages").rglob("*.py")):
        for module in imports(path):
            assert folder(module) in FOR_STAGES or module in ("models.roles", "models.asked_roles"), (path.name, module)


def test_files_that_point_to_others_point_to_those_that_are_there() -> None:
    """In their docstrings and comments, `(cache.py)`: a file that was renamed is no way on."""
    known = [
        path.relative_to(ROOT).as_posix() for folder in (ENGINE, *BESIDE) for path in (ROOT / folder).rglob("*.py")
    ]
    files = [name for name in known if not name.startswith("tests/")]
    named = {(file, name) for file in files for name in re.findall(r"[\w/]+\.py\b(?!:\d)", (ROOT / file).read_text())}
    assert len(named) > 20
    assert {each for each in named if not any(f"/{file}".endswith(f"/{each[1]}") for file in known)} == set()
