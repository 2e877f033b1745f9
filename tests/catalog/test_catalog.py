import os
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from actor18m import keys
from actor18m.catalog.catalog import CHILDREN, LOT, Catalog
from actor18m.catalog.register import Register
from actor18m.catalog.sources import find_inputs
from actor18m.errors import ActorError
from actor18m.inputs import Input, canonical_uri
from actor18m.storage.lease import Lease, hold
from actor18m.storage.store import Store, make_store


def numbered(*numbers: int) -> list[Input]:
    return [Input(f"file:///videos/{n:06d}.mp4") for n in numbers]


def versioned(*versions: str | None) -> list[Input]:
    return [
        replace(row, version=version) for row, version in zip(numbered(*range(len(versions))), versions, strict=True)
    ]


def seen(catalog: Catalog) -> list[tuple[str | None, bool]]:
    return [(row["version"], row["present"]) for table in catalog.read() for row in table.to_pylist()]


def uris(catalog: Catalog, lots: range | None = None, present: bool = True) -> list[str]:
    return [row["uri"] for table in catalog.read(lots) for row in table.to_pylist() if row["present"] is present]


def test_inputs_come_back_with_all_that_was_said_of_them(store: Store, lease: Lease) -> None:
    hostile = canonical_uri(Path("/videos") / "new\nline '\udcff")
    given = [
        Input(
            "s3://b/\u00fc", (10, 20), (0, 64, 0, 48), "CC-BY-4.0", "signed", {"caption": 'a "b"', "n": [1, 2]}, "7-e1"
        ),
        Input(hostile),
    ]
    catalog = Register(store)
    assert catalog.register(lease, given).added == 2
    (table,) = catalog.read()
    first, second = table.to_pylist()
    assert (first["id"], first["uri"], first["cut"], first["licence"]) == (given[1].id, hostile, None, None)
    assert second == {
        "id": given[0].id,
        "uri": "s3://b/\u00fc",
        "cut": [10, 20],
        "crop": [0, 64, 0, 48],
        "licence": "CC-BY-4.0",
        "consent": "signed",
        "source": '{"caption":"a \\"b\\"","n":[1,2]}',
        "lot": 0,
        "version": "7-e1",
        "parent": None,
        "present": True,
        "removed": False,
    }


def test_a_batch_is_sorted_and_its_bytes_do_not_depend_on_the_order_given(tmp_path: Path) -> None:
    contents = set()
    for seed in range(3):
        store = make_store(tmp_path / f"store-{seed}")
        numbers = random.Random(seed).sample(range(1000), 1000)
        with hold(store) as lease:
            result = Register(store).register(lease, numbered(*numbers))
        assert (result.given, result.added, result.lots) == (1000, 1000, range(4))
        assert uris(Register(store)) == [row.uri for row in numbered(*range(1000))]
        (batch,) = (path for path in store.names("catalog") if path.endswith(".parquet"))
        contents.add(store.read(batch))
    assert len(contents) == 1


def test_a_lot_is_for_ever_and_new_inputs_make_new_lots(store: Store, lease: Lease) -> None:
    catalog = Register(store)
    catalog.register(lease, numbered(*range(100, 100 + LOT + 10)))
    before = uris(catalog)
    result = catalog.register(lease, numbered(1, 2, 105))
    assert (result.given, result.added, result.lots, catalog.lots()) == (3, 2, range(2, 3), range(3))
    assert uris(catalog, range(2)) == before
    assert uris(catalog, range(1, 2)) == before[LOT:]
    assert uris(catalog, range(2, 3)) == [row.uri for row in numbered(1, 2)]
    assert uris(catalog, range(3, 9)) == []


def test_what_is_known_already_adds_nothing(store: Store, lease: Lease) -> None:
    catalog = Register(store)
    catalog.register(lease, numbered(1, 2, 2, 1))
    files = store.names("catalog")
    again = catalog.register(lease, numbered(2, 1))
    assert (again.added, again.back, again.gone, len(again.lots)) == (0, 0, 0, 0)
    assert store.names("catalog") == files


def test_of_two_descriptions_of_one_input_the_same_one_is_kept_in_any_order(store: Store, lease: Lease) -> None:
    catalog = Register(store)
    for number, order in enumerate(([1, 2], [2, 1])):
        rows = [Input(f"file:///{number}", source={"caption": caption}) for caption in order]
        assert catalog.register(lease, rows).added == 1
    assert [row["source"] for table in catalog.read() for row in table.to_pylist()] == ['{"caption":1}'] * 2


def test_sync_reports_what_has_gone_and_what_is_back_and_keeps_history(store: Store, lease: Lease) -> None:
    catalog = Register(store)
    catalog.register(lease, numbered(1, 2, 3))
    result = catalog.register(lease, numbered(2, 4), sync=True)
    assert (result.added, result.back, result.gone) == (1, 0, 2)
    assert uris(catalog) == [row.uri for row in numbered(2, 4)]
    assert uris(catalog, present=False) == [row.uri for row in numbered(1, 3)]
    result = catalog.register(lease, numbered(3))
    assert (result.added, result.back, result.gone) == (0, 1, 0)
    assert uris(catalog, present=False) == [row.uri for row in numbered(1)]
    result = catalog.register(lease, numbered(1, 2), sync=True)
    assert (result.added, result.back, result.gone) == (0, 1, 2)
    assert uris(catalog) == [row.uri for row in numbered(1, 2)]
    written = ["batch-000001", "presence-000002", "batch-000003", "presence-000004", "presence-000005"]
    found = [path.removeprefix("catalog/").split(".") for path in store.names("catalog")]
    assert sorted((name, kind) for name, _, kind in found) == sorted(
        (name, kind) for name in written for kind in ("mark", "parquet")
    )


def test_without_sync_nothing_goes(store: Store, lease: Lease) -> None:
    catalog = Register(store)
    catalog.register(lease, numbered(1, 2))
    assert catalog.register(lease, numbered(3)).gone == 0
    assert len(uris(catalog)) == 3


def test_a_sync_that_found_nothing_is_refused(store: Store, lease: Lease) -> None:
    catalog = Register(store)
    catalog.register(lease, numbered(1))
    with pytest.raises(ActorError, match="no input was found, and --sync would supersede all"):
        catalog.register(lease, [], sync=True)
    assert catalog.register(lease, []).given == 0


def test_lots_run_through_row_groups(store: Store, lease: Lease) -> None:
    catalog = Register(store)
    catalog.register(lease, numbered(*range(70_000)))
    tables = list(catalog.read(columns=["uri"]))
    assert [table.num_rows for table in tables] == [65_536, 4_464]
    assert tables[0].column_names == ["id", "uri", "lot", "version", "present", "removed"]
    assert uris(catalog, range(255, 258)) == [row.uri for row in numbered(*range(255 * LOT, 258 * LOT))]


def test_the_version_seen_last_holds(store: Store, lease: Lease) -> None:
    catalog = Register(store)
    first = catalog.register(lease, versioned("a1", "b1", None))
    assert (first.added, first.changed, first.vanished) == (3, 0, 0)
    again = catalog.register(lease, versioned("a1", "b2", "c1"))
    assert (again.added, again.changed, again.vanished) == (0, 2, 0)
    assert seen(catalog) == [("a1", True), ("b2", True), ("c1", True)]
    assert catalog.register(lease, versioned("a1", "b1")).changed == 1
    assert seen(catalog) == [("a1", True), ("b1", True), ("c1", True)]
    files = store.names("catalog")
    assert catalog.register(lease, versioned("a1", "b1", "c1")).changed == 0
    assert store.names("catalog") == files


def test_a_file_that_vanished_keeps_its_version_and_its_place(store: Store, lease: Lease) -> None:
    catalog = Register(store)
    catalog.register(lease, versioned("a1", "b1", None))
    for sync in (False, True):
        result = catalog.register(lease, versioned(None, "b1", None), sync=sync)
        assert (result.vanished, result.changed, result.gone) == (1, 0, 0)
        assert seen(catalog) == [("a1", True), ("b1", True), (None, True)]


def test_what_is_gone_keeps_its_version_and_is_back_in_another(store: Store, lease: Lease) -> None:
    catalog = Register(store)
    catalog.register(lease, versioned("a1", "b1"))
    catalog.register(lease, versioned("a1"), sync=True)
    assert seen(catalog) == [("a1", True), ("b1", False)]
    result = catalog.register(lease, versioned("a1", "b2"))
    assert (result.back, result.changed, result.gone) == (1, 1, 0)
    assert seen(catalog) == [("a1", True), ("b2", True)]


def test_of_one_input_given_twice_the_one_that_is_there_counts(store: Store, lease: Lease) -> None:
    catalog = Register(store)
    (here, gone) = versioned("a1")[0], versioned(None)[0]
    catalog.register(lease, [gone, here, gone])
    assert seen(catalog) == [("a1", True)]


def test_another_look_finds_edited_and_vanished_files(tmp_path: Path, store: Store, lease: Lease) -> None:
    catalog = Register(store)
    paths = [tmp_path / f"{n}.mp4" for n in range(4)]
    for path in paths:
        path.write_bytes(b"one")
    given = list(find_inputs([str(tmp_path)]))
    catalog.register(lease, given)
    catalog.register(lease, [row for row in given if not row.uri.endswith("/3.mp4")], sync=True)
    before = seen(catalog)
    paths[0].write_bytes(b"other")
    paths[1].unlink()
    os.utime(paths[3])
    result = catalog.look_again(lease)
    assert (result.given, result.added, result.changed, result.vanished, len(result.lots)) == (3, 0, 1, 1, 0)
    after = seen(catalog)
    assert after[1:] == before[1:]
    assert after[0] != before[0]
    again = catalog.look_again(lease)
    assert (again.changed, again.vanished) == (0, 1)


def test_every_version_can_change_again_and_again(store: Store, lease: Lease) -> None:
    """Words on more inputs than are in memory at once."""
    catalog = Register(store)
    rows = numbered(*range(70_000))
    for number in range(3):
        catalog.register(lease, [replace(row, version=f"{row.uri[-10:-4]}-{number}") for row in rows])
    catalog.register(lease, [replace(rows[5], version="last")])
    found = {row["uri"]: row["version"] for table in catalog.read() for row in table.to_pylist()}
    assert found.pop(rows[5].uri) == "last"
    assert len(found) == 69_999
    assert all(version == f"{uri[-10:-4]}-2" for uri, version in found.items())


def children(parent: Input, *cuts: tuple[int, int], version: str = "1") -> pa.Table:
    ids = [keys.child_id(parent.id, cut) for cut in cuts]
    told = {"uri": parent.uri, "crop": None, "licence": None, "consent": None, "source": "{}", "version": version}
    columns: dict[str, list[Any]] = {"id": ids, "cut": list(cuts), "parent": [parent.id] * len(ids)}
    columns |= {name: [value] * len(ids) for name, value in told.items()}
    schema = pa.schema([field for field in CHILDREN if field.name != "lot"])
    return pa.table({name: columns[name] for name in schema.names}, schema=schema)


def cuts_there(catalog: Catalog) -> list[list[int]]:
    return [row["cut"] for t in catalog.read(kind="children") for row in t.to_pylist() if row["present"]]


def test_children_are_in_lots_of_their_own_in_the_order_they_are_given(store: Store, lease: Lease) -> None:
    catalog, (one, two) = Register(store), numbered(1, 2)
    catalog.register(lease, [one, two])
    given = [children(two, (0, 5), (5, 9)), children(one, (0, 300), (40, 50), (300, 400))]
    found = catalog.fan_out(lease, given, [])
    assert (found.given, found.added, found.lots) == (5, 5, range(1, 2))
    assert cuts_there(catalog) == [[0, 5], [5, 9], [0, 300], [40, 50], [300, 400]]
    catalog.register(lease, numbered(3))
    rows = [row for table in catalog.read() for row in table.to_pylist()]
    assert [row["lot"] for row in rows] == [0, 0, 1, 1, 1, 1, 1, 2]
    assert [row["parent"] for row in rows] == [None, None, two.id, two.id, one.id, one.id, one.id, None]


def test_children_that_are_split_off_no_more_are_gone_and_come_back(store: Store, lease: Lease) -> None:
    catalog, (one,) = Register(store), numbered(1)
    catalog.register(lease, [one])
    first, second = children(one, (0, 5), (5, 9)), children(one, (0, 5), (5, 7), (7, 9))
    catalog.fan_out(lease, [first], [])
    only_told = catalog.fan_out(None, [second], [])
    assert cuts_there(catalog) == [[0, 5], [5, 9]]
    told = catalog.fan_out(lease, [second], [])
    assert (told.added, told.gone, told.back) == (only_told.added, only_told.gone, only_told.back) == (2, 1, 0)
    assert cuts_there(catalog) == [[0, 5], [5, 7], [7, 9]]
    again = catalog.fan_out(lease, [first], [])
    assert (again.added, again.gone, again.back) == (0, 2, 1)
    assert catalog.fan_out(lease, [first], []).is_as_before
    edited = catalog.fan_out(lease, [children(one, (0, 5), version="2")], [])
    assert (edited.changed, edited.gone) == (1, 1)


def test_children_of_a_source_that_waits_stay_as_they_are(store: Store, lease: Lease) -> None:
    catalog, (one, two) = Register(store), numbered(1, 2)
    catalog.register(lease, [one, two])
    catalog.fan_out(lease, [children(one, (0, 5)), children(two, (0, 6))], [])
    assert catalog.fan_out(lease, [], [one.id]).gone == 1
    assert cuts_there(catalog) == [[0, 5]]


def test_what_is_given_says_nothing_of_children(store: Store, lease: Lease) -> None:
    catalog, (one, two) = Register(store), versioned("1", "1")
    catalog.register(lease, [one, two])
    catalog.fan_out(lease, [children(one, (0, 5))], [])
    assert catalog.register(lease, [one, two], sync=True).gone == 0
    assert catalog.look_again(lease).given == 2
    assert cuts_there(catalog) == [[0, 5]]
