"""What becomes of images that go no further: by rows of their own, or for want of the image that they are made from."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from actor18m.ledger.rows import FAILED, QUARANTINED
from actor18m.policy.rules import OVERRIDE
from actor18m.stage import UNAVAILABLE
from actor18m.survey.admission import PENDING, where
from actor18m.survey.following import REJECTED, Mask, stopped

PLACE = "place"
"""Among all that are asked for."""
WHY = "why"
"""Why an image cannot be made, in words and without numbers, so that reasons can be counted; null of all others."""
ROWS = pa.schema([pa.field("candidate", pa.int32()), pa.field("made@", pa.string()), pa.field(WHY, pa.string())])
"""Which attempt the last one was, and its maker's row; null where it is not there. Whoever looks at images adds a
column of its own, such as `annotate@`."""


def in_state(images: pa.Table, state: str, stage: str | None = None, rule: str | None = None) -> pa.Table:
    """PLACE, FATE and ROWS of images that all end alike."""
    told = stopped(images["number"].to_numpy(), state, stage=stage, rule=rule)
    return with_rows(told.append_column(PLACE, images[PLACE]), images, ROWS.names)


def stopping(images: pa.Table, fates: pa.Table, mask: Mask, looked: Sequence[str] = ()) -> pa.Table:
    """PLACE, FATE and where the rows are of the images that go no further; `looked` are columns of those who looked."""
    told = where(with_rows(fates.append_column(PLACE, images[PLACE]), images, [*ROWS.names, *looked]), pa.array(mask))
    is_unavailable = pc.and_(pc.equal(told["state"], FAILED), pc.equal(told["error_kind"], UNAVAILABLE))
    return set_column(told, "state", pc.if_else(pc.fill_null(is_unavailable, False), UNAVAILABLE, told["state"]))


def without_source(
    images: pa.Table, maker: str, asked: Sequence[pa.Table], asked_in_full: pa.Array, ended: Sequence[pa.Table]
) -> pa.Table:
    """PLACE, FATE and ROWS of images whose source image did not come about. Where that was denied, so are they; where
    it ended otherwise, they cannot be made, nor where nobody asks for it; else they wait. `asked` has all requests so
    far, in the order of PLACE, and `asked_in_full` the clips of which no more will come.
    """
    told = in_state(images, PENDING, maker)
    if not images.num_rows:
        return told
    fates = pa.concat_tables(ended, promote_options="default")
    place = pc.index_in(images["source_image"], value_set=pa.concat_tables(asked)["key"].combine_chunks())
    source = fates.take(pc.index_in(place.cast(pa.int64()), value_set=fates[PLACE].combine_chunks()))
    is_nowhere = pc.and_(pc.is_null(place), pc.is_in(images["clip"], value_set=asked_in_full)).to_pylist()
    names = images["source_image"].to_pylist()
    became = [
        _of_none(name) if nowhere else _became(each)
        for name, nowhere, each in zip(
            names, is_nowhere, source.select(["state", "stage", "rule", "error_kind"]).to_pylist(), strict=True
        )
    ]
    for name in ("state", "rule", "error_kind", WHY):
        values = [each.get(name) for each in became]
        told = set_column(told, name, pa.array(values, pa.string()))
    return told


def _of_none(source_image: str) -> dict[str, str]:
    """Of an image whose request names another one that the clip does not have."""
    name = source_image.partition("-")[2]
    why = f"its source image {name} is none of the clip's"
    return {"state": UNAVAILABLE, "error_kind": UNAVAILABLE, WHY: why}


def _became(source: Mapping[str, Any]) -> dict[str, str]:
    """Of an image that is made from this one."""
    state, stage, rule = source["state"], source["stage"], source["rule"]
    if state == REJECTED and rule == OVERRIDE:
        return {"state": REJECTED, "rule": OVERRIDE, WHY: "its source image was denied"}
    words = {
        REJECTED: f"its source image was rejected by {stage}.{rule}",
        FAILED: f"its source image failed in {stage} ({source['error_kind']})",
        QUARANTINED: f"its source image is quarantined in {stage} ({source['error_kind']})",
        UNAVAILABLE: "its source image is unavailable",
    }
    if state not in words:
        return {"state": PENDING}
    return {"state": UNAVAILABLE, "error_kind": UNAVAILABLE, WHY: words[state]}


def with_rows(fates: pa.Table, images: pa.Table, names: Sequence[str]) -> pa.Table:
    for name in names:
        if name in images.column_names:
            fates = fates.append_column(name, images[name])
    return fates


def with_columns(images: pa.Table, names: Sequence[str]) -> pa.Table:
    """Where no image has something, nothing: as where there are no images at all."""
    for name in names:
        if name not in images.column_names:
            images = images.append_column(name, pa.nulls(images.num_rows, pa.string()))
    return images


def set_column(table: pa.Table, name: str, column: pa.ChunkedArray | pa.Array) -> pa.Table:
    if name not in table.column_names:
        return table.append_column(name, column)
    return table.set_column(table.column_names.index(name), name, column)
