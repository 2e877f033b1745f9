"""Which clip every input is or ever was, by all that was measured with whatever parameters: no pipeline is asked.

What people's words are said of is looked up here: keys, ids, paths, URIs.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from actor18m.catalog.catalog import Catalog
from actor18m.catalog.sources import is_list
from actor18m.errors import ActorError
from actor18m.inputs import canonical_uri, local_path, shown
from actor18m.ledger.ledger import Ledger, LotFiles, ledgers
from actor18m.media.content import content_sha256
from actor18m.media.source import MediaError
from actor18m.redact import without_secrets
from actor18m.storage.block_cache import LOTS_PER_SEGMENT
from actor18m.storage.store import Store
from actor18m.survey.chain import CLIP, CONTENT, DURATION, FIRST_WRITES, SIGNATURE

_KEY = re.compile(r"[0-9a-f]{6,20}")
_ASKED = ["id", "lot", "uri", "cut", "crop", "parent"]

_TOLD = {CLIP: "clip", CONTENT: "content"}
_LOOKS = {SIGNATURE: "signature", DURATION: "duration_s"}

Row = dict[str, Any]
"""An input: id, lot, uri, cut, crop, parent, present; with `clip`, `content`, `signature` and `duration_s`, None where
nothing was measured.
"""


def contents(store: Store, with_looks: bool = False) -> Iterator[pa.Table]:
    """Lot by lot: one row for each input and each clip that it was; and, if that is asked, for each signature that the
    clip was found to have.
    """
    asked = _TOLD | (_LOOKS if with_looks else {})
    nothing = pa.schema([("key", pa.string()), *((name, FIRST_WRITES[name]) for name in asked)]).empty_table()
    telling = [(ledger, files) for ledger in ledgers(store) if (files := ledger.files()) and _tells(ledger, files)]
    catalog = Catalog(store)
    for start in range(0, catalog.lots().stop, LOTS_PER_SEGMENT):
        block = range(start, min(start + LOTS_PER_SEGMENT, catalog.lots().stop))
        inputs = pa.concat_tables(list(catalog.read(block, _ASKED))).combine_chunks()
        rows = [
            ledger.read_lot(files[lot], [*asked]).select(["key", *asked])
            for ledger, files in telling
            for lot in files.keys() & set(block)
        ]
        # each clip that an input was; then the inputs that are none yet
        known = pa.concat_tables([nothing, *rows], promote_options="default").filter(pc.field(CLIP).is_valid())
        known = known.group_by(["key", *asked]).aggregate([])
        known = known.filter(pc.is_in(known["key"], inputs["id"].combine_chunks()))
        of = inputs.take(pc.index_in(known["key"], inputs["id"].combine_chunks()))
        none = inputs.filter(pc.invert(pc.is_in(inputs["id"], known["key"].combine_chunks())))
        some = of
        for column, name in asked.items():
            some = some.append_column(name, known[column])
        yield pa.concat_tables([some, none], promote_options="default").sort_by(
            [("lot", "ascending"), ("id", "ascending")]
        )


def look_up(store: Store, names: Sequence[str], contents_too: Collection[str] = ()) -> dict[str, list[Row]]:
    """The rows that each name means: the first digits of a clip's key or an input's id, a path, or a URI. And
    those that have each of these contents, by its SHA-256.
    """
    uris = {name: None if _KEY.fullmatch(name) else uri_of(name) for name in names}
    found: dict[str, list[Row]] = {name: [] for name in (*names, *contents_too)}
    for rows in contents(store, with_looks=True):
        for name, uri in uris.items():
            if uri is not None:
                hit = pc.equal(rows["uri"], uri)
            else:
                of_clip = pc.fill_null(pc.starts_with(rows["clip"], name), False)
                hit = pc.or_(of_clip, pc.starts_with(rows["id"], name))
            found[name] += rows.filter(hit).to_pylist()
        for content in contents_too:
            found[content] += rows.filter(pc.equal(rows["content"], content)).to_pylist()
    return found


def uri_of(name: str) -> str:
    """As it is registered: without secrets."""
    uri = canonical_uri(name)
    return uri if local_path(uri) is not None else without_secrets(uri)


def is_key(name: str) -> bool:
    return _KEY.fullmatch(name) is not None


def must_exist(name: str) -> None:
    """Of what is not registered, a file that is not there is most likely mistyped."""
    path = local_path(canonical_uri(name))
    if path is not None and not Path(path).exists():
        raise ActorError(
            f"nothing is registered that {name!r} means, and there is no such file. Give a clip's key, an input's id, "
            "a path or a URI; `actor18m status --inputs` lists them."
        )


def content_of(name: str) -> str | None:
    """The SHA-256 of a local file that can be read now: what is said of it is said of what is in it. A folder or a list
    is refused, since a word is said of single files.
    """
    uri = canonical_uri(name)
    path = local_path(uri)
    if uri.endswith("/") or (path is not None and path.is_dir()):
        raise ActorError(f"{shown(uri)} is a folder, and a word is said of single files: give each by its path.")
    if is_list(uri):
        raise ActorError(f"{shown(uri)} is a list, and a word is said of single files: give each by its path.")
    if path is None:
        return None
    try:
        return content_sha256(uri)[0]
    except (MediaError, OSError):
        return None  # whether anything is registered under this name decides what that means


def _tells(ledger: Ledger, files: dict[int, LotFiles]) -> bool:
    """Is of a first stage."""
    some = ledger.read_lot(next(iter(files.values())), [*FIRST_WRITES])
    return FIRST_WRITES.keys() <= set(some.column_names)
