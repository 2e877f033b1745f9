"""What changed between two versions, as people read it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from actor18m.amounts import amount
from actor18m.terminal.say import Grid, console, say

_RIGHTS = ("licence", "consent", "override")
_IMAGES = {"added": "added", "removed": "removed", "other": "with another picture"}
_IDENTITIES = {
    "changed": "another identity",
    "found": "an identity that had none",
    "lost": "no identity any more",
}


def print_diff(found: Mapping[str, Any]) -> None:
    """The answer of publish/diff.py."""
    say(f"version {found['old']} -> {found['new']}")
    if found["moved"]:
        _print_moved(found["moved"])
    told = [*_clips(found), *_images(found["images"]), *_shards(found["shards"]), *_made_with(found["facts"])]
    for line in told:
        say(line)
    if found["pipeline"]:
        say("the pipeline:")
        for line in found["pipeline"]:
            say(f"  {line}")
    if not told and not found["moved"] and not found["pipeline"]:
        say("Nothing changed.")


def _print_moved(moved: Sequence[Mapping[str, Any]]) -> None:
    table = Grid("from", "to", "by the rule")
    table.add_column("clips", justify="right")
    for each in moved:
        table.add_row(each["from"], each["to"], each["rule"] or "-", f"{each['clips']:,}")
    console().print(table)


def _clips(found: Mapping[str, Any]) -> Iterator[str]:
    for what in ("added", "removed"):
        for state, count in found[what].items():
            yield f"{amount(count, 'clip')} {what}: {state}"
    for what in _RIGHTS:
        for each in found[what]:
            yield f"{amount(each['clips'], 'clip')}, {what}: {each['from'] or 'none'} -> {each['to'] or 'none'}"
    for how, count in found["identities"].items():
        yield f"{amount(count, 'clip has', 'clips have')} {_IDENTITIES[how]}"


def _images(images: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for each in images:
        yield f"{amount(each['images'], 'image')} of subset {each['subset']} {_IMAGES[each['what']]}"


def _shards(shards: Mapping[str, Any]) -> Iterator[str]:
    added, removed = len(shards["added"]), len(shards["removed"])
    if added or removed:
        yield f"{amount(shards['same'], 'shard')} as before, {added} new, {removed} gone"


def _made_with(facts: Mapping[str, Sequence[str | None]]) -> Iterator[str]:
    for name, (before, now) in facts.items():
        yield f"made with another {name}: {before or 'none'} -> {now or 'none'}"
