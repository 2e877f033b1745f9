"""What the end of a worker's process means: a kind, and words that follow "a worker"."""

import signal

from actor18m.config.environment import Environment
from actor18m.errors import ActorError
from actor18m.execute.trouble import said

Death = tuple[str, str]
"""Kind and words."""

OUT_OF_MEMORY: Death = ("out_of_memory", "needed more memory than it may have")


def hung(deadline_s: float) -> Death:
    return "hung", f"gave no result within {deadline_s:g} s and was stopped"


def exited(code: int) -> Death:
    """The code as Python gives it: a signal's is negative."""
    if code >= 0:
        return "killed", f"exited with code {code}"
    name = signal.Signals(-code).name
    return "killed", f"was killed by {name}" + (", maybe for want of memory" if name == "SIGKILL" else "")


def not_set_up(stage: str, cause: BaseException | str, environment: Environment | None = None) -> ActorError:
    """No clip is to blame, and another try would end likewise. With an environment of its own that may be the cause."""
    why = cause if isinstance(cause, str) else f"raised {type(cause).__name__}: {said(cause)}"
    own = environment.shown if environment else ""
    first = f"It has an environment of its own ({own}): see that `{stage}.run.environment` is right. " if own else ""
    return ActorError(
        f"stage {stage}: its worker could not be set up: it {why.rstrip('.')}. {first}Check the stage's backends with "
        "`actor18m models verify` and `actor18m doctor`, and its `run` in the pipeline; then run the same command "
        "again."
    )
