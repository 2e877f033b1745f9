"""Whether the end of the catalog has gone, which its numbers and marks do not tell when marks have gone, too.

Two others know of it: each build leaves in its account how many files the catalog had, and rows are measured of lots
that are registered.
"""

from actor18m.catalog.catalog import Catalog
from actor18m.catalog.catalog_files import FOLDER, WAY_OUT, CatalogFiles
from actor18m.ledger.ledger import ledgers
from actor18m.storage.store import Store, StoreError
from actor18m.survey.runs import accounts


def check_catalog(store: Store, measured: int = -1) -> None:
    """Raises when files of it have gone. `measured`: the last lot of which rows are there, listed before this is asked:
    a build registers a lot before it measures it.
    """
    if (gone := end_gone(store)) is not None:
        raise error_of(store, gone)
    check_lots(store, measured, Catalog(store).lots())


def last_measured(store: Store) -> int:
    """The last lot of which any stage has rows, with whatever parameters; -1 when none has."""
    return max((lot for ledger in ledgers(store) for lot in ledger.files()), default=-1)


def check_lots(store: Store, measured: int, registered: range) -> None:
    if (gone := lots_gone(measured, registered)) is not None:
        raise error_of(store, gone)


def end_gone(store: Store) -> str | None:
    """In words that follow the folder's name, what the builds so far say; None when nothing has gone by that."""
    told = ((run["catalog"], run["run"]) for run in accounts(store) if isinstance(run.get("catalog"), int))
    before, run = max(told, default=(0, 0))
    latest = CatalogFiles(store).latest()
    if latest >= before:
        return None
    ends = f"ends with file {latest}" if latest else "is empty"
    return f"{ends}, and build {run:06d} left {before} files in it: some have gone"


def lots_gone(measured: int, registered: range) -> str | None:
    """The same by rows."""
    if measured < registered.stop:
        return None
    return f"ends before lot {registered.stop}, and the ledger has rows of lot {measured}: files have gone"


def error_of(store: Store, gone: str) -> StoreError:
    return StoreError(f"{store.url}/{FOLDER} {gone}. {WAY_OUT}")
