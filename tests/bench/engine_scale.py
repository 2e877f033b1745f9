"""Planning at scale: eight stages of clips and, with `--images`, three for ten images a clip; nothing to do.

Time, processor time and peak memory of each step in its own process.

The store is made as a build leaves it (long_store.py), and at the smallest size it is compared with one that the serial
executor built. Columns: the first index and the first search for near duplicates, which a build does when it ends; the
index again after it was lost; plan and status with both; plan without the index, and without what was found of
duplicates. The page cache is warm.

python -m tests.bench.engine_scale [--clips 10000]... [--full] [--images]
"""

import argparse
import os
import shutil
import tempfile
import time
from pathlib import Path

import pyarrow.parquet as pq

from actor18m.building.listener import Silent
from actor18m.building.looking import look
from actor18m.building.measuring import measure, settle_down
from actor18m.config.pipeline import parse_pipeline
from actor18m.execute.serial import SerialWorkers
from actor18m.ledger.index import refresh
from actor18m.ledger.rows import BESIDE
from actor18m.storage.lease import hold
from actor18m.storage.store import make_store, open_store
from actor18m.survey.pricing import plan
from actor18m.survey.project import Project
from actor18m.survey.status import status
from tests.bench import long_store
from tests.bench.long_chain import pipeline
from tests.bench.measure import Cost, cost

WITH_IMAGES = "ACTOR18M_BENCH_IMAGES"
"""An environment variable, since each step has a process of its own."""
BUILT = 1_000
ROWS_A_PART = 8
COLUMNS = ("index", "duplicates", "plan", "status", "index again", "plan, no index", "plan, no duplicates")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, action="append")
    parser.add_argument("--full", action="store_true", help="1.6 million as well")
    parser.add_argument("--keep", type=Path, help="where stores are made, and left")
    parser.add_argument("--images", action="store_true", help="each clip asks for ten")
    args = parser.parse_args()
    os.environ[WITH_IMAGES] = "1" if args.images else ""
    with tempfile.TemporaryDirectory() as small:
        compare(Path(small))
    print(f"the layout is the executor's: {BUILT:,} clips, built and made, are the same rows")
    print(f"{'clips':>9} {'made':>7}  " + "  ".join(f"{name:>26}" for name in COLUMNS))
    for clips in args.clips or [10_000, 100_000, *([1_600_000] if args.full else [])]:
        folder = args.keep or Path(tempfile.mkdtemp())
        try:
            measured(folder / f"{clips}", clips)
        finally:
            if args.keep is None:
                shutil.rmtree(folder)


def measured(folder: Path, clips: int) -> None:
    start = time.perf_counter()
    if not folder.exists():
        make(str(folder), clips)
    print(f"{clips:>9,} {time.perf_counter() - start:5.0f} s", end="", flush=True)
    tell(cost(make_index, str(folder)))
    tell(cost(find_duplicates, str(folder)))
    tell(checked(cost(ask_plan, str(folder)), clips))
    tell(checked(cost(ask_status, str(folder)), clips))
    shutil.rmtree(folder / "index")
    without = cost(ask_plan, str(folder))
    tell(cost(make_index, str(folder)))
    tell(checked(without, clips))
    shutil.rmtree(folder / "relations")
    tell(checked(cost(ask_plan, str(folder)), clips))
    print()


def tell(measured: Cost) -> None:
    print(f"  {measured!s:>26}", end="", flush=True)


def checked(measured: Cost, clips: int) -> Cost:
    assert measured.result == clips, (measured.result, clips)
    return measured


def make(folder: str, clips: int) -> None:
    make_store(folder)
    project = project_at(folder)
    with hold(project.store) as lease:
        long_store.register(project, lease, clips)
    long_store.write_rows(project, ROWS_A_PART)


def make_index(folder: str) -> None:
    project = project_at(folder)
    with hold(project.store) as lease:
        for link in project.links:
            refresh(lease, link.ledger(project.store), link.values)


def find_duplicates(folder: str) -> None:
    project = project_at(folder)
    with hold(project.store) as lease:
        look(project, lease, None)


def ask_plan(folder: str) -> int:
    found = plan(project_at(folder).record())
    assert found.is_done
    return found.inputs


def ask_status(folder: str) -> int:
    found = status(project_at(folder).record())
    assert found.adds_up
    return found.inputs


def project_at(folder: str) -> Project:
    with_images = bool(os.environ.get(WITH_IMAGES))
    return Project(parse_pipeline(pipeline(with_images=with_images), "long chain"), open_store(folder))


def compare(folder: Path) -> None:
    """Rows, states, and names of files up to the hashes in them."""
    make(str(folder / "made"), BUILT)
    make_store(folder / "built")
    built = project_at(str(folder / "built"))
    with hold(built.store) as lease:
        long_store.register(built, lease, BUILT)
        measure(built, lease, SerialWorkers, Silent())
        settle_down(built, lease)
    made = project_at(str(folder / "made"))
    assert status(made.record()).told() == status(built.record()).told()
    for link in made.links:
        names = [project.store.names(link.ledger(project.store).folder) for project in (made, built)]
        assert [lot_and_fold(name) for name in names[0]] == [lot_and_fold(name) for name in names[1]], names
        for paths in zip(*names, strict=True):
            one, other = (
                pq.read_table(folder / which / path).drop_columns(["part", *BESIDE.values()])
                for which, path in zip(("made", "built"), paths, strict=True)
            )
            assert one.equals(other), paths


def lot_and_fold(path: str) -> str:
    """`ledger/first/2945d2c592041678/lot-000000.g1`: made parts have other names, so digests differ."""
    return path.rsplit(".", 2)[0]


if __name__ == "__main__":
    main()
