import random
from pathlib import Path

import pytest

from actor18m.catalog import LOT, Catalog
from actor18m.errors import ActorError
from actor18m.inputs import Input, canonical_uri
from actor18m.store import Store, make_store
from actor18m.writer import Lease, hold


def numbered(*numbers: int) -> list[Input]:
    return [Input(f"file:///videos/{n:06d}.mp4") for n in numbers]


def uris(catalog: Catalog, lots: range | None = None, present: bool = True) -> list[str]:
    return [row["uri"] for table in catalog.read(lots) for row in table.to_pylist() if row["present"] is present]


def test_inputs_come_back_with_all_that_was_said_of_them(store: Store, lease: Lease) -> None:
    hostile = canonical_uri(Path("/videos") / "new\nline '\udcff")
    given = [
        Input("s3://b/\u00fc", (10, 20), (0, 64, 0, 48), "CC-BY-4.0", "signed", {"caption": 'a "b"', "n": [1, 2]}),
        Input(hostile),
    ]
    catalog = Catalog(store)
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
        "present": True,
    }


def test_a_batch_is_sorted_and_its_bytes_do_not_depend_on_the_order_given(tmp_path: Path) -> None:
    contents = set()
    for seed in range(3):
        store = make_store(tmp_path / f"store-{seed}")
        numbers = random.Random(seed).sample(range(1000), 1000)
        with hold(store) as lease:
            result = Catalog(store).register(lease, numbered(*numbers))
        assert (result.given, result.added, result.lots) == (1000, 1000, range(4))
        assert uris(Catalog(store)) == [row.uri for row in numbered(*range(1000))]
        contents.add(store.read("catalog/batch-000001.parquet"))
    assert len(contents) == 1


def test_a_lot_is_for_ever_and_new_inputs_make_new_lots(store: Store, lease: Lease) -> None:
    catalog = Catalog(store)
    catalog.register(lease, numbered(*range(100, 100 + LOT + 10)))
    before = uris(catalog)
    result = catalog.register(lease, numbered(1, 2, 105))
    assert (result.given, result.added, result.lots, catalog.lots()) == (3, 2, range(2, 3), range(3))
    assert uris(catalog, range(2)) == before
    assert uris(catalog, range(1, 2)) == before[LOT:]
    assert uris(catalog, range(2, 3)) == [row.uri for row in numbered(1, 2)]
    assert uris(catalog, range(3, 9)) == []


def test_what_is_known_already_adds_nothing(store: Store, lease: Lease) -> None:
    catalog = Catalog(store)
    catalog.register(lease, numbered(1, 2, 2, 1))
    files = store.names("catalog")
    again = catalog.register(lease, numbered(2, 1))
    assert (again.added, again.back, again.gone, len(again.lots)) == (0, 0, 0, 0)
    assert store.names("catalog") == files


def test_of_two_descriptions_of_one_input_the_same_one_is_kept_in_any_order(store: Store, lease: Lease) -> None:
    catalog = Catalog(store)
    for number, order in enumerate(([1, 2], [2, 1])):
        rows = [Input(f"file:///{number}", source={"caption": caption}) for caption in order]
        assert catalog.register(lease, rows).added == 1
    assert [row["source"] for table in catalog.read() for row in table.to_pylist()] == ['{"caption":1}'] * 2


def test_sync_reports_what_has_gone_and_what_is_back_and_keeps_history(store: Store, lease: Lease) -> None:
    catalog = Catalog(store)
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
    assert store.names("catalog") == [
        *(f"catalog/batch-{n:06d}.parquet" for n in (1, 3)),
        *(f"catalog/presence-{n:06d}.parquet" for n in (2, 4, 5)),
    ]


def test_without_sync_nothing_goes(store: Store, lease: Lease) -> None:
    catalog = Catalog(store)
    catalog.register(lease, numbered(1, 2))
    assert catalog.register(lease, numbered(3)).gone == 0
    assert len(uris(catalog)) == 3


def test_a_sync_that_found_nothing_is_refused(store: Store, lease: Lease) -> None:
    catalog = Catalog(store)
    catalog.register(lease, numbered(1))
    with pytest.raises(ActorError, match="no input was found, and --sync would supersede all"):
        catalog.register(lease, [], sync=True)
    assert catalog.register(lease, []).given == 0


def test_lots_run_through_row_groups(store: Store, lease: Lease) -> None:
    catalog = Catalog(store)
    catalog.register(lease, numbered(*range(70_000)))
    tables = list(catalog.read(columns=["uri"]))
    assert [table.num_rows for table in tables] == [65_536, 4_464]
    assert tables[0].column_names == ["id", "uri", "lot", "present"]
    assert uris(catalog, range(255, 258)) == [row.uri for row in numbered(*range(255 * LOT, 258 * LOT))]
