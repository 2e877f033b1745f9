"""What is in an image that was cut or made, by digest, and what is made from it: a denial of one holds whatever the
image is called later, and takes along what has it in it.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

import pyarrow as pa
import pyarrow.compute as pc

from actor18m.errors import ActorError
from actor18m.keys import clip_of
from actor18m.ledger.ledger import Ledger, LotFiles, ledgers
from actor18m.ledger.rows import OK
from actor18m.requests import SOURCE
from actor18m.storage.store import Store
from actor18m.survey.runs import accounts

SHA256 = "sha256"
_NAME = "name"


@dataclass
class MadeImage:
    """What the store has of an image."""

    digests: tuple[str, ...] = ()
    """With whatever parameters and in whatever attempt it was made."""
    others: frozenset[str] = frozenset()
    """Keys of images that were made from it, or from those, as far as the stages of the last build made them."""


@dataclass
class _OfClip:
    """What is found of one clip's images."""

    digests: dict[str, dict[str, None]] = field(default_factory=dict)
    """By key."""
    lots: set[int] = field(default_factory=set)


def made_image(store: Store, key: str) -> MadeImage:
    """Raises where there is no image of this key."""
    clip, found = clip_of(key), _OfClip()
    every = [(ledger, ledger.files()) for ledger in ledgers(store)]
    for ledger, lots in every:
        _add_made(found, clip, ledger, lots)
    if key not in found.digests:
        raise ActorError(_no_image(store, key, found.digests))
    others = and_their_images({key}, _sources(clip, _of_last_build(store, every), found.lots)) & found.digests.keys()
    return MadeImage(tuple(found.digests[key]), frozenset(others - {key}))


def and_their_images(keys: Collection[str], sources: Mapping[str, str]) -> set[str]:
    """These images with all that are made from them; `sources` names of each image the one that it is made from."""
    found: set[str] = set()
    more = {*keys}
    while more:
        found |= more
        more = {key for key, source in sources.items() if source in more} - found
    return found


def like_keys(key: str, known: Collection[str]) -> str:
    """Which images of a clip a mistyped key may mean, or which there are, as the end of a sentence."""
    clip, _, mistyped = key.partition("-")
    names = sorted(each.partition("-")[2] for each in known)
    if near := get_close_matches(mistyped, names, n=3, cutoff=0.7):
        return f"Did you mean {' or '.join(f'{clip}-{name}' for name in near)}?"
    return f"Of this clip there are {', '.join(names)}."


def _add_made(found: _OfClip, clip: str, ledger: Ledger, lots: Mapping[int, LotFiles]) -> None:
    for lot, files in lots.items():
        rows = ledger.read_lot(files, [SHA256])
        if SHA256 not in rows.column_names:
            return
        mine = rows.filter(pc.and_(pc.starts_with(rows["key"], f"{clip}-"), pc.is_valid(rows[SHA256])))
        for key, digest in zip(mine["key"].to_pylist(), mine[SHA256].to_pylist(), strict=True):
            found.digests.setdefault(key, {})[digest] = None
            found.lots.add(lot)


def _of_last_build(
    store: Store, every: Collection[tuple[Ledger, Mapping[int, LotFiles]]]
) -> Iterator[tuple[Ledger, Mapping[int, LotFiles]]]:
    """Of its stages; of all, where no build told which it had."""
    told = (run["stages"] for run in reversed(accounts(store)) if isinstance(run.get("stages"), Mapping))
    stages: Mapping[str, object] = next(told, {})
    last = {(name, stage.get("fingerprint")) for name, stage in stages.items() if isinstance(stage, Mapping)}
    return ((ledger, lots) for ledger, lots in every if not last or (ledger.stage, ledger.fingerprint) in last)


def _sources(
    clip: str, telling: Iterator[tuple[Ledger, Mapping[int, LotFiles]]], lots: Collection[int]
) -> dict[str, str]:
    """Of each image that a clip's rows ask for, the one that it is made from."""
    found: dict[str, str] = {}
    for ledger, files in telling:
        for lot in files.keys() & {*lots}:
            rows = ledger.read_lot(files[lot])
            asking = [column.name for column in rows.schema if _asks(column.type)]
            for row in rows.filter(pc.and_(pc.equal(rows["key"], clip), pc.equal(rows["state"], OK))).to_pylist():
                asked = [each for name in asking for each in row[name] or () if each[SOURCE]]
                found |= {f"{clip}-{each[_NAME]}": f"{clip}-{each[SOURCE]}" for each in asked}
    return found


def _asks(kind: pa.DataType) -> bool:
    """Is a column of this type one of requests for images that are made from others?"""
    return (
        pa.types.is_list(kind)
        and pa.types.is_struct(kind.value_type)
        and {_NAME, SOURCE} <= {each.name for each in kind.value_type}
    )


def _no_image(store: Store, key: str, of_clip: Collection[str]) -> str:
    if of_clip:
        return f"there is no image {key} in {store.url}. {like_keys(key, of_clip)}"
    return (
        f"there is no image {key} in {store.url}, nor another one of such a clip. Keys of images stand in "
        "`metadata/references` of the dataset, and `actor18m explain CLIP` lists those of a clip, which has 20 digits."
    )
