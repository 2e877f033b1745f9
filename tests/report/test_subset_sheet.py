"""A subset whose images are made from others: their sources stand beside what was made, or was to be made."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from actor18m.dataset import Version
from actor18m.execute.brought import files_of
from actor18m.ledger.ledger import Ledger
from actor18m.media.tile import PAPER
from actor18m.publish import publish
from actor18m.report.subset_sheet import subset_sheet, subsets_made
from actor18m.report.tiles import LABEL_WIDTH, TILE_HEIGHT, TILE_WIDTH
from actor18m.stage import Row
from actor18m.storage.lease import Lease
from stages.crops import Crops
from tests.publish.material import FACTS, PIPELINE
from tests.report.test_sheets import Pixels, add_to_manifest, drawn, publish_references
from tests.stages.shot_by_truth import wanted_images


def is_drawn(sheet: Pixels, column: int) -> bool:
    return bool(in_tile(sheet, column).std() > 20)


def in_tile(sheet: Pixels, column: int) -> Pixels:
    x = LABEL_WIDTH + column * TILE_WIDTH
    return sheet[:TILE_HEIGHT, x : x + TILE_WIDTH]


def test_a_source_stands_beside_all_that_was_asked_for(tmp_path: Path, lease: Lease) -> None:
    version = Path(publish(tmp_path / "dataset", [], PIPELINE, FACTS).path)
    publish_references(version, "turn_standing_1", [("face", 0), ("face", 8)])
    (table,) = (version / "metadata" / "references").glob("*.parquet")
    source, kept = pq.read_table(table).to_pylist()
    made = Crops().measure(wanted_images("turn_standing_1", [("face", 0), ("face", 8), ("face", 16)])[0])
    *_, row = (each for each in made if isinstance(each, Row))
    digests = {row.key: "d"}
    Ledger(lease.store, "turns", "f1").commit(lease, 0, Crops.writes.table([row], digests), files_of([row], digests))
    about = {"subset": "T", "source_key": source["key"], "maker": "turns", "fingerprint": "f1", "lot": 0}
    nowhere = dict.fromkeys(("shard", "image_offset", "image_size", "mask_offset", "mask_size", "sha256"))
    verdict = {"stage": "judge", "rule": "same", "verdict": "inconsistent", "confidence": 0.9, "view": "left"}
    rows = [
        source | about | {"subset": "A", "state": "kept", "source_key": None},
        kept | about | {"state": "kept"},
        kept | about | nowhere | verdict | {"key": row.key, "state": "rejected"},
        kept
        | about
        | nowhere
        | {"key": "turn_standing_1-face-turn-09", "state": "unavailable", "why": "turn: no film"},
    ]
    every = {name: None for each in rows for name in each}
    table.chmod(0o644)
    pq.write_table(pa.Table.from_pylist([every | each for each in rows]), table)
    add_to_manifest(version, [str(table.relative_to(version))])
    opened = Version.open(version)
    assert subsets_made(opened) == ["T"]
    for store, seen in ((None, [True, True, False, False]), (lease.store, [True, True, True, False])):
        assert subset_sheet(opened, store, "T", tmp_path / "T.png", most=10) == 1
        sheet = drawn(tmp_path / "T.png")
        assert sheet.shape[1] == LABEL_WIDTH + 4 * TILE_WIDTH
        assert sorted((is_drawn(sheet, column) for column in range(4)), reverse=True) == seen
        assert 0 < (in_tile(sheet, 3) != PAPER + 12).mean() < 0.1, "why there is no picture, in its place"


def test_a_source_that_is_in_no_subset_is_drawn_from_the_store(tmp_path: Path, lease: Lease) -> None:
    """As with `--only subset-T`, for which crops are cut and not published."""
    version = Path(publish(tmp_path / "dataset", [], PIPELINE, FACTS).path)
    publish_references(version, "turn_standing_1", [("face", 0), ("face", 8)])
    (table,) = (version / "metadata" / "references").glob("*.parquet")
    cut, made = pq.read_table(table).to_pylist()
    row = next(
        each
        for each in Crops().measure(wanted_images("turn_standing_1", [("face", 0)])[0])
        if isinstance(each, Row) and each.key == cut["key"]
    )
    digests = {row.key: "d"}
    Ledger(lease.store, "crops", "f1").commit(lease, 0, Crops.writes.table([row], digests), files_of([row], digests))
    told = {"begun": "2026-11-29", "stages": {"read": {"fingerprint": "f0"}, "crops": {"fingerprint": "f1"}}}
    lease.create("runs/000001.json", json.dumps(told).encode())
    about = {"subset": "T", "source_key": cut["key"], "maker": "turns", "fingerprint": "f2", "lot": 0, "state": "kept"}
    table.chmod(0o644)
    pq.write_table(
        pa.Table.from_pylist([made | about | dict.fromkeys(("stage", "rule", "verdict", "confidence"))]), table
    )
    add_to_manifest(version, [str(table.relative_to(version))])
    for store, shown in ((None, 1), (lease.store, 2)):
        assert subset_sheet(Version.open(version), store, "T", tmp_path / "T.png", most=10) == 1
        sheet = drawn(tmp_path / "T.png")
        assert sheet.shape[1] == LABEL_WIDTH + shown * TILE_WIDTH, "no empty tile without the store"
        assert all(is_drawn(sheet, column) for column in range(shown))
