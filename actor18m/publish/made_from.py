"""Which images of a version go with others: those that are made from them, and from these in turn."""

from collections.abc import Collection, Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from actor18m.keys import clip_of
from actor18m.survey.image_digests import and_their_images


def and_made_from(keys: Collection[str], parts: Iterable[Path]) -> set[str]:
    """These images with all that are made from them, by parts of a version's `references`."""
    found = {*keys}
    clips = pa.array(sorted({clip_of(key) for key in keys}), pa.string())
    sources: dict[str, str] = {}
    for part in parts if found else ():
        if {"key", "clip", "source_key"} <= {*pq.read_schema(part).names}:
            rows = pq.read_table(part, columns=["key", "clip", "source_key"])
            mine = rows.filter(pc.and_(pc.is_in(rows["clip"], value_set=clips), pc.is_valid(rows["source_key"])))
            sources |= dict(zip(mine["key"].to_pylist(), mine["source_key"].to_pylist(), strict=True))
    return and_their_images(found, sources)
