"""What pages list is all that there is."""

import re
from pathlib import Path

from actor18m.config.stage_config import Run
from tests.docs.page import DOCS

ROOT = DOCS.parent


def first_cells(page: str, heading: str) -> set[str]:
    """What stands in backticks in the first column of the tables below a heading."""
    _, _, below = (DOCS / page).read_text().partition(f"\n{heading}\n")
    cells = re.findall(r"^\| ([^|]*) \|", below.partition("\n## ")[0], re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def test_each_key_of_run_is_told() -> None:
    assert first_cells("clusters.md", "## What each stage gets") - {"run:"} == set(Run.model_fields)


def test_each_folder_is_on_the_map() -> None:
    told = first_cells("map.md", "## What is where")
    folders = [path for path in (ROOT / "actor18m").iterdir() if any(path.glob("*.py"))]
    assert {f"{path.relative_to(ROOT)}/" for path in folders} | {"stages/", "pipelines/"} <= told
    assert all((ROOT / name).is_dir() for name in told if name.endswith("/") and Path(name).parts[0] != "..")


def test_each_file_that_is_named_is_there() -> None:
    """On the map also beside its folder: `execute/queues.py`."""
    named = re.compile(r"`((?:actor18m|stages|accuracy|studio|tests|scripts|pipelines|manifests)/[\w/.-]+\.\w+)`")
    pages = [*DOCS.glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    found = {(page.name, name) for page in pages for name in named.findall(page.read_text())}
    assert len(found) > 60
    assert {(page, name) for page, name in found if not (ROOT / name).is_file()} == set()
    short = re.findall(r"`(\w+/\w+\.py)`", (DOCS / "map.md").read_text())
    assert [name for name in short if not any((ROOT / below / name).is_file() for below in ("", "actor18m"))] == []
