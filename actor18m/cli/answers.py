"""How the questions' answers look: in 80 columns, without columns in which nothing stands, and as JSON."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from actor18m.amounts import amount
from actor18m.inputs import shown
from actor18m.survey.status import Status
from actor18m.survey.subsets import SubsetCounts
from actor18m.survey.whatif import Move
from actor18m.terminal.say import Grid, console, say

_ALWAYS = ("entered", "passed")
_WHERE_ANY = ("rejected", "failed", "quarantined", "duplicates", "split", "pending")
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
    true, of, unknown = (sum(kind[name] for kind in kinds.values()) for name in ("true", "of", "unknown"))
    by_kind = ", ".join(f"{name} {kind['true']} of {kind['of']}" for name, kind in kinds.items())
    told = f"{true} of {of} that are kept" + (f": {by_kind}" if len(kinds) > 1 else "")
    return told + (f"; of {unknown} more nothing is known" if unknown else "")


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


def print_moves(moves: Sequence[Move], listed: bool) -> None:
    table = _table("from", "to", "how many" if any(move.is_image for move in moves) else "inputs")
    table.columns[1].justify = "left"
    for (before, after), count in sorted(Counter((move.before, move.after) for move in moves).items()):
        table.add_row(before, after, str(count))
    console().print(table)
    for move in moves if listed else ():
        say(f"{move.clip or '-'}  {move.before} -> {move.after}  {move.why}  {shown(move.uri)}")
    unknown = sum(move.is_unknown for move in moves)
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
        "unknown_until_measured": sum(move.is_unknown for move in moves),
    }


def print_sweep(rows: Sequence[dict[str, Any]]) -> None:
    """States of inputs that are met, and by subset those of images; what is the same at each bound is told once."""
    columns = {state: [row["states"].get(state, 0) for row in rows] for row in rows for state in row["states"]}
    for subset in dict.fromkeys(subset for row in rows for subset in row["images"]):
        for state in dict.fromkeys(state for row in rows for state in row["images"][subset]):
            columns[f"{subset} {state}"] = [row["images"][subset].get(state, 0) for row in rows]
    moving = {name: counts for name, counts in columns.items() if len({*counts}) > 1}
    table = _table("bound", *moving)
    for number, row in enumerate(rows):
        table.add_row(f"{row['value']:g}", *(str(counts[number]) for counts in moving.values()))
    console().print(table)
    same = [f"{counts[0]} {name}" for name, counts in columns.items() if name not in moving]
    if same:
        say(f"  with each bound: {', '.join(same)}")
    if columns.keys() - moving.keys() == columns.keys():
        say("  nothing moves: no value lies between these bounds")


def _table(first: str, *numbers: str) -> Grid:
    table = Grid(first)
    for heading in numbers:
        table.add_column(Text(heading, no_wrap=True), justify="right")
    return table
