"""What is known of every image that is asked for, and what is missing.

An image is asked for in a list of a clip's row. Its maker's row is found by its key and by what the request says, what
the maker reads of the clip, and the bytes of its source image; rows of stages that look at it by the bytes that were
made. So another request, another crop or another picture concerns that image alone. Attempts at a request are told
apart by a number behind the digest, and count up while the maker's rules are failed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from actor18m.ledger.rows import FAILED
from actor18m.policy.rules import OVERRIDE
from actor18m.requests import is_of
from actor18m.stage import UNAVAILABLE
from actor18m.survey.admission import PENDING, found, joined, where
from actor18m.survey.chain import Chain, Link
from actor18m.survey.following import FATE, MISSING, REJECTED, Known, Way, here_of, passed_on
from actor18m.survey.image_fates import (
    PLACE,
    ROWS,
    WHY,
    in_state,
    set_column,
    stopping,
    with_columns,
    with_rows,
    without_source,
)
from actor18m.survey.image_requests import REQUEST, clips_asked_in_full, read_of_clips, requests_to

KEPT = "kept"
STATES = (KEPT, REJECTED, FAILED, "quarantined", UNAVAILABLE, PENDING)
"""Every image that is asked for is in one of them."""
MADE = ("made@", "picture", "candidate", "source_maker", "source@", "source_picture")
"""Of an image that was made: its maker's row, a digest of its bytes, the attempt that it is, and its source's."""
TO_WORK = ("clip", "asked_by", "asked@", "maker", "made@", "candidate", "source_image", "source_maker", "source@")
"""What a worker must know of a missing row, beside MISSING and the digests of the rows that are read."""
IMAGES = pa.schema([*(field for field in REQUEST if field.name != "request"), *FATE, *ROWS])
_GROWING = pa.schema([pa.field(name, pa.int32() if name == "candidate" else pa.string()) for name in MADE])


@dataclass(frozen=True)
class Images:
    fates: pa.Table
    """IMAGES: what became of each, and where its rows are."""
    way: Way
    """`clips` are the images that are kept."""


def survey_images(chain: Chain, admitted: Mapping[str, pa.Table], known: Known, denied: frozenset[str]) -> Images:
    """`admitted` has by subset the clips that its images are made of, with what was read on their way."""
    asked, stops = list[pa.Table](), list[pa.Table]()
    way = Way(pa.table({}), [], {}, {})
    kept, withheld = list[pa.Table](), list[pa.Table]()
    # of each maker what it is asked for, what it made of that, and what of it no word denies
    for link in chain.images:
        if link.stage_class.of != "requests":
            continue
        requests = requests_to(link, read_of_clips(link, chain.images), chain.branches, admitted)
        before = sum(each.num_rows for each in asked)
        requests = requests.append_column(PLACE, pa.array(np.arange(before, before + requests.num_rows)))
        asked.append(requests.select(REQUEST.names))
        asked_in_full = clips_asked_in_full(link, chain, admitted)
        made = _make(link, requests, known[link.name], kept, withheld, asked, asked_in_full, stops, way)
        kept.append(_without_denied(link, made, denied, stops, withheld))
    # of these what passes who looks at it; the rest is kept
    images = _together(kept)
    looking = [f"{link.name}@" for link in chain.images if link.stage_class.of == "images"]
    for link in chain.images:
        if link.stage_class.of == "images":
            images = _look(link, images, known[link.name], stops, way, looking)
    stops.append(with_rows(in_state(images, KEPT), images, looking))
    # all that is asked for, with where it ended
    every = pa.concat_tables([REQUEST.empty_table(), *asked]).select([n for n in IMAGES.names if n in REQUEST.names])
    ended = with_columns(pa.concat_tables(stops, promote_options="default"), [*ROWS.names, *looking])
    # each image ended once; where, is looked up in the order of keys, so that no column is moved twice
    order = pc.sort_indices(every, sort_keys=[("key", "ascending")]).to_numpy()
    every, fates = every.take(pa.array(order)), ended.take(pa.array(np.argsort(ended[PLACE].to_numpy())[order]))
    for name in (*FATE.names, *ROWS.names, *looking):
        every = every.append_column(name, fates[name])
    schema = pa.schema([*IMAGES, *(pa.field(name, pa.string()) for name in looking)])
    return Images(every.cast(schema), Way(images, [], way.missing, way.measured))


def attempts_of(image: Mapping[str, Any]) -> list[str]:
    """Of an image with ROWS, the input digests of its maker's rows, one for each attempt so far."""
    last, count = image["made@"], image["candidate"] or 0
    if last is None:
        return []
    first = last.removesuffix(f"-c{count}")
    return [first, *(f"{first}-c{number}" for number in range(2, count + 1))]


def _make(
    link: Link,
    requests: pa.Table,
    known: pa.Table,
    kept: Sequence[pa.Table],
    withheld: Sequence[pa.Table],
    asked: Sequence[pa.Table],
    asked_in_full: pa.Array,
    stops: list[pa.Table],
    way: Way,
) -> pa.Table:
    """Images that were made and pass, with MADE; what is not there, or fails, is told to `stops` and `way`."""
    # what is to be made from an image that is not kept waits for it, or never will be made
    sources = _together(kept)
    at = pc.index_in(requests["source_image"], value_set=sources["key"].combine_chunks())
    is_waiting = pc.and_(pc.is_valid(requests["source_image"]), pc.is_null(at))
    waiting = where(requests, is_waiting)
    stops.append(none := _never_made(link, waiting, known, withheld))
    waiting = where(waiting, pc.invert(pc.is_in(waiting[PLACE], value_set=none[PLACE].combine_chunks())))
    stops.append(without_source(waiting, link.name, asked, asked_in_full, stops))
    # the rest goes from attempt to attempt, for as long as the maker's rules are failed
    source = sources.take(at)
    told = {"source_maker": source["maker"], "source@": source["made@"], "source_picture": source["picture"]}
    for name in MADE[:3]:
        requests = requests.append_column(_GROWING.field(name), pa.nulls(requests.num_rows, _GROWING.field(name).type))
    for name, column in told.items():
        requests = requests.append_column(name, column)
    open_, made = where(requests, pc.invert(is_waiting)), []
    missing, measured = [], []
    base = _digests(link, open_, ["request"])
    for candidate in range(1, link.step.candidates + 1):
        digests = base if candidate == 1 else pc.binary_join_element_wise(base, f"c{candidate}", "-")  # attempts_of
        open_ = set_column(open_, "candidate", pa.array([candidate] * open_.num_rows, pa.int32()))
        rows = found(known, open_["key"], digests)
        here = here_of(open_["number"].to_numpy(), rows, link.name)
        missing.append(where(_missing(link, open_, digests), pa.array(here.missing)))
        measured.append(here.measured)
        there = pc.if_else(pa.array(here.missing), None, digests)
        for name, column in ("made@", there), ("picture", rows["_picture"]), (WHY, rows["_why"]):
            open_ = set_column(open_, name, column)
        made.append(where(open_, pa.array(here.going)))
        is_last = candidate == link.step.candidates
        again = here.failing & (not is_last)
        stops.append(stopping(open_, here.fates, ~here.going & ~again))
        open_, base = open_.filter(pa.array(again)), base.filter(pa.array(again))
        if not open_.num_rows:
            break
    way.missing[link.name] = pa.concat_tables(missing)
    way.measured[link.name] = pa.concat_tables(measured)
    return pa.concat_tables(made)


def _never_made(link: Link, waiting: pa.Table, known: pa.Table, withheld: Sequence[pa.Table]) -> pa.Table:
    """Of images whose source is denied those that could not be made from it: there is nothing that goes with it."""
    sources = _together(withheld)
    at = pc.index_in(waiting["source_image"], value_set=sources["key"].combine_chunks())
    of_denied, source = where(waiting, pc.is_valid(at)), sources.take(at.drop_null())
    for name, column in ("source_picture", source["picture"]), ("candidate", pa.array([1] * len(source), pa.int32())):
        of_denied = set_column(of_denied, name, column)
    digests = _digests(link, of_denied, ["request"])
    rows = found(known, of_denied["key"], digests)
    of_denied = set_column(set_column(of_denied, "made@", digests), WHY, rows["_why"])
    is_none = pc.fill_null(pc.equal(rows["error_kind"], UNAVAILABLE), False)
    return stopping(of_denied, here_of(of_denied["number"].to_numpy(), rows, link.name).fates, is_none.to_numpy())


def _without_denied(
    link: Link, made: pa.Table, denied: frozenset[str], stops: list[pa.Table], withheld: list[pa.Table]
) -> pa.Table:
    """Images that no word denies, by their key or by what is in them."""
    if not denied or not made.num_rows:
        return made
    told = zip(made["key"].to_pylist(), made["picture"].to_pylist(), strict=True)
    is_denied = pa.array([key in denied or any(is_of(picture, each) for each in denied) for key, picture in told])
    withheld.append(made.filter(is_denied))
    stops.append(in_state(withheld[-1], REJECTED, link.name, OVERRIDE))
    return made.filter(pc.invert(is_denied))


def _look(
    link: Link, images: pa.Table, known: pa.Table, stops: list[pa.Table], way: Way, looking: Sequence[str]
) -> pa.Table:
    """All images, but those of its makers only as far as they were looked at and pass."""
    is_mine = pc.is_in(images["maker"], value_set=pa.array(link.of, pa.string()))
    mine, others = where(images, is_mine), where(images, pc.invert(is_mine))
    stage = link.stage_class
    also = [*(["request"] if stage.reads_request else []), *(["source_picture"] if stage.reads_source_image else [])]
    digests = _digests(link, mine, ["picture", *also])
    rows = found(known, mine["key"], digests)
    here = here_of(mine["number"].to_numpy(), rows, link.name)
    mine = set_column(mine, WHY, rows["_why"])
    mine = mine.append_column(f"{link.name}@", pc.if_else(pa.array(here.missing), None, digests))
    way.missing[link.name] = where(_missing(link, mine, digests), pa.array(here.missing))
    way.measured[link.name] = here.measured
    stops.append(stopping(mine, here.fates, ~here.going, looking))
    return pa.concat_tables([passed_on(mine, link, here), others], promote_options="default")


def _digests(link: Link, images: pa.Table, own: Sequence[str]) -> pa.ChunkedArray:
    """Of each image, what the stage is given: of the image, and of rows about it or its clip."""
    names = [*own, *(f"{needed}>{link.name}" for needed in link.needs)]
    if link.stage_class.of == "requests":
        names.append("source_picture")
    images = with_columns(images, names)
    return joined([pc.fill_null(images[name], "") for name in names])


def _missing(link: Link, images: pa.Table, digests: pa.ChunkedArray) -> pa.Table:
    """MISSING and TO_WORK of these images, and the digests of the rows that are read."""
    read = [f"{needed}@" for needed in link.needs]
    return with_columns(set_column(images, "input_digest", digests), read).select([*MISSING, *TO_WORK, *read])


def _together(tables: Sequence[pa.Table]) -> pa.Table:
    nothing = pa.schema([*REQUEST, *_GROWING, pa.field(PLACE, pa.int64())]).empty_table()
    return pa.concat_tables([nothing, *tables], promote_options="default").combine_chunks()
