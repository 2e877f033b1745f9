"""What is true of the images that are kept, though no rule asks for it: stages of images tell (`Stage.tells`)."""

from collections import Counter
from typing import Any

import pyarrow.compute as pc

from actor18m.survey.admission import found
from actor18m.survey.chain import Link
from actor18m.survey.following import Known
from actor18m.survey.images import KEPT
from actor18m.survey.snapshot import Record
from actor18m.survey.survey import Surveyed

Counts = Counter[tuple[str, str, bool | None]]
"""How many images by column, by kind (the third word of their keys: `self`, `view`), and by what the column says: None
where it says nothing."""


def counts_of_kept(record: Record, known: Known, surveyed: Surveyed) -> dict[str, Counts]:
    """By subset, of the images in these lots at which the stages that tell have looked."""
    counts: dict[str, Counts] = {branch.subset: Counter() for branch in record.surveyor.stages.branches}
    for link in _telling(record):
        rows = known[link.name]
        for branch in record.surveyor.stages.branches:
            images = surveyed.images_of(branch)
            kept = images.filter(pc.and_(pc.equal(images["state"], KEPT), pc.is_valid(images[f"{link.name}@"])))
            of_kept = found(rows, kept["key"], kept[f"{link.name}@"])
            for column in link.stage_class.tells:
                for key, said in zip(kept["key"].to_pylist(), of_kept[f"_{column}"].to_pylist(), strict=True):
                    counts[branch.subset][column, key.split("-")[2], said] += 1
    return counts


def told_of_kept(record: Record, counts: Counts) -> list[dict[str, Any]]:
    """Of each column of a stage that looked at any image: what it says in words, of how many of how many that is true,
    and of how many more nothing is known."""
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
                    "unknown": counts[column, kind, None],
                }
                for kind in kinds
            },
        }
        for column, words in every.items()
        if any(counts[column, kind, is_so] for kind in kinds for is_so in (True, False, None))
    ]


def _telling(record: Record) -> list[Link]:
    return [link for link in record.surveyor.stages.images if link.stage_class.tells]
