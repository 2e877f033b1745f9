"""The whole story of one clip: where it came from, what was measured, what decided, and what went wrong."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow.compute as pc

from actor18m.build import Project
from actor18m.catalog import SCHEMA
from actor18m.errors import ActorError
from actor18m.inputs import canonical_uri
from actor18m.policy import by_name, judge, spelt
from actor18m.record import Record
from actor18m.rows import OUTCOME
from actor18m.survey import Surveyed

_LONGEST_LIST = 8
_NAME = re.compile(r"[0-9a-f]{6,20}")


def explain(project: Project, name: str) -> list[dict[str, Any]]:
    """Of each input that the name means: an input's id or a clip's key or their first digits, a path, or a URI."""
    record = project.record()
    columns = [each for each in SCHEMA.names if each != "version"]
    found = [
        _story(project, record, surveyed, number)
        for _, surveyed in record.surveyed(columns)
        for number in _matching(surveyed, name)
    ]
    if not found:
        raise ActorError(
            f"nothing is registered that {name!r} means. Give a clip's key, an input's id, a path or a URI; "
            "`actor18m status --inputs` lists them."
        )
    return found


def _matching(surveyed: Surveyed, name: str) -> Iterator[int]:
    inputs = surveyed.inputs
    if _NAME.fullmatch(name):
        hit = pc.or_(pc.starts_with(inputs["id"], name), pc.fill_null(pc.starts_with(inputs["clip"], name), False))
    else:
        hit = pc.equal(inputs["uri"], canonical_uri(name))
    return (number for number, is_hit in enumerate(hit.to_pylist()) if is_hit)


def _story(project: Project, record: Record, surveyed: Surveyed, number: int) -> dict[str, Any]:
    row = surveyed.inputs.slice(number, 1).to_pylist()[0]
    fate = {name: value for name, value in row.items() if value is not None and name not in ("present", "version")}
    said = [str(each) for each in project.overrides if each.key == row["clip"]]
    return fate | {"stages": list(_stages(project, record, surveyed, number, row)), "overrides": said}


def _stages(
    project: Project, record: Record, surveyed: Surveyed, number: int, row: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    for link in project.chain:
        is_first = link is project.chain[0]
        files = record.files[link.name].get(row["lot"])
        key = row["id"] if is_first else row["clip"]
        if files is None or key is None:
            return
        ledger = link.ledger(project.store)
        rows = ledger.read_lot(files)
        rows = rows.filter(pc.equal(rows["key"], key))
        if not rows.num_rows:
            return
        decided = surveyed.measured[link.name]
        decided = decided.filter(pc.equal(decided["number"], number))
        held = rows.to_pylist()
        current = next((r for r in held if [r["input_digest"]] == decided["input_digest"].to_pylist()), held[-1])
        own = {name: _short(value) for name, value in current.items() if name not in (*OUTCOME.names, "part")}
        yield {
            "stage": link.name,
            "fingerprint": link.fingerprint,
            "backends": {role: backend[0] for role, backend in link.backends.items()},
            "state": current["state"],
            "error": None if current["error"] is None else f"{current['error_kind']}: {current['error']}",
            "values": {} if current["error"] else own,
            "rules": [
                {
                    "rule": name,
                    "value": decided[name][0].as_py(),
                    "bound": ", ".join(f"{bound} {spelt(limit)}" for bound, limit in rule.bounds.items()),
                    "passed": judge(decided, {name: rule})["passed"][0].as_py(),
                }
                for name, rule in by_name(link.rules).items()
                if decided.num_rows
            ],
            "older_rows": len(held) - 1,
        }


def _short(value: object) -> object:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list) and len(value) > _LONGEST_LIST:
        return [*map(_short, value[:_LONGEST_LIST]), f"… {len(value)} in all"]
    return value
