"""Whether all large weights that a pipeline names are pinned: rows are made with certain bytes, and before these are
known nobody can tell which rows are missing."""

from collections.abc import Iterable

from actor18m.errors import ActorError
from actor18m.models.lock import read_lock
from actor18m.models.snapshots import PINNED
from actor18m.models.weights import folder


def check_pinned(pipeline: str, backends: Iterable[str]) -> None:
    """ActorError with all that are not, and the one command that pins them."""
    models = read_lock().models
    large = [name for name in dict.fromkeys(backends) if name in models and models[name].snapshot]
    if missing := [name for name in large if not (folder() / name / PINNED).is_file()]:
        raise ActorError(
            f"pipeline {pipeline}: weights of {', '.join(missing)} are not pinned in {folder()}, so nobody can tell "
            f"what was measured with them. Run `actor18m models pull {' '.join(missing)} --pin`, which only learns "
            "which revision they are; without --pin on machines that build. `actor18m models pull --profile cluster` "
            "does so for all that there are, and --from FOLDER takes a mirror's."
        )
