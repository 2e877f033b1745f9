"""Planning one stage: time and peak memory of finding what is missing, when nothing is.

The ledger is written as an executor writes it, in parts of 64 rows, four to a lot; the files are not synced, which
makes the ledger sooner and reading it no faster. The page cache is warm.

python -m tests.bench.ledger_scale [--rows 10000]... [--full]
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from unittest.mock import patch

import numpy as np
import pyarrow as pa

from actor18m.catalog import LOT
from actor18m.fold import fold
from actor18m.index import Values, known, missing, refresh
from actor18m.ledger import Ledger
from actor18m.store import make_store, open_store
from actor18m.writer import hold
from tests.bench.measure import Cost, cost

PART = 64
VALUES = Values("mean", ("mean_similarity",), lambda rows: rows.select(["mean_similarity"]))
COLUMNS = ("scan, loose", "fold", "scan, folded", "make index", "plan, index", "1% changed", "rule values")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, action="append")
    parser.add_argument("--full", action="store_true", help="1.6M rows as well")
    args = parser.parse_args()
    print(f"{'rows':>9} {'written':>8}  " + "  ".join(f"{name:>21}" for name in COLUMNS))
    for asked in args.rows or [10_000, 100_000, *([1_600_000] if args.full else [])]:
        rows = -(-asked // LOT) * LOT
        with tempfile.TemporaryDirectory() as folder:
            url = f"{folder}/store"
            make_store(url)
            start = time.perf_counter()
            write(url, 0, rows)
            written = time.perf_counter() - start
            print(f"{rows:>9,} {written:6.1f} s  " + "  ".join(map(str, measure(url, rows))), flush=True)


def measure(url: str, rows: int) -> Iterator[Cost]:
    yield checked(cost(plan, url, rows), 0)
    yield checked(cost(fold_all, url), -(-rows // LOT))
    yield checked(cost(plan, url, rows), 0)
    yield cost(make_index, url)
    yield checked(cost(plan, url, rows), 0)
    changed = max(LOT, rows // 100)
    write(url, rows, rows + changed)
    yield checked(cost(plan, url, rows + changed + 1), 1)
    yield checked(cost(read_values, url), rows + changed)


def checked(measured: Cost, expected: int) -> Cost:
    assert measured.result == expected, (measured.result, expected)
    return measured


def plan(url: str, rows: int) -> int:
    return sum(table.num_rows for table in missing(ledger_at(url), wanted(rows)))


def fold_all(url: str) -> int:
    with patch.object(os, "fsync", lambda handle: None), hold(open_store(url)) as lease:
        return fold(lease, ledger_at(url))


def make_index(url: str) -> int:
    with hold(open_store(url)) as lease:
        return refresh(lease, ledger_at(url), VALUES)


def read_values(url: str) -> int:
    return sum(table["mean_similarity"].length() for table in known(ledger_at(url), VALUES))


def ledger_at(url: str) -> Ledger:
    return Ledger(open_store(url), "identity", "f00d")


def write(url: str, first: int, stop: int) -> None:
    with patch.object(os, "fsync", lambda handle: None), hold(open_store(url)) as lease:
        ledger = ledger_at(url)
        for start in range(first, stop, PART):
            ledger.commit(lease, start // LOT, rows_from(start, min(start + PART, stop)))


def rows_from(start: int, stop: int) -> pa.Table:
    size = stop - start
    dice = np.random.default_rng(start)
    similarity = dice.random((size, 12), dtype=np.float32)
    return pa.table(
        {
            "key": [key_of(n) for n in range(start, stop)],
            "input_digest": [key_of(n)[:16] for n in range(start, stop)],
            "state": ["ok"] * size,
            "error_kind": pa.nulls(size, pa.string()),
            "error": pa.nulls(size, pa.string()),
            "mean_similarity": similarity.mean(axis=1),
            "similarity": pa.array(list(similarity)),
            "boxes": pa.array(list(dice.random((size, 48), dtype=np.float32))),
        }
    )


def wanted(rows: int) -> Iterator[pa.Table]:
    """In order of lots, as the catalog gives them."""
    for start in range(0, rows, 65_536):
        numbers = range(start, min(start + 65_536, rows))
        keys = [key_of(n) for n in numbers]
        lots = pa.array([n // LOT for n in numbers], pa.int32())
        yield pa.table({"key": keys, "lot": lots, "input_digest": [key[:16] for key in keys]})


def key_of(number: int) -> str:
    return f"{number * 0x9E3779B97F4A7C15F39C & (1 << 80) - 1:020x}"


if __name__ == "__main__":
    main()
