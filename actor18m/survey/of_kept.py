"""What is true of the images that are kept, though no rule asks for it: stages of images tell (`Stage.tells`)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from actor18m.survey.admission import found
from actor18m.survey.chain import Branch, Link
from actor18m.survey.images import KEPT
from actor18m.survey.snapshot import Record
from actor18m.survey.survey import Surveyed

Counts = Counter[tuple[str, str, bool]]
"""How many images by column, by kind (the third word of their keys: `self`, `view`), and by what the column says."""


def counts_of_kept(record: Record, surveyed: Surveyed, branch: Branch) -> Counts:
    """Of a subset's images in these lots. Those of which a column says nothing are not counted."""
    counts: Counts = Counter()
    for link in _telling(record):
        images = surveyed.images_of(branch)
        kept = images.filter(pc.and_(pc.equal(images["state"], KEPT), pc.is_valid(images[f"{link.name}@"])))
        for column, said in _said(record, link, kept).items():
            for key, each in zip(kept["key"].to_pylist(), said, strict=True):
                if each is not None:
                    counts[column, key.split("-")[2], each] += 1
    return counts


def told_of_kept(record: Record, counts: Counts) -> list[dict[str, Any]]:
    """Of each column of which anything is known: what it says in words, and of how many of how many that is true."""
    every = {column: words for link in _telling(record) for column, words in link.stage_class.tells.items()}
    kinds = sorted({kind for _, kind, _ in counts})
    return [
        {
            "column": column,
            "words": words,
            "kinds": {
                kind: {
                    "true": counts[column, kind, True],
                    "of": counts[column, kind, True] + counts[column, kind, False],
                }
                for kind in kinds
            },
        }
        for column, words in every.items()
        if any(counts[column, kind, is_so] for kind in kinds for is_so in (True, False))
    ]


def _telling(record: Record) -> list[Link]:
    return [link for link in record.surveyor.stages.images if link.stage_class.tells]


def _said(record: Record, link: Link, kept: pa.Table) -> Mapping[str, Sequence[bool | None]]:
    """By column, what is said of each of these images."""
    columns = list(link.stage_class.tells)
    files = {lot: record.files[link.name].get(lot) for lot in pc.unique(kept["lot"]).to_pylist()}
    read = [link.ledger(record.store).read_lot(each, columns) for each in files.values() if each is not None]
    if not read:
        return {}
    rows = found(pa.concat_tables(read), kept["key"], kept[f"{link.name}@"])
    return {column: rows[column].to_pylist() for column in columns}
