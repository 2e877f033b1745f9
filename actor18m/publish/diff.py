"""What changed between two versions of a dataset."""

from collections.abc import Sequence
from contextlib import ExitStack
from difflib import unified_diff
from pathlib import Path
from typing import Any

import duckdb

from actor18m.dataset.root import Dataset
from actor18m.dataset.version import Version

_MOVED = """
    SELECT old.state AS "from", new.state AS "to",
        CASE WHEN new.rule IS NULL THEN concat_ws('.', old.stage, old.rule)
            ELSE concat_ws('.', new.stage, new.rule) END AS rule,
        count(*) AS clips
    FROM read_parquet($old) AS old JOIN read_parquet($new) AS new USING (clip)
    WHERE (old.state, old.stage, old.rule) IS DISTINCT FROM (new.state, new.stage, new.rule)
    GROUP BY ALL ORDER BY clips DESC, "from", "to", rule
"""
_IDENTITIES = """
    SELECT CASE WHEN old.identity_id IS NULL THEN 'found' WHEN new.identity_id IS NULL THEN 'lost' ELSE 'changed' END
        AS what, count(*)
    FROM read_parquet($old) AS old JOIN read_parquet($new) AS new USING (clip)
    WHERE old.identity_id IS DISTINCT FROM new.identity_id
    GROUP BY what ORDER BY what
"""
_TOLD_OTHERWISE = """
    SELECT old.{column} AS "from", new.{column} AS "to", count(*) AS clips
    FROM read_parquet($old) AS old JOIN read_parquet($new) AS new USING (clip)
    WHERE old.{column} IS DISTINCT FROM new.{column}
    GROUP BY ALL ORDER BY clips DESC, "from", "to"
"""
_TOLD = ("licence", "consent", "override")
_ONLY_IN_FIRST = """
    SELECT state, count(*) FROM (
        SELECT first.state FROM read_parquet($first) AS first ANTI JOIN read_parquet($second) AS second USING (clip)
    ) GROUP BY state ORDER BY state
"""

_PUBLISHED = "SELECT key, subset, sha256 FROM read_parquet($tables) WHERE shard IS NOT NULL"
_IMAGES = """
    SELECT subset,
        CASE WHEN old.sha256 IS NULL THEN 'added' WHEN new.sha256 IS NULL THEN 'removed' ELSE 'other' END AS what,
        count(*) AS images
    FROM old_images AS old FULL JOIN new_images AS new USING (key, subset)
    WHERE old.sha256 IS DISTINCT FROM new.sha256
    GROUP BY ALL ORDER BY subset, what
"""


def diff(dataset: str | Path, old: str, new: str) -> dict[str, Any]:
    """JSON values. `moved`: clips in both versions by state before and after, and by the rule that stops them now, or
    stopped them before; `identities`: how many of them have another identity (`changed`), one at last (`found`), or
    none any more (`lost`); `licence`, `consent`, `override`: clips of which another one is told; `added` and `removed`:
    clips in one version only, by state there; `images`: by subset how many are published in one version only, or with
    another picture (`other`).
    """
    found = Dataset.at(dataset)
    versions = before, after = Version.named(found, old), Version.named(found, new)
    shards = [set(version.manifest.recipes) for version in versions]
    with ExitStack() as stack, duckdb.connect() as db:
        images = _images(db, [stack.enter_context(each.near(each.parts("references"))) for each in versions])
        near = [stack.enter_context(version.near(version.parts("clips"))) for version in versions]
        tables = [[*map(str, paths)] for paths in near]
        moved = db.execute(_MOVED, {"old": tables[0], "new": tables[1]}).fetchall()
        told = {column: _told_otherwise(db, column, tables) for column in _TOLD}
        identities = dict(db.execute(_IDENTITIES, {"old": tables[0], "new": tables[1]}).fetchall())
        removed = dict(db.execute(_ONLY_IN_FIRST, {"first": tables[0], "second": tables[1]}).fetchall())
        added = dict(db.execute(_ONLY_IN_FIRST, {"first": tables[1], "second": tables[0]}).fetchall())
    facts = [version.manifest.facts for version in versions]
    return {
        "old": before.name,
        "new": after.name,
        "moved": [dict(zip(("from", "to", "rule", "clips"), row, strict=True)) for row in moved],
        **told,
        "identities": identities,
        "added": added,
        "removed": removed,
        "images": images,
        "shards": {
            "same": len(shards[0] & shards[1]),
            "added": sorted(shards[1] - shards[0]),
            "removed": sorted(shards[0] - shards[1]),
        },
        "facts": {
            name: [each.get(name) for each in facts]
            for name in sorted(facts[0].keys() | facts[1].keys())
            if facts[0].get(name) != facts[1].get(name)
        },
        "pipeline": _changed_lines(before, after),
    }


def _images(db: duckdb.DuckDBPyConnection, tables: Sequence[Sequence[Path]]) -> list[dict[str, Any]]:
    """A version without subsets has no such table, and so no images."""
    for name, paths in zip(("old_images", "new_images"), tables, strict=True):
        db.execute(f"CREATE TEMP TABLE {name} (key VARCHAR, subset VARCHAR, sha256 VARCHAR)")
        if paths:
            db.execute(f"INSERT INTO {name} {_PUBLISHED}", {"tables": [*map(str, paths)]})
    return [dict(zip(("subset", "what", "images"), row, strict=True)) for row in db.execute(_IMAGES).fetchall()]


def _told_otherwise(
    db: duckdb.DuckDBPyConnection, column: str, tables: Sequence[Sequence[str]]
) -> list[dict[str, Any]]:
    """Nothing where one of the versions does not tell it."""
    for table in tables:
        described = db.execute("SELECT * FROM read_parquet($table) LIMIT 0", {"table": table}).description
        if column not in [name for name, *_ in described or ()]:
            return []
    found = db.execute(_TOLD_OTHERWISE.format(column=column), {"old": tables[0], "new": tables[1]}).fetchall()
    return [dict(zip(("from", "to", "clips"), row, strict=True)) for row in found]


def _changed_lines(old: Version, new: Version) -> list[str]:
    """With - or + before each, and the line that begins a hunk to say where."""
    before, after = (version.read("pipeline.yaml").decode().splitlines() for version in (old, new))
    return list(unified_diff(before, after, lineterm="", n=0))[2:]
