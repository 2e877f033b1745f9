"""What one stage measured of a clip or an image, and what rules say of that: what `explain` tells of each stage."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from actor18m.ledger.rows import OUTCOME
from actor18m.policy.rules import by_name, judge, spelt
from actor18m.shortest import shortest
from actor18m.stage import UNAVAILABLE
from actor18m.survey.chain import Link
from actor18m.survey.following import REJECTED
from actor18m.survey.project import Project
from actor18m.survey.snapshot import Record


def held_rows(project: Project, record: Record, link: Link, lot: int, key: str | None) -> list[dict[str, Any]]:
    """All rows of a clip or an image that hold, of whatever input digest."""
    files = record.files[link.name].get(lot)
    if files is None or key is None:
        return []
    rows = link.ledger(project.store).read_lot(files)
    found: list[dict[str, Any]] = shortest(rows.filter(pc.equal(rows["key"], key))).to_pylist()
    return found


def stage_story(
    link: Link,
    held: Sequence[Mapping[str, Any]],
    digests: Sequence[str],
    decided: pa.Table | None,
    state: str | None = None,
) -> dict[str, Any]:
    """Of the row that counts now, or of one that did: what was measured, and what rules say of it. `state` is how the
    clip ended in this stage, if it did.
    """
    ended = next((row for row in held if row["state"] == state), held[-1])
    current = next((row for row in held if [row["input_digest"]] == [*digests]), ended)
    own = {name: plain(value) for name, value in current.items() if name not in (*OUTCOME.names, "part")}
    return {
        "stage": link.name,
        "fingerprint": link.fingerprint,
        "backends": {role: backend[0] for role, backend in link.backends.items()},
        "state": UNAVAILABLE if current["error_kind"] == UNAVAILABLE else current["state"],
        "error": None if current["error"] is None else f"{current['error_kind']}: {current['error']}",
        "values": {} if current["error"] else own,
        "rules": [] if decided is None else ruled(link, decided, current),
        "older_rows": len(held) - 1,
    }


def ruled(link: Link, decided: pa.Table, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What each rule says of a judged row, if there is one. A rule does not apply that passes by what its expression
    puts in place of nulls alone: what a sheet shows in its panels is told of no other picture.
    """
    found = []
    for name, rule in by_name(link.rules).items() if decided.num_rows else ():
        passed = judge(decided, {name: rule})["passed"][0].as_py()
        applies = not passed or not stands_in(link.rules[name].value or name, row)
        found.append(
            {
                "rule": name,
                "value": shortest(decided)[name][0].as_py() if applies else None,
                "bound": ", ".join(f"{bound} {spelt(limit)}" for bound, limit in rule.bounds.items()),
                "passed": passed,
                "applies": applies,
                "otherwise": rule.otherwise or REJECTED,
            }
        )
    return found


def stands_in(expression: str, row: Mapping[str, Any]) -> bool:
    """Whether it is computed of nulls, by what `coalesce` says."""
    read = [value for column, value in row.items() if re.search(rf"\b{re.escape(column)}\b", expression)]
    return bool(read) and "coalesce(" in expression.lower() and all(value is None for value in read)


def plain(value: object) -> object:
    """As JSON holds it: bytes in hexadecimal digits, everything whole."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return {name: plain(inner) for name, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value
