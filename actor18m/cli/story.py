"""How `explain` tells the story of an input: one thought a line, as wide as the terminal."""

import json
import shutil
from collections.abc import Iterator, Mapping
from typing import Any

from actor18m.amounts import amount
from actor18m.inputs import shown
from actor18m.terminal.say import one_line, say

_FACTS = ("image", "id", "clip", "lot", "parent", "licence", "consent", "cut", "crop")
_INDENT = 4
_ERROR = "error:"
_LEAST_WIDTH, _WIDTH_OF_FILES = 60, 160
_HEX_DIGITS = 64
"""Longer ones are no name but content: a mask, a signature."""


def print_story(story: Mapping[str, Any]) -> None:
    width = _width()
    for line in _lines(story):
        told = one_line(line)
        say(f"{told[: width - 1]}…" if len(told) > width and _is_value(line) else told)


def _lines(story: Mapping[str, Any]) -> Iterator[str]:
    yield shown(story["uri"])[1:-1]
    yield from (f"  {name}: {story[name]}" for name in _FACTS if name in story)
    yield f"  state: {story['state']}{_why(story)}"
    yield from (f"  said: {said}" for said in story["overrides"])
    yield from _repeats(story)
    if story.get("request"):
        yield f"  asked for by {story['asked_by']}:"
        yield from (f"    {name}: {_brief(value)}" for name, value in story["request"].items())
    for stage in story["stages"]:
        yield from _stage(stage)
    for subset, why in story.get("without_images", {}).items():
        yield f"  no images of subset {subset}: {why}"
    for image in story.get("images", ()):
        yield f"  image {image['key']}: {image['state']}{_why(image)}"
    for clip in story.get("clips", ()):
        why = ".".join(clip[name] for name in ("stage", "rule") if clip[name])
        key = clip["clip"] or f"input {clip['id']}"
        yield f"  frames {clip['cut'][0]} to {clip['cut'][1]}: {key} {clip['state']}{f' ({why})' if why else ''}"
    if "not_published" in story:
        yield f"  not published: {story['not_published']}; the next build tries again"
    for place in story["published"]:
        yield f"  published in {place['version']}: {place['shard']}, {_at(place)}"


def _why(of: Mapping[str, Any]) -> str:
    """Why something stands where it does, in brackets. What is told in words needs no kind of error beside it."""
    in_words = of.get("why")
    names = ("stage", "rule", "value", "bound", *(() if in_words else ("error_kind",)))
    where = " ".join(str(of[name]) for name in names if of.get(name) is not None)
    why = f"{where}: {in_words}" if in_words else where
    return f" ({why})" if why else ""


def _at(place: Mapping[str, Any]) -> str:
    if "images" in place:
        return amount(place["images"], "image")
    what = "image" if "image_size" in place else "mp4"
    return f"{place[f'{what}_size']} bytes at {place[f'{what}_offset']}"


def _repeats(story: Mapping[str, Any]) -> Iterator[str]:
    if "duplicate_of" not in story:
        return
    if story["duplicate_of"] == story.get("clip"):
        how = "the same content"
    elif "differing_share" in story:
        how = (
            f"{story['differing_share']} of the signatures' bits differ, {story['duration_apart_s']} s apart in length"
        )
    else:
        how = "nearly the same"
    yield f"  repeats: {story['duplicate_of']} ({how})"
    if "duplicate_uri" in story:
        yield f"           {shown(story['duplicate_uri'])[1:-1]}"


def _stage(stage: Mapping[str, Any]) -> Iterator[str]:
    played = ", ".join(f"{role} {backend}" for role, backend in stage["backends"].items())
    yield f"  {stage['stage']} {stage['fingerprint']}{f' ({played})' if played else ''}: {stage['state']}"
    if stage["error"]:
        yield f"    {_ERROR} {stage['error']}"
    for attempt in stage.get("attempts", ()):
        values = ", ".join(f"{name} {value}" for name, value in attempt["values"].items())
        yield f"    attempt {attempt['candidate']}: {values}"
        yield from _rules(attempt)
    yield from _rules(stage)
    for column, value in stage["values"].items():
        yield f"    {column}: {_brief(value)}"


def _rules(judged: Mapping[str, Any]) -> Iterator[str]:
    for rule in judged["rules"]:
        if not rule["applies"]:
            yield f"    -       {rule['rule']} does not apply: nothing that it reads is told  ({rule['bound']})"
            continue
        sign = "passed" if rule["passed"] else "FAILED"
        becomes = "; published without its mask" if rule["otherwise"] == "without_mask" and not rule["passed"] else ""
        yield f"    {sign}  {rule['rule']} = {rule['value']}  ({rule['bound']}{becomes})"


def _brief(value: object) -> str:
    """Lists begin with how many there are, since their end is cut off; masks and the like say their size."""
    if isinstance(value, list) and value and not isinstance(value[0], str):
        return f"{len(value)}: {', '.join(map(_brief, value))}"
    if isinstance(value, Mapping):
        return f"({', '.join(f'{name} {_brief(inner)}' for name, inner in value.items())})"
    if isinstance(value, str) and len(value) > _HEX_DIGITS and not value.strip("0123456789abcdef"):
        return f"<{len(value) // 2} bytes>"
    return json.dumps(value, default=str, ensure_ascii=False)


def _is_value(line: str) -> bool:
    """What decides, and why something failed, is told whole; lists of numbers may be long."""
    return line.startswith(" " * _INDENT) and not line.lstrip().startswith(("passed", "FAILED", _ERROR))


def _width() -> int:
    """A pipe or a log has no width to keep to."""
    return max(_LEAST_WIDTH, shutil.get_terminal_size((_WIDTH_OF_FILES, 24)).columns)
