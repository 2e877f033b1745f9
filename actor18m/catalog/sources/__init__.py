"""Where inputs come from: files, folders, globs, lists, and the parts of OpenS2V."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice

from actor18m.catalog.sources import files, lists, opens2v, refused
from actor18m.catalog.sources.left_out import FilesLeftOut
from actor18m.errors import ActorError
from actor18m.inputs import Input, shown
from actor18m.storage.file_versions import Listings, versions

_AT_ONCE = 16_384

_READERS: dict[str, Callable[[str], Iterator[refused.Row]]] = {
    ".csv": lists.read_csv,
    ".tsv": lists.read_tsv,
    ".txt": lists.read_paths,
    ".jsonl": lists.read_jsonl,
    ".ndjson": lists.read_jsonl,
    ".parquet": lists.read_parquet,
    ".json": opens2v.read,
}


def is_list(uri: str) -> bool:
    """By its name."""
    return files.suffix(uri) in _READERS


def find_inputs(given: Sequence[str], left_out: FilesLeftOut | None = None) -> Iterator[Input]:
    """What the paths, globs and URLs lead to, each with its version, in no order and some perhaps twice. A list that
    names a file which is not there makes an input all the same, without a version. Of a list or a local folder no more
    than a part is in memory, of an object store the listing of one folder.
    """
    rows = chain.from_iterable(_of(each, left_out or FilesLeftOut()) for each in given)
    listings = Listings()
    while some := list(islice(rows, _AT_ONCE)):
        unseen = [row.uri for row in some if row.version is None]
        seen = dict(zip(unseen, versions(unseen, listings), strict=True))
        for row in some:
            yield row if row.version is not None else replace(row, version=seen[row.uri])


def _of(given: str, left_out: FilesLeftOut) -> Iterator[Input]:
    is_empty = True
    for row in files.find(given, left_out):
        reader = _READERS.get(files.suffix(row.uri))
        for each in (row,) if reader is None else refused.told(row.uri, reader(row.uri)):
            is_empty = False
            yield each
    if is_empty:
        not_taken = f" ({left_out})" if left_out.counts else ""
        raise ActorError(
            f"{shown(given)}: there is no video in it, and no list with a row{not_taken}. "
            "Is a disk not mounted, or the name not the one that was meant? Nothing was changed."
        )
