"""How `actor18m status` and `runs` tell what builds took: a line, or a table by stage."""

from collections.abc import Mapping, Sequence
from typing import Any

from actor18m.amounts import amount, dollars
from actor18m.survey.runs import DID_NOT_END, RUNNING
from actor18m.survey.spending import Spent, spent_in_all, spent_of
from actor18m.terminal.progress_counts import spelt_time
from actor18m.terminal.say import Grid, console, say

_NOTHING = "-"


def bill_line(spent: Mapping[str, Spent]) -> str | None:
    """All stages together; None where nothing but the time of CPUs was taken."""
    total = sum(spent.values(), Spent())
    if not total.is_paid:
        return None
    told = [f"{spelt_time(total.worker_s)} of workers"]
    if total.gpu_s or total.idle_gpu_s:
        told.append(f"{_hours(total.gpu_s)} GPU hours at work and {_hours(total.idle_gpu_s)} idle")
    told += [f"{value:,.0f} {name}" for name, value in total.more.items()]
    if total.dollars or total.idle_dollars:
        idle = f", and {dollars(total.idle_dollars)} for idle GPUs" if total.idle_dollars else ""
        told.append(f"{dollars(total.dollars)}{idle}")
    return ", ".join(told)


def print_bill(spent: Mapping[str, Spent], runs: int) -> None:
    """By stage; a column for each thing that any stage took, and nothing where no stage took anything."""
    if not spent:
        return
    total = sum(spent.values(), Spent())
    names = [*total.more]
    has_gpus, has_dollars = bool(total.gpu_s or total.idle_gpu_s), bool(total.dollars or total.idle_dollars)
    headings = ["measured", "worker time", "busy"]
    headings += ["GPU hours", "idle"] if has_gpus else []
    headings += names + (["dollars"] if has_dollars else []) + (["idle"] if total.idle_dollars else [])
    table = Grid(f"in {amount(runs, 'build')}", *headings)
    for name, each in spent.items():
        table.add_row(name, *_cells(each, names, has_gpus, has_dollars, bool(total.idle_dollars)))
    table.add_section()
    table.add_row("in all", *_cells(total, names, has_gpus, has_dollars, bool(total.idle_dollars)))
    console().print(table)


def print_bills(accounts: Sequence[Mapping[str, Any]]) -> None:
    """Of all builds together, where more than the time of CPUs was taken; those that did not end among them."""
    spent = spent_in_all(accounts)
    if not any(each.is_paid for each in spent.values()):
        return
    print_bill(spent, sum(bool(spent_of(run)) for run in accounts))
    for how, told in ((DID_NOT_END, "killed"), (RUNNING, "running")):
        if count := sum(run["how"] == how and bool(spent_of(run)) for run in accounts):
            say(f"of these {told}, and told as far as it was kept: {amount(count, 'build')}")


def _cells(spent: Spent, names: Sequence[str], has_gpus: bool, has_dollars: bool, has_idle: bool) -> list[str]:
    busy = spent.busy_share
    cells = [f"{spent.measured:,}", spelt_time(spent.worker_s), _NOTHING if busy is None else f"{min(busy, 1):.0%}"]
    cells += [_hours(spent.gpu_s), _hours(spent.idle_gpu_s)] if has_gpus else []
    cells += [f"{spent.more[name]:,.0f}" if spent.more.get(name) else _NOTHING for name in names]
    cells += [_dollars(spent.dollars)] if has_dollars else []
    return cells + ([_dollars(spent.idle_dollars)] if has_idle else [])


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:,.3g}" if seconds else _NOTHING


def _dollars(value: float) -> str:
    return dollars(value) if value else _NOTHING
