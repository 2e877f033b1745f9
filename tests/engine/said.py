"""Films of which somebody says something by a command, and what becomes of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.engine.site import Site, films

GOOD = films("good", 3, 0.6, 1.0)


def said(site: Site, *command: str, code: int = 0) -> str:
    """What a command said."""
    result = site.run(*command)
    assert result.exit_code == code, result.output
    return result.output


def deny(site: Site, *names: object) -> str:
    return said(site, "deny", *map(str, names), "--why", "asked to be left out", "--who", "ann")


def row(site: Site, name: str) -> Mapping[str, Any]:
    (found,) = (row for row in site.table("inputs") if Path(row["uri"]).stem == name and row["parent"] is None)
    return found


def published(site: Site) -> set[str]:
    """Names of the films that are in the dataset, by any of their sources."""
    rows = [row for row in site.table("clips") if row["shard"] is not None]
    return {Path(uri).stem for row in rows for uri in row["uris"]}


def built_with_one_poor(site: Site) -> Site:
    """Of the good ones, and one that the rules reject."""
    site.put(GOOD | films("poor", 1, 0.2, 0.4))
    site.build()
    site.called()
    return site


def look_alike(site: Site, name: str) -> None:
    """A film that is a near duplicate of the first good one."""
    site.put({name: f"{GOOD['good0']} "})
