"""What `actor18m build` says of stages that ended at a bound of what may be spent: which one, and how to go on."""

from collections.abc import Iterator

from actor18m.config.costs import GPU_SECONDS
from actor18m.execute.budget import LIMIT, OWN
from actor18m.execute.tally import Bound, Tally


def spent_lines(tally: Tally) -> Iterator[str]:
    """A line for each stage; of a limit, which all stages meet, one for all."""
    limited = [stage for stage, bounds in tally.spent.items() if any(bound.by == LIMIT for bound in bounds)]
    for stage, bounds in tally.spent.items():
        for bound in bounds:
            if bound.by != LIMIT:
                yield f"{stage}: stopped at its budget: {_spent(bound)}. The rest is pending: {_way_out(stage, bound)}"
    if limited:
        most = next(bound.most for bounds in tally.spent.values() for bound in bounds if bound.by == LIMIT)
        yield (
            f"stopped at --limit {most:g}: {', '.join(limited)}. The rest is pending: run the same command again for "
            "as many more, or without --limit for all"
        )


def _spent(bound: Bound) -> str:
    scale, name = (3600, "GPU hours") if bound.cost == GPU_SECONDS else (1, bound.cost)
    spent = f"{bound.spent / scale:.4g} of {bound.most / scale:.4g} {name}"
    spent += " of all stages together" if bound.by != OWN else ""
    if bound.each is None or bound.spent >= bound.most:
        return spent
    return f"{spent}, and the next one would cost about {bound.each / scale:.2g}"


def _way_out(stage: str, bound: Bound) -> str:
    """A budget is for one build: the next one has it anew, unless not even one fits into it."""
    is_too_small = bound.each is not None and bound.each > bound.most
    where = f"`run.budget.{bound.cost}` of {stage} in the pipeline" if bound.by == OWN else bound.by
    if is_too_small or not bound.most:
        return f"not one fits into {where}; raise it to go on"
    return f"run the same command again to spend as much again, or raise {where}"
