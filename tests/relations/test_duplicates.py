"""Who repeats whom, found at once, lot by lot, and with the help of what was kept: always the same."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import patch

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actor18m.relations.cache import MEMBERS
from actor18m.relations.duplicates import Duplicates
from actor18m.relations.signature_search import DuplicateRule, Shelves
from actor18m.storage.block_cache import LOTS_PER_SEGMENT
from actor18m.storage.lease import Lease, hold
from actor18m.storage.store import Store, StoreError, make_store

Member = tuple[int, str, bytes | None, float | None]

RULE = DuplicateRule(at_most=0.1, within_s=0.25)
BYTES = 9
"""No whole number of words; 7 of 72 bits may differ."""
FAR = LOTS_PER_SEGMENT
"""A lot of the next block."""


def naive(members: Sequence[Member], rule: DuplicateRule | None) -> list[str | None]:
    """One after the other, each compared with all that stand."""
    repeats: dict[str, str | None] = {}
    standing: list[Member] = []
    found: list[str | None] = []
    for member in members:
        _, clip, signature, duration = member
        if clip in repeats:
            found.append(repeats[clip] or clip)
            continue
        like = None
        if rule and signature is not None and duration is not None:
            like = next((other[1] for other in standing if _alike(member, other, rule)), None)
        if like is None:
            standing.append(member)
        repeats[clip] = like
        found.append(like)
    return found


def _alike(one: Member, other: Member, rule: DuplicateRule) -> bool:
    if other[2] is None or other[3] is None or one[2] is None or one[3] is None or len(one[2]) != len(other[2]):
        return False
    differing = (int.from_bytes(one[2]) ^ int.from_bytes(other[2])).bit_count()
    return differing <= rule.at_most * 8 * len(one[2]) and abs(one[3] - other[3]) <= rule.within_s


def _signature(base: int, flipped: Sequence[int]) -> bytes:
    """Some of one base are alike and some are not, and likeness does not carry over."""
    bits = int.from_bytes(bytes([base * 85 % 256]) * BYTES)
    for bit in flipped:
        bits ^= 1 << bit
    return bits.to_bytes(BYTES)


signatures = st.builds(_signature, st.integers(0, 2), st.lists(st.integers(0, 8 * BYTES - 1), max_size=9))
durations = st.sampled_from([2.0, 2.125, 2.25, 2.375, 2.5, 3.0, None])
clips = st.tuples(st.sampled_from("abcdefghijklmnop"), st.none() | signatures, durations)
lots = st.sampled_from([0, 1, 2, FAR, FAR + 1, 3 * FAR])


def table(members: Sequence[Member]) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(MEMBERS.names, row, strict=True)) for row in members], schema=MEMBERS)


def found(store: Store, members: Sequence[Member], rule: DuplicateRule | None, lease: Lease | None = None) -> list[str]:
    """Block by block; with a lease, it is kept."""
    duplicates = Duplicates(store, rule)
    repeated: list[str] = []
    for block in range(4):
        repeated += duplicates.repeated(table([each for each in members if each[0] // FAR == block])).to_pylist()
        if lease is not None:
            duplicates.keep(lease)
    return repeated


def lot_by_lot(store: Store, members: Sequence[Member], rule: DuplicateRule | None) -> list[str]:
    duplicates = Duplicates(store, rule)
    numbers = sorted({lot for lot, *_ in members})
    return [
        of
        for number in numbers
        for of in duplicates.repeated(table([each for each in members if each[0] == number])).to_pylist()
    ]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(lots, clips), max_size=40),
    st.sets(lots),
    st.booleans(),
    st.sampled_from([None, RULE]),
)
def test_it_is_the_same_with_and_without_what_was_kept(
    drawn: list[tuple[int, tuple[str, bytes | None, float | None]]],
    later: set[int],
    is_kept: bool,
    rule: DuplicateRule | None,
) -> None:
    """Lots are kept without those that come `later`, then with all: what was kept serves up to the first of them."""
    told: dict[str, tuple[bytes | None, float | None]] = {}
    members: list[Member] = []
    for lot, (clip, signature, duration) in sorted(drawn, key=lambda each: each[0]):
        members.append((lot, clip, *told.setdefault(clip, (signature, duration))))
    some = [each for each in members if each[0] not in later]
    with tempfile.TemporaryDirectory() as folder, patch("os.fsync"):
        store = make_store(Path(folder, "store"))
        assert lot_by_lot(store, members, rule) == naive(members, rule)
        with hold(store, beat_s=3600) as lease:
            assert found(store, some, rule, lease) == naive(some, rule)
            assert lot_by_lot(store, members, rule) == naive(members, rule)
            assert found(store, members, rule, lease if is_kept else None) == naive(members, rule)
        assert found(store, members, rule) == naive(members, rule)


@pytest.fixture
def members() -> list[Member]:
    """Of two blocks; `c` is like `a`, and so is the last one, which is another block's."""
    return [
        (0, "a", _signature(0, []), 2.0),
        (1, "b", _signature(1, []), 2.0),
        (1, "c", _signature(0, [3]), 2.1),
        (FAR, "d", _signature(2, []), 2.0),
        (FAR + 1, "b", _signature(1, []), 2.0),
        (FAR + 2, "e", _signature(0, [9]), 1.9),
    ]


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many signatures were looked up each time."""
    counts: list[int] = []
    earliest = Shelves.earliest

    def counted(shelves: Shelves, signatures: Sequence[bytes | None], durations: object) -> object:
        counts.append(len(signatures))
        return earliest(shelves, signatures, durations)  # type: ignore[arg-type]

    monkeypatch.setattr(Shelves, "earliest", counted)
    return counts


def test_what_was_kept_is_not_looked_for_again(
    store: Store, lease: Lease, members: list[Member], searches: list[int]
) -> None:
    expected = [None, None, "a", None, "b", "a"]
    assert found(store, members, RULE, lease) == expected
    assert searches
    searches.clear()
    assert found(store, members, RULE) == expected == lot_by_lot(store, members, RULE)
    assert not searches
    more = [*members, (FAR + 2, "f", _signature(1, [5]), 2.0)]
    assert found(store, more, RULE) == [*expected, "b"]
    assert max(searches) == 2, "only the lot that changed"


def test_another_likeness_does_not_take_it(store: Store, lease: Lease, members: list[Member]) -> None:
    found(store, members, RULE, lease)
    assert found(store, members, DuplicateRule(at_most=0)) == [None, None, None, None, "b", None]
    assert found(store, members, None) == [None, None, None, None, "b", None]


def test_what_is_damaged_or_lost_is_found_again(tmp_path: Path, members: list[Member]) -> None:
    store = make_store(tmp_path / "store")
    with hold(store) as lease:
        expected = found(store, members, RULE, lease)
        first, second = sorted((tmp_path / "store" / "relations").rglob("*.parquet"))
        whole = second.read_bytes()
        second.write_bytes(whole[:99] + bytes([whole[99] ^ 1]) + whole[100:])
        assert found(store, members, RULE, lease) == expected
        assert second.read_bytes() == whole
        first.unlink()
        assert found(store, members, RULE) == expected


def test_a_reader_goes_on_from_a_block_that_was_replaced_by_more_and_refuses_another(
    store: Store, lease: Lease, members: list[Member]
) -> None:
    found(store, members[:3], RULE, lease)
    reader, refused = Duplicates(store, RULE), Duplicates(store, RULE)
    for each in reader, refused:
        assert each.repeated(table(members[:3])).to_pylist() == [None, None, "a"]
    found(store, [*members[:3], (2, "z", _signature(2, []), 5.0)], RULE, lease)
    assert reader.repeated(table([(5, "y", _signature(1, [1]), 2.0)])).to_pylist() == ["b"]
    found(store, members[1:3], RULE, lease)
    with pytest.raises(StoreError, match="replaced while it was read"):
        refused.repeated(table([(5, "y", _signature(1, [1]), 2.0)]))
