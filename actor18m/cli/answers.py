"""How the questions' answers look: in 80 columns, without columns in which nothing stands, and as JSON."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from actor18m.amounts import amount
from actor18m.catalog.register import Registration
from actor18m.inputs import shown
from actor18m.survey.plan import Plan, StagePlan
from actor18m.survey.status import Status
from actor18m.survey.subsets import SubsetCounts
from actor18m.survey.whatif import Move
from actor18m.terminal.say import Grid, console, say

_ALWAYS = ("entered", "passed")
_WHERE_ANY = ("rejected", "failed", "quarantined", "duplicates", "split", "pending")
_CHANGES = ("added", "changed", "back", "gone", "vanished")
_MARGIN = 60
_ENDLESS = 1 << 16
"""A pipe has no width to keep to."""


def print_status(found: Status) -> None:
    headings = [*_ALWAYS, *(each for each in _WHERE_ANY if any(getattr(stage, each) for stage in found.funnel))]
    table = _table("stage", *headings)
    for stage in found.funnel:
        table.add_row(stage.name, *(str(getattr(stage, heading)) for heading in headings))
    console().print(table)
    for stage in found.funnel:
        if stage.rules:
            say(f"  {stage.name} rejects: {', '.join(f'{rule} {count}' for rule, count in stage.rules.items())}")
    for reason, count in found.errors.items():
        say(f"  {count} {reason}")
    total = " + ".join(f"{count} {state}" for state, count in found.states.items())
    say(f"{amount(found.inputs, 'input')} = {total or 0}: {'they add up' if found.adds_up else 'THEY DO NOT ADD UP'}")
    for subset, counts in found.images.items():
        _print_subset(subset, counts)
        for column in found.tells.get(subset, ()):
            say(f"  {column['words']} {_of_kept(column['kinds'])}")
    for name, judge in found.judges.items():
        if judge["pairs"]:
            say(f"{name} accepts {judge['accepted']} of {amount(judge['pairs'], 'pair')} that differ: {_shares(judge)}")
        for kind, of_kind in judge["kinds"].items():
            say(f"  {kind}: {of_kind['accepted']} of {of_kind['pairs']}")
    if found.listing:
        _print_listing(found.listing)


def _print_subset(name: str, counts: SubsetCounts) -> None:
    told = " + ".join(f"{count} {state}" for state, count in counts.states.items())
    clips = amount(counts.entered, "clip")
    clips = f"{counts.clips:,} of {clips}" if counts.stopped else clips
    say(f"subset {name}: {amount(counts.requested, 'image')} of {clips}{f' = {told}' if told else ''}")
    for reason, count in counts.why_stopped.items():
        say(f"  {amount(count, 'clip')} without images: {reason}")
    for reason, count in counts.reasons.items():
        say(f"  {amount(count, 'image')} {reason}")


def _of_kept(kinds: Mapping[str, Mapping[str, int]]) -> str:
    """Of how many kept images something is true, and of which kinds, where there are several."""
    true, of = (sum(kind[name] for kind in kinds.values()) for name in ("true", "of"))
    by_kind = ", ".join(f"{name} {kind['true']} of {kind['of']}" for name, kind in kinds.items())
    return f"{true} of {of} that are kept" + (f": {by_kind}" if len(kinds) > 1 else "")


def _shares(judge: Mapping[str, Any]) -> str:
    """The rate, and how much of it so few cases leave possible."""
    return f"{100 * judge['false_accept_rate']:.1f}%, and so few leave up to {100 * judge['at_most']:.1f}% possible"


def _print_listing(listing: Sequence[Mapping[str, str | None]]) -> None:
    """A line for each input; two where the terminal is too narrow for one."""
    headings = ("clip, or input", "state", "where", "file")
    rows = [headings]
    for each in listing:
        where = ".".join(filter(None, (each["stage"], each["rule"] or each["error_kind"])))
        rows.append((each["clip"] or str(each["id"]), str(each["state"]), where or "-", shown(str(each["uri"]))[1:-1]))
    widths = [max(len(row[number]) for row in rows) for number in range(3)]
    lines = [("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]) for row in rows]
    is_wide = max(len(told) + 2 + len(file) for told, file in lines) <= console(wide=_ENDLESS).width
    say()
    for told, file in lines:
        say(f"{told}  {file}" if is_wide else told.rstrip())
        if not is_wide:
            say(f"  {file}")


def print_plan(found: Plan, given: Registration | None) -> None:
    if given is not None:
        changes = [f"{getattr(given, name)} {name}" for name in _CHANGES if getattr(given, name)]
        say(f"inputs: {given.given} given, {', '.join(changes) or 'all known already'}")
    table = _table("stage", "missing", "at most", "calls", "one worker")
    for number, (name, stage) in enumerate(found.stages.items()):
        new = _new(given)
        least = stage.missing + (new if number == 0 else 0)  # each of the new ones is read, at least
        most = "?" if stage.at_most is None or (new and stage.unit == "images") else str(stage.at_most + new)
        called = f"{name} (images)" if stage.unit == "images" else name
        table.add_row(called, str(least), most, str(stage.calls), _time(stage))
    console().print(table)
    for name, stage in found.stages.items():
        if stage.why:
            say(f"  {name}: {', '.join(f'{count} {reason}' for reason, count in sorted(stage.why.items()))}")
    if found.split is not None and not found.split.is_as_before:
        new, gone = found.split.added + found.split.back, found.split.gone
        say(f"Sources are split otherwise than is registered: {amount(new, 'more clip')}, {gone} superseded.")
    say(_in_all(found, given))


def plan_as_json(found: Plan, given: Registration | None) -> dict[str, Any]:
    stages = {
        name: {
            "unit": stage.unit,
            "missing": stage.missing,
            "at_most": stage.at_most,
            "calls": stage.calls,
            "why": dict(stage.why),
            "seconds": stage.seconds,
            "seconds_at_most": stage.seconds_at_most,
            "is_rate_of_another": stage.is_rate_of_another,
        }
        for name, stage in found.stages.items()
    }
    told: dict[str, Any] = {"inputs": found.inputs, "states": found.states, "images": found.images}
    told |= {"stages": stages, "is_done": found.is_done}
    told["seconds"] = None if found.seconds is None else list(found.seconds)
    if found.split is not None:
        told["split"] = {name: getattr(found.split, name) for name in ("given", "added", "back", "gone")}
    if given is not None:
        told["registration"] = {name: getattr(given, name) for name in ("given", *_CHANGES)}
        told["is_done"] = found.is_done and given.is_as_before and not given.changed
    return told


def print_moves(moves: Sequence[Move], listed: bool) -> None:
    table = _table("from", "to", "inputs")
    table.columns[1].justify = "left"
    for (before, after), count in sorted(Counter((move.before, move.after) for move in moves).items()):
        table.add_row(before, after, str(count))
    console().print(table)
    for move in moves if listed else ():
        say(f"{move.clip or '-'}  {move.before} -> {move.after}  {move.why}  {shown(move.uri)}")
    unknown = sum("pending" in move.after for move in moves)
    images = sum(move.is_image for move in moves)
    told = amount(len(moves) - images, "input")
    told += f" and {amount(images, 'image')} move" if images else " moves" if len(moves) == 1 else " move"
    say(f"{told}; of these {unknown} are unknown until they are measured.")


def moves_as_json(moves: Sequence[Move]) -> dict[str, Any]:
    counts = sorted(Counter((move.before, move.after) for move in moves if not move.is_image).items())
    return {
        "moved": [{"from": before, "to": after, "inputs": count} for (before, after), count in counts],
        "inputs": [
            {"uri": move.uri, "clip": move.clip, "from": move.before, "to": move.after, "why": move.why}
            for move in moves
            if not move.is_image
        ],
        "images": [
            {"key": move.clip, "from": move.before, "to": move.after, "why": move.why}
            for move in moves
            if move.is_image
        ],
        "unknown_until_measured": sum(move.after.startswith("pending") for move in moves),
    }


def print_sweep(rows: Sequence[dict[str, Any]]) -> None:
    states = list(dict.fromkeys(state for row in rows for state in row["states"]))
    table = _table("bound", *states)
    for row in rows:
        table.add_row(f"{row['value']:g}", *(str(row["states"].get(state, 0)) for state in states))
    console().print(table)


def _in_all(found: Plan, given: Registration | None) -> str:
    if found.is_done and not _new(given):
        return "Nothing is missing."
    if found.seconds is None or _new(given):
        return "What a clip needs later shows when its rows are there: at least this."
    least, most = found.seconds
    return f"In all {_spelt(least)} of one worker at least, {_spelt(most)} if every clip passes every stage."


def _new(given: Registration | None) -> int:
    return 0 if given is None else given.added + given.back + given.changed


def _time(stage: StagePlan) -> str:
    if not stage.missing:
        return "-"
    if stage.seconds is None:
        return "no rate yet"
    return f"{'about ' if stage.is_rate_of_another else ''}{_spelt(stage.seconds)}"


def _spelt(seconds: float) -> str:
    if seconds < _MARGIN:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < _MARGIN else f"{minutes // 60} h {minutes % 60} min"


def _table(first: str, *numbers: str) -> Grid:
    table = Grid(first)
    for heading in numbers:
        table.add_column(Text(heading, no_wrap=True), justify="right")
    return table
