"""How `actor18m plan --assume` answers: what a size would cost, by numbers that somebody assumed."""

from dataclasses import asdict
from typing import Any

from actor18m.cli.plan_story import print_kept
from actor18m.survey.assumed_price import Priced
from actor18m.terminal.say import Grid, console, say


def print_priced(found: Priced) -> None:
    say(f"clips: {_short(found.clips)} come in, {_short(found.accepted)} accepted")
    if found.kept:
        kept = ", ".join(f"{_short(count)} by {maker}" for maker, count in found.kept.items())
        say(f"images kept: {_short(sum(found.kept.values()))} ({kept})")
    _print_stages(found)
    published = sum(found.bytes.values()) - found.store_bytes
    stored = ", ".join(f"{kind} {_tib(size)}" for kind, size in found.bytes.items())
    say(f"storage: {_tib(sum(found.bytes.values()))} ({stored}), ${found.storage_dollars:,.0f} a month")
    each, of_each = found.store_bytes / found.clips / 1e3, published / max(found.accepted, 1) / 1e6
    say(
        f"  of it the store {_tib(found.store_bytes)}, {each:,.0f} kB for each clip that comes in, and the dataset "
        f"{_tib(published)}, {of_each:,.1f} MB for each that is accepted"
    )
    say()
    table = _table("on", "wall time", "waits for")
    for wall in found.walls:
        table.add_row(f"{wall.gpus:,} GPUs", _time(wall.hours), wall.bottleneck)
    console().print(table)
    print_kept(found.prices)
    guesses = sum(source.startswith("guess") for source in found.sources.values())
    say(
        f"{guesses} of {len(found.sources)} numbers are guesses (~), and on guesses of how long one takes "
        f"{found.guessed:.0%} of the GPU hours rest: measure those first. --json tells each one's source."
    )
    for note in found.notes:
        say(f"note: {note}")


def priced_as_json(found: Priced) -> dict[str, Any]:
    totals = {of: found.total(of) for of in ("cpu_hours", "gpu_hours", "requests", "tokens", "dollars")}
    kept = [{**vars(price), "unknown": list(price.unknown)} for price in found.prices]
    return {**asdict(found), "prices": kept, "totals": totals, "guessed": found.guessed}


def _print_stages(found: Priced) -> None:
    table = _table("stage", "clips", "each", "CPU hours", "GPU hours", "requests", "tokens", "dollars")
    unit = "clips"
    for name, stage in found.stages.items():
        if stage.unit != unit:
            unit = stage.unit
            table.add_section()
            table.add_row(unit)
        each = ("~" if stage.is_guess else "") + f"{stage.seconds:.2g} s"
        costs = (stage.cpu_hours, stage.gpu_hours, stage.requests, stage.tokens)
        table.add_row(name, _short(stage.units), each, *map(_short, costs), _dollars(stage.dollars))
    table.add_section()
    sums = (found.total(of) for of in ("cpu_hours", "gpu_hours", "requests", "tokens"))
    table.add_row("in all", "", "", *map(_short, sums), _dollars(found.total("dollars")))
    console().print(table)


def _short(number: float) -> str:
    """Three digits: more would say that somebody knows them."""
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "K")):
        if number >= size:
            return f"{number / (1e3 if letter == 'K' else size):,.3g}{letter}"
    return f"{number:,.3g}" if 0 < number < 100 else f"{number:,.0f}" if number else "-"


def _dollars(number: float) -> str:
    return f"${_short(number)}" if number else "-"


def _tib(size: float) -> str:
    return f"{size / 2**40:,.3g} TiB" if size >= 2**40 else f"{size / 2**30:,.3g} GiB"


def _time(hours: float) -> str:
    return f"{hours:,.3g} h" if hours < 48 else f"{_short(hours / 24)} days"


def _table(first: str, *others: str) -> Grid:
    table = Grid(first, collapse_padding=True)
    for heading in others:
        table.add_column(heading, justify="left" if heading == "waits for" else "right", no_wrap=True)
    return table
