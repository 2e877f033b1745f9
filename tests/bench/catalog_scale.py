"""Registering many inputs: time and peak memory of a first registration, the same again, a sync, one
in which every file has another version, and a reading.

python -m tests.bench.catalog_scale [--rows 1000000]...
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

from actor18m.catalog.register import Register, Registration
from actor18m.inputs import Input
from actor18m.storage.lease import hold
from actor18m.storage.store import make_store, open_store
from tests.bench.measure import cost


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, action="append")
    columns = ("first", "again", "sync, 1% gone", "all changed", "read ids")
    print(f"{'rows':>9}  {'  '.join(f'{name:>25}' for name in columns)}  catalog")
    for rows in parser.parse_args().rows or [10_000, 100_000]:
        with tempfile.TemporaryDirectory() as folder:
            url = f"{folder}/store"
            make_store(url)
            first = cost(register, url, rows, 0, False)
            again = cost(register, url, rows, 0, False)
            synced = cost(register, url, rows, rows // 100, True)
            changed = cost(register, url, rows, 0, False, 2)
            read = cost(read_all, url)
            assert (first.result.added, again.result.added, synced.result.gone) == (rows, 0, rows // 100)
            assert (changed.result.changed, changed.result.back) == (rows, rows // 100)
            assert read.result == rows
            size = sum(path.stat().st_size for path in Path(url, "catalog").iterdir()) / 2**20
        print(f"{rows:>9,}  {first}  {again}  {synced}  {changed}  {read}  {size:.0f} MiB", flush=True)


def register(url: str, rows: int, left_out: int, sync: bool, version: int = 1) -> Registration:
    store = open_store(url)
    with hold(store) as lease:
        return Register(store).register(lease, clips(rows, left_out, version), sync)


def read_all(url: str) -> int:
    return sum(table.num_rows for table in Register(open_store(url)).read(columns=["id"]))


def clips(rows: int, left_out: int, version: int) -> Iterator[Input]:
    """Rows like those of a clip list with captions, in an order that is not the catalog's."""
    for n in range(left_out, rows):
        shuffled = n * 7_919 % 10_000_019
        yield Input(
            f"s3://bucket/part-{shuffled % 97:03d}/{shuffled:08d}.mp4",
            (shuffled % 50, shuffled % 50 + 120),
            (0, 1280, 0, 720),
            "CC-BY-4.0",
            source={"caption": f"person {shuffled} walks through a room and turns to the window, talking " * 2},
            version=f"{shuffled}-{1_732_180_000_000_000_000 + shuffled + version}",
        )


if __name__ == "__main__":
    main()
