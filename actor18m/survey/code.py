"""What a stage of one's own is made of, as digests: told when it was edited and its version was not raised.

A digest is of the module's syntax, so that comments, docstrings and layout do not count. What ships with actor18m has
versions that its tests watch over, and weights have digests: of these there is nothing to tell.
"""

import ast
import inspect
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from actor18m import keys
from actor18m.config.stage_config import Step
from actor18m.models.backends import backend_class
from actor18m.models.lock import read_lock
from actor18m.survey.chain import Link

_SHIPPED = Path(__file__).parents[1]
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def code_of(step: Step) -> dict[str, str]:
    """By what it is called in a sentence, the digest of the code of the stage and of each backend without weights, and
    of the environment that it names."""
    given = {f"stage {step.stage}": step.stage_class}
    for name in (backend.name for backend in step.roles.values()):
        if name not in read_lock().models and not hasattr(backend_class(name), "digest"):
            given[f"backend {name}"] = backend_class(name)
    found = {said: _digest(kind) for said, kind in given.items()}
    if packages := step.run.environment.model_dump(mode="json", exclude={"env_vars"}, exclude_defaults=True):
        found[f"the environment of stage {step.stage}"] = keys.digest("environment", packages)[: keys.SHORT_DIGITS]
    return {said: digest for said, digest in found.items() if digest is not None}


def edited(links: Iterable[Link], accounts: Sequence[Mapping[str, object]]) -> list[str]:
    """A sentence for each stage and backend whose code is other than what its rows were measured with last: `accounts`
    are those of the runs so far.
    """
    found = []
    for link in links:
        before, begun = dict[str, str](), ""
        for account in accounts:
            stages = account.get("stages")
            told = stages.get(link.name) if isinstance(stages, Mapping) else None
            if isinstance(told, Mapping) and told.get("fingerprint") == link.fingerprint and told.get("measured"):
                before, begun = told.get("code") or {}, str(account.get("begun"))
        found += [
            f"{said} was edited since it measured on {begun}, and its version is the same, so what it measured stays. "
            "Raise its `version` to measure again, or ignore this."
            for said, digest in code_of(link.step).items()
            if before.get(said, digest) != digest
        ]
    return found


def _digest(kind: type) -> str | None:
    file = inspect.getsourcefile(kind)
    if file is None or not Path(file).is_file() or _is_shipped(Path(file)):
        return None
    tree = ast.parse(Path(file).read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return keys.digest("code", ast.dump(tree))[: keys.SHORT_DIGITS]


def _is_shipped(file: Path) -> bool:
    return any(file.resolve().is_relative_to(folder.resolve()) for folder in (_SHIPPED, _SHIPPED.parent / "stages"))
