"""The reading side of a dataset stands alone: loaders and reports import it without an engine."""

import ast
from pathlib import Path

import actor18m.dataset

FOLDER = Path(actor18m.dataset.__file__).parent
ALLOWED = {
    "actor18m.dataset",
    "actor18m.errors",
    "actor18m.inputs",
    "actor18m.redact",
    "actor18m.stopping",
    "actor18m.storage",
}


def test_it_imports_nothing_that_surveys_executes_builds_or_publishes() -> None:
    for file in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [each.name for each in node.names] if isinstance(node, ast.Import) else []
            if names == ["actor18m"] and isinstance(node, ast.ImportFrom):
                names = [f"actor18m.{each.name}" for each in node.names]
            for name in names:
                if name.startswith("actor18m"):
                    assert ".".join(name.split(".")[:2]) in ALLOWED, f"{file.name} imports {name}"
