"""How `actor18m preflight` answers."""

import os
from dataclasses import asdict
from typing import Any

from actor18m.amounts import amount
from actor18m.preflight.apart import Ended
from actor18m.preflight.backend_speed import BackendSpeed
from actor18m.preflight.balance import called
from actor18m.preflight.stage_speed import StageSpeed
from actor18m.preflight.written import Found
from actor18m.terminal.say import Grid, console, say

_GIB = 2**30


def print_found(found: Found) -> None:
    here = found.machine
    memory = f"{here.gpu.bytes / _GIB:.0f} GiB" if here.gpu else f"{here.bytes / _GIB:.0f} GiB"
    say(f"on {here.called}, {memory}; over {amount(len(found.clips), 'clip')}, and frames of 720p for each model alone")
    _print_backends(found)
    _print_stages(found)
    _print_plan(found)


def _print_backends(found: Found) -> None:
    where = "GPU GiB" if found.machine.gpu else "GiB"
    table = _table("model", "plays", "loads in", f"{where} loaded", "at once", f"{where} at most", "a second")
    troubles = []
    for run in found.backends:
        each, speed = run.playing, run.speed
        if isinstance(speed, Ended):
            troubles.append((each, speed.why))
            continue
        names = [each.backend.name, each.role.__name__, f"{speed.load_s:.1f} s", _gib(speed.weights_bytes)]
        for batch in speed.batches:
            mark = " *" if batch == speed.best and len(speed.batches) > 1 else ""
            done = f"{batch.per_second:,.3g} {speed.item}{mark}"
            table.add_row(*names, str(batch.size), _gib(batch.bytes), done)
            names = [""] * 4
    console().print(table)
    for run in found.backends:
        if isinstance(run.speed, BackendSpeed) and run.speed.stopped:
            say(f"{run.playing.backend.name}: {run.speed.stopped}")
    for each, why in troubles:
        say(f"not measured: {each.backend.name} as {each.role.__name__}, of {', '.join(each.stages)}: {why}")
    if any(isinstance(run.speed, BackendSpeed) and len(run.speed.batches) > 1 for run in found.backends):
        say("* the smallest batch that is nearly as fast as the fastest")


def _print_stages(found: Found) -> None:
    table = _table(
        "stage", "measured", "first", "each", "a clip", "CPUs", "GiB", "GPU GiB", "busy", "gpus", "at a call"
    )
    plan = found.plan
    for run in found.runs:
        name, speed = run.step.name, run.speed
        if isinstance(speed, Ended):
            continue
        claim = plan.claims[name]
        busy = "-" if speed.gpu_busy is None else f"{speed.gpu_busy:.0%}"
        on_gpu = _gib(speed.gpu_bytes) if speed.gpu_bytes else "-"
        cells = (f"{speed.first_s:.2g} s", f"{speed.seconds:.2g} s", f"{_cost(found, name):.2g} s", f"{speed.cpus:.1f}")
        more = (_gib(speed.bytes), on_gpu, busy, f"{claim.gpus:g}" if claim.gpus else "-", str(claim.clips_per_call))
        table.add_row(name, f"{speed.measured} {run.units}", *cells, *more)
    console().print(table)
    say(f"a clip: what each clip that comes in costs it, {plan.assumed}")
    for run in found.runs:
        if isinstance(run.speed, Ended):
            say(f"not measured: {run.step.name}: {run.speed.why}")


def _print_plan(found: Found) -> None:
    plan = found.plan
    shared, machines = plan.shared, amount(len(plan.nodes), "such machine")
    if shared is None:
        say("nothing was measured that takes time, so there is nothing to share out")
        return
    table = _table("workers of", "workers", "GPUs", "in balance")
    for stages in dict.fromkeys(plan.together.values()):
        workers, gpus = shared.workers.get(stages), plan.claims[stages[0]].gpus
        count = "-" if workers is None else str(workers)
        taken = f"{workers * gpus:g}" if workers is not None and gpus else "-"
        table.add_row(called(stages), count, taken, f"{shared.gpus[stages]:.2g}" if stages in shared.gpus else "-")
    console().print(table)
    if shared.too_few is not None:
        say(
            f"{shared.bottleneck}: stages would take turns. All work at once on a machine with "
            f"{amount(shared.too_few, 'GPU')}"
        )
        return
    for stages in shared.workers:
        if stages[0] in plan.unclaimed:
            say(f"{called(stages)}: so many suffice; a build begins as many as CPUs and memory allow by itself")
    say(f"on {machines} {shared.clips_per_hour:,.0f} clips an hour may come in; the bottleneck: {shared.bottleneck}")
    dearest = max(plan.claims, key=lambda name: _cost(found, name))
    share = _cost(found, dearest) / sum(_cost(found, name) for name in plan.claims)
    say(f"of the workers' time {share:.0%} goes to {dearest}")
    load = os.getloadavg()[0]
    if load > 1.5 * found.machine.cpus:
        say(f"this machine was busy with other work (load {load:.0f}): alone it would be faster than it was seen to be")


def _cost(found: Found, name: str) -> float:
    """Seconds of a worker, of each clip that comes in."""
    (speed,) = (run.speed for run in found.runs if run.step.name == name)
    return found.plan.per_clip[name] * speed.seconds if isinstance(speed, StageSpeed) else 0.0


def found_as_json(found: Found) -> dict[str, Any]:
    plan = found.plan
    backends = [
        {
            "backend": run.playing.backend.name,
            "role": run.playing.role.__name__,
            "stages": run.playing.stages,
            **asdict(run.speed),
        }
        for run in found.backends
    ]
    stages = {
        run.step.name: asdict(run.speed)
        | {"units": run.units, "per_clip": plan.per_clip[run.step.name], "workers": None}
        | (_claimed(found, run.step.name) if run.step.name in plan.claims else {})
        for run in found.runs
    }
    shared = plan.shared
    whole = None if shared is None else {"clips_per_hour": shared.clips_per_hour, "bottleneck": shared.bottleneck}
    return {"machine": asdict(found.machine), "backends": backends, "stages": stages, "plan": whole}


def _claimed(found: Found, name: str) -> dict[str, Any]:
    plan = found.plan
    return asdict(plan.claims[name]) | {"workers": plan.workers(name), "gpus_in_balance": plan.ideal_gpus(name)}


def _gib(size: int) -> str:
    return f"{size / _GIB:.2f}"


def _table(first: str, *others: str) -> Grid:
    table = Grid(first, collapse_padding=True)
    for heading in others:
        is_text = heading in ("plays", "measured")
        table.add_column(heading, justify="left" if is_text else "right", no_wrap=not is_text)
    return table
