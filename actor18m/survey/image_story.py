"""What became of one image: what was asked for, what was made of it in which attempt, and what was seen in it."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from actor18m.keys import reference_key
from actor18m.survey.chain import Link
from actor18m.survey.images import attempts_of
from actor18m.survey.project import Project
from actor18m.survey.snapshot import Record
from actor18m.survey.stage_story import held_rows, plain, ruled, stage_story
from actor18m.survey.survey import Surveyed


def image_story(project: Project, record: Record, surveyed: Surveyed, image: Mapping[str, Any]) -> dict[str, Any]:
    """Of one image: what was asked for, what was made of it in which attempt, and what was seen in it."""
    key = image["key"]
    fate = {
        name: value
        for name, value in image.items()
        if value is not None and name not in ("key", "number") and not name.endswith("@")
    }
    (given,) = surveyed.inputs.slice(image["number"], 1).to_pylist()
    asking = record.links[image["asked_by"]]
    stages = []
    for link in project.stages.images:
        if link.name == image["maker"] or image["maker"] in link.of:
            held = held_rows(project, record, link, image["lot"], key)
            decided = surveyed.measured[link.name]
            decided = decided.filter(pc.equal(decided["key"], key))
            digest = image["made@" if link.name == image["maker"] else f"{link.name}@"]
            # what was seen in another attempt, or in another picture of before, is no part of this one's story
            if digest is not None and held:
                last = decided.filter(pc.equal(decided["input_digest"], digest))
                told = stage_story(link, held, [digest], last)
                stages.append(told | {"attempts": _attempts(link, held, decided, image)})
    said = [str(word) for word in project.words.in_force if word.is_of_image and word.of == key]
    request = _request(project, record, asking, image)
    return {"image": key, "uri": given["uri"], **fate, "request": request, "stages": stages, "overrides": said}


def _attempts(
    link: Link, held: Sequence[Mapping[str, Any]], decided: pa.Table, image: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Of a maker, each attempt but the last: what it told in numbers, and what rules say of it."""
    found = []
    for number, digest in enumerate(attempts_of(image)[:-1] if link.name == image["maker"] else [], start=1):
        row = next((row for row in held if row["input_digest"] == digest), {})
        rules = ruled(link, decided.filter(pc.equal(decided["input_digest"], digest)), row)
        found.append({"candidate": number, "values": {n: v for n, v in row.items() if _is_number(v)}, "rules": rules})
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _request(project: Project, record: Record, asking: Link, image: Mapping[str, Any]) -> dict[str, Any]:
    requests = asking.stage_class.requests
    assert requests is not None
    held = held_rows(project, record, asking, image["lot"], image["clip"])
    asked = next((row[requests.column] for row in held if row["input_digest"] == image["asked@"]), None) or []
    found: dict[str, Any] = next(
        (each for each in asked if reference_key(image["clip"], each["name"]) == image["key"]), {}
    )
    return {name: plain(value) for name, value in found.items()}
