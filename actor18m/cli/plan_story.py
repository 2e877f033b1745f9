"""How `actor18m plan` answers: what is missing, what is likely to come, what it costs, and what a kept image does."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.text import Text

from actor18m.amounts import amount, dollars
from actor18m.catalog.register import Registration
from actor18m.config.costs import DOLLARS, GPU_SECONDS, SECONDS
from actor18m.survey.foreseen import Number
from actor18m.survey.kept_price import KeptPrice
from actor18m.survey.plan import Plan, StagePlan
from actor18m.survey.pricing import Total, each, totals
from actor18m.terminal.say import Grid, console, say

_CHANGES = ("added", "changed", "back", "gone", "vanished")
_CALLED = {SECONDS: "worker time", GPU_SECONDS: "GPU hours", DOLLARS: "dollars"}
_HEADINGS = {SECONDS: "in all", GPU_SECONDS: "GPU hours", DOLLARS: "dollars"}
_UNKNOWN = "?"
_NO_PRICE = "-"


def print_plan(found: Plan, given: Registration | None) -> None:
    if given is not None:
        changes = [f"{getattr(given, name)} {name}" for name in _CHANGES if getattr(given, name)]
        say(f"inputs: {given.given} given, {', '.join(changes) or 'all known already'}")
    told = totals(found)
    _print_stages(found, tuple(told))
    for name, stage in found.stages.items():
        if stage.why:
            say(f"  {name}: {', '.join(f'{count} {reason}' for reason, count in sorted(stage.why.items()))}")
    _tell_asking(found)
    _tell_changed(found)
    if found.split is not None and not found.split.is_as_before:
        new, gone = found.split.added + found.split.back, found.split.gone
        say(f"Sources are split otherwise than is registered: {amount(new, 'more clip')}, {gone} superseded.")
    if found.is_done and not new_inputs(given):
        say("Nothing is missing.")
    for cost, total in told.items():
        say(_in_all(cost, total))
    if not told and any(stage.at_most != 0 for stage in found.stages.values()):
        say(
            "What it takes is not known: build a few with `--limit 20` and ask again, or write what you expect into "
            "the pipeline, to each stage: `run: {expected: {seconds: 3}}`."
        )
    print_kept(found.kept)


def new_inputs(given: Registration | None) -> int:
    """Those that a build would read."""
    return 0 if given is None else given.added + given.back + given.changed


def plan_as_json(found: Plan, given: Registration | None) -> dict[str, Any]:
    told: dict[str, Any] = {"inputs": found.inputs, "states": found.states, "images": found.images}
    told |= {"stages": {name: _stage_as_json(stage) for name, stage in found.stages.items()}}
    told |= {"is_done": found.is_done, "asking": found.asking}
    told["totals"] = {cost: {**vars(total), "without": list(total.without)} for cost, total in totals(found).items()}
    told["kept_images"] = [{**vars(price), "unknown": list(price.unknown)} for price in found.kept]
    if found.split is not None:
        told["split"] = {name: getattr(found.split, name) for name in ("given", "added", "back", "gone")}
    if given is not None:
        told["registration"] = {name: getattr(given, name) for name in ("given", *_CHANGES)}
        told["is_done"] = found.is_done and given.is_as_before and not given.changed
    return told


def _stage_as_json(stage: StagePlan) -> dict[str, Any]:
    """`in_all` has by cost what is missing, what is expected, and what there is at most; null where nobody knows."""
    counts = (stage.missing, stage.expected, stage.at_most)
    rate = None if stage.rate is None else {SECONDS: stage.rate.seconds, **stage.rate.costs}
    in_all = {
        cost: [None if count is None else round(count * price, 6) for count in counts]
        for cost, price in (rate or {}).items()
        if price is not None
    }
    return {
        "unit": stage.unit,
        "missing": stage.missing,
        "expected": stage.expected,
        "at_most": stage.at_most,
        "calls": stage.calls,
        "why": dict(stage.why),
        "each": rate,
        "basis": None if stage.rate is None else stage.rate.basis,
        "in_all": in_all,
    }


def _print_stages(found: Plan, costs: Sequence[str]) -> None:
    """A column for each cost of which anything is known. Stages of images come below a line."""
    table = _table("stage", "missing", "expected", "at most", *(["each"] if SECONDS in costs else []), *_called(costs))
    for number, (name, stage) in enumerate(found.stages.items()):
        least = stage.missing + (found.new if number == 0 else 0)
        row = [name, f"{least:,}", _count(stage.expected), _count(stage.at_most)]
        row += [_one(stage)] if SECONDS in costs else []
        table.add_row(*row, *(_of_stage(stage, cost) for cost in costs))
        following = [*found.stages.values()][number + 1 : number + 2]
        if any(after.unit != stage.unit for after in following):
            table.add_section()
            table.add_row("images")
    console().print(table)


def _called(costs: Sequence[str]) -> list[str]:
    return [_HEADINGS[cost] for cost in costs]


def _one(stage: StagePlan) -> str:
    """`~` before what was measured otherwise, or is expected only."""
    seconds = each(stage, SECONDS)
    if seconds is None or stage.rate is None:
        return _NO_PRICE
    return ("" if stage.rate.basis == "measured" else "~") + _seconds(seconds)


def _of_stage(stage: StagePlan, cost: str) -> str:
    """For what is expected; at least for what is missing."""
    count, price = stage.expected, each(stage, cost)
    if stage.at_most == 0 or price is None:
        return _NO_PRICE
    least = f"{_spelt(cost, stage.missing * price)}+" if stage.missing else _UNKNOWN
    return least if count is None else _spelt(cost, count * price)


def _tell_asking(found: Plan) -> None:
    """What stages ask for shows when they were measured."""
    if unknown := [name for name, images in found.asking.items() if images is None]:
        say(f"  how many images {', '.join(unknown)} will ask for, nobody knows before some clips are measured")
    for name, images in found.asking.items():
        if images is not None and (missing := found.stages[name].missing):
            say(f"  {name} asks anew for {amount(missing, 'clip')}: {images:.1f} images each are expected, as so far")


def _tell_changed(found: Plan) -> None:
    if changed := [name for name, stage in found.stages.items() if stage.changed]:
        say(f"  after {', '.join(changed)}: as if all changed; rows that are asked for as before serve again")


def _in_all(cost: str, total: Total) -> str:
    if total.least == total.expected == total.at_most == 0 and not total.without:
        return f"{_CALLED[cost]}: none"
    likely = "nobody knows how much is to be expected" if total.expected is None else ""
    likely = likely or f"{_spelt(cost, total.expected or 0.0)} expected"
    most = "" if total.at_most is None else f", {_spelt(cost, total.at_most)} if every clip and image passes"
    without = f"; without {', '.join(total.without)}, of which nobody knows it" if total.without else ""
    return f"{_CALLED[cost]}: {_spelt(cost, total.least)} at least, {likely}{most}{without}"


def print_kept(kept: Iterable[KeptPrice]) -> None:
    """Of subsets of which anything is known: what is to be paid for one more image, with and without its clip."""
    known = [price for price in kept if price.whole]
    if not known:
        return
    costs = [cost for cost in (SECONDS, GPU_SECONDS, DOLLARS) if any(price.whole.get(cost) for price in known)]
    headings = [heading for cost in costs for heading in (_CALLED[cost], "with its clip")]
    table = _table("a kept image of", "an input has", "kept", *headings)
    for price in known:
        called = f"subset {price.subset}" if price.maker is None else f"  {price.maker}"
        per_input = _UNKNOWN if price.per_input is None else f"{price.per_input:.2g}"
        share = _UNKNOWN if price.kept is None else f"{100 * price.kept:.0f}%"
        prices = (_price(cost, of.get(cost)) for cost in costs for of in (price.own, price.whole))
        table.add_row(called, per_input, share, *prices)
    say()
    console().print(table)
    if unknown := sorted({name for price in known for name in price.unknown}):
        say(f"  without {', '.join(unknown)}, of which nobody knows what one takes")


def _price(cost: str, value: float | None) -> str:
    if value is None:
        return _NO_PRICE
    return _spelt(cost, value)


def _count(number: Number) -> str:
    return _UNKNOWN if number is None else f"{number:,.0f}"


def _spelt(cost: str, value: float) -> str:
    if cost == SECONDS:
        return _seconds(value)
    return f"{value / 3600:,.3g}" if cost == GPU_SECONDS else dollars(value)


def _seconds(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds:.2g} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60:,} h {minutes % 60} min"


def _table(first: str, *numbers: str) -> Grid:
    table = Grid(first, collapse_padding=True)
    for heading in numbers:
        table.add_column(Text(heading, no_wrap=True), justify="right")
    return table
