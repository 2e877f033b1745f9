"""The pipelines that ship with the project, by name."""

from pathlib import Path

from actor18m.errors import ActorError, instead_of


def folder() -> Path:
    """A wheel carries pipelines/ inside the package; a checkout has it beside the package."""
    inside = Path(__file__).parents[1] / "pipelines"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "pipelines"


def shipped() -> dict[str, Path]:
    """name -> file."""
    return {path.stem: path for path in sorted(folder().glob("*.yaml"))}


def find_pipeline(name_or_path: str | Path) -> Path:
    """A file that is there, or else the shipped pipeline of that name."""
    path = Path(name_or_path)
    if path.is_file():
        return path
    there = shipped()
    if str(name_or_path) in there:
        return there[str(name_or_path)]
    if path.is_dir():
        raise ActorError(
            f"{path}: is a folder. Name a pipeline's file in it, or a shipped pipeline: {', '.join(there)}."
        )
    if path.suffix in (".yaml", ".yml") or len(path.parts) > 1:
        raise ActorError(
            f"{path}: there is no such file. Check the path, or name a shipped pipeline: {', '.join(there)}."
        )
    raise ActorError(
        f"no pipeline {path} ships with actor18m, and there is no such file; {instead_of(path.name, there)}"
    )
