import itertools
import math
import sys
from collections import Counter
from subprocess import check_output
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor18m.keys import (
    Part,
    clip_key,
    digest,
    fingerprint,
    input_digest,
    input_id,
    reference_key,
    rendezvous,
    seed,
)

CONTENT = digest("some file")
CLIP = clip_key(CONTENT, None, None)

ALIKE: tuple[Part, ...] = (0, 1, 10, 0.0, -0.0, 1.0, True, False, None, "", "1", "10", b"", b"1", b"10", (), {})
parts = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=4,
)
float32s = st.floats(width=32)


def typed(part: object) -> object:
    """Equal exactly where digests must be: Python itself holds 1, 1.0 and True equal, and 0.0 and -0.0."""
    match part:
        case dict():
            return ("m", frozenset((key, typed(value)) for key, value in part.items()))
        case list() | tuple():
            return ("l", *map(typed, part))
        case float():
            return ("float", repr(part))
    return (type(part).__name__, part)


@given(parts, st.lists(st.sampled_from(["in a list", "in a mapping", "before it", "after it"]), max_size=3))
def test_digests_are_equal_only_where_the_parts_are(other: Part, layers: list[str]) -> None:
    some: list[Part] = [other, *ALIKE]
    for layer in layers:
        match layer:
            case "in a list":
                some = [[part] for part in some]
            case "in a mapping":
                some = [{"a": part, "b": 1} for part in some]
            case "before it":
                some = [[other, part] for part in some]
            case "after it":
                some = [[part, other] for part in some]
    assert len({digest(part) for part in some}) == len({typed(part) for part in some})


def test_digests_tell_apart_what_looks_alike() -> None:
    lookalikes: tuple[tuple[Part, ...], ...] = (
        (1,), (1.0,), (True,), ("1",), (b"1",), (None,), ("",), (b"",), (), ([],), ({},), (0.0,), (-0.0,), ([1],),
        ("a", "b"), ("ab",), (["a", "b"],), ("a", ["b"]), (["a"], "b"), ("ab", ""), ({"a": "b"},), ([["a", "b"]],),
        ("s1:a",), ("i1:1",), ([[]],), ([], []), (math.inf,), (math.nan,), ("inf",),
    )  # fmt: skip
    assert len({digest(*parts) for parts in lookalikes}) == len(lookalikes)


def test_the_order_of_a_mapping_does_not_count_and_that_of_a_list_does() -> None:
    entries: list[tuple[str, Part]] = [("fps", 1.0), ("size", [256, 256]), ("a", None)]
    assert len({digest(dict(order)) for order in itertools.permutations(entries)}) == 1
    assert digest([1, 2]) != digest([2, 1])
    assert digest((1, 2), MappingProxyType({"a": 1})) == digest([1, 2], {"a": 1})


def test_keys_are_what_they_always_were() -> None:
    """Stores and datasets hold these: a change here would orphan every one of them."""
    assert digest("a", b"b", 3, 0.5, None, True, {"k": [1]}) == (
        "66868174e8c80deb559ae1d78f9fcc3124af57bbc18616a6cb7f48565bdfda5c"
    )
    assert CLIP == "11f266881e0d5fd01b80"
    assert clip_key(CONTENT, (0, 93), (0, 256, 0, 256)) == "ed82d2f83ae488558050"
    assert input_id("file:///a.mp4", (0, 93), None) == "c2db18bd1cbe4d50593f"
    assert seed(CLIP, "views", 1) == 6738101305051751053
    assert fingerprint("identity", 1, {"fps": 1.0}, {"faces": ("centerface", CONTENT)}) == "5e0dd8e8c7628ff5"
    assert input_digest({"box": [0.1, 2.0], "count": 3}) == "5fef52827a753b91"
    assert rendezvous(CLIP, ["library", "bedroom", "market"], "environment") == "bedroom"


def test_keys_are_the_same_in_another_process() -> None:
    code = "from actor18m.keys import *; print(digest({'b': 1, 'a': {'d': 2, 'c': 3}}), seed('key', 'views'))"
    printed = {check_output([sys.executable, "-c", code], env={"PYTHONHASHSEED": s}, text=True) for s in ("1", "2")}
    assert printed == {f"{digest({'a': {'c': 3, 'd': 2}, 'b': 1})} {seed('key', 'views')}\n"}


@pytest.mark.parametrize("alien", [{1, 2}, object(), 1j, np.float32(1)])
def test_what_has_no_one_encoding_is_refused(alien: object) -> None:
    with pytest.raises(TypeError, match="cannot hash a "):
        digest([alien])  # type: ignore[list-item]


def test_a_file_name_of_any_bytes_has_an_id() -> None:
    names = [b"caf\xe9.mp4".decode("utf-8", "surrogateescape"), "café.mp4", "a\nb.mp4", "a\0b.mp4"]
    assert len({input_id(name, None, None) for name in names}) == len(names)


def test_a_clip_is_its_bytes_cut_and_crop() -> None:
    windows = [
        clip_key(content, cut, crop)
        for content in (CONTENT, digest("another file"))
        for cut in (None, (0, 93), (93, 186))
        for crop in (None, (0, 256, 0, 256), (256, 0, 256, 0))
    ]
    assert len(set(windows)) == len(windows)
    assert all(len(key) == 20 and set(key) <= set("0123456789abcdef") for key in windows)


@pytest.mark.parametrize("content", ["", "abc", CONTENT.upper(), CONTENT + "\n"])
def test_a_clip_key_of_what_is_no_content_hash_is_refused(content: str) -> None:
    with pytest.raises(ValueError, match="not a SHA-256"):
        clip_key(content, None, None)


def test_place_cut_and_crop_of_an_input_count() -> None:
    rows = itertools.product(("a", "b"), (None, (0, 1)), (None, (0, 1, 2, 3)))
    ids = [input_id(*row) for row in rows]
    assert len(set(ids)) == len(ids)


def test_a_reference_is_named_by_its_clip_and_what_it_shows() -> None:
    assert reference_key(CLIP, "face-view-03") == f"{CLIP}-face-view-03"
    for name in ("face.view", "../face", "", "face-", "face-view-03\n"):
        with pytest.raises(ValueError, match="an image's name has"):
            reference_key(CLIP, name)


@given(st.text(), st.text(), st.integers(min_value=0))
def test_a_retry_has_its_seed_and_a_new_candidate_another_one(key: str, stage: str, candidate: int) -> None:
    assert seed(key, stage, candidate) == seed(key, stage, candidate)
    assert 0 <= seed(key, stage, candidate) < 2**63
    others = {seed(key, stage, candidate + 1), seed(key + "x", stage, candidate), seed(key, stage + "x", candidate)}
    assert seed(key, stage, candidate) not in others


def test_seeds_use_all_their_bits() -> None:
    seeds = [seed(str(n), "views") for n in range(2000)]
    for bit in range(63):
        assert 850 < sum(value >> bit & 1 for value in seeds) < 1150


def test_whatever_changes_a_measurement_changes_the_fingerprint() -> None:
    faces, other = ("centerface", CONTENT), ("centerface", digest("retrained"))
    prints = [
        fingerprint("identity", 1, {"fps": 1.0}, {"faces": faces}),
        fingerprint("motion", 1, {"fps": 1.0}, {"faces": faces}),
        fingerprint("identity", 2, {"fps": 1.0}, {"faces": faces}),
        fingerprint("identity", 1, {"fps": 2.0}, {"faces": faces}),
        fingerprint("identity", 1, {"fps": 1.0, "size": 8}, {"faces": faces}),
        fingerprint("identity", 1, {"fps": 1.0}, {"faces": other}),
        fingerprint("identity", 1, {"fps": 1.0}, {"faces": ("retinaface", CONTENT)}),
        fingerprint("identity", 1, {"fps": 1.0}, {"points": faces}),
        fingerprint("identity", 1, {"fps": 1.0}, {}),
    ]
    assert len(set(prints)) == len(prints)
    assert {len(p) for p in prints} == {16}


@given(st.lists(st.floats() | st.none(), max_size=5), st.integers(-(2**63), 2**63 - 1))
def test_a_value_that_went_through_parquet_gives_the_same_input_digest(
    similarity: list[float | None], count: int
) -> None:
    fresh = {"similarity": similarity, "count": count, "name": "é"}
    columns = {"similarity": pa.list_(pa.float32()), "count": pa.int64(), "name": pa.string()}
    # a NumPy float32 is what a model returns, a Python float what a stage makes of it
    with np.errstate(over="ignore"):
        as_measured = [None if x is None else np.float32(x) for x in similarity]
    sink = pa.BufferOutputStream()
    table = pa.table({"similarity": [as_measured], "count": [count], "name": ["é"]}, schema=pa.schema(columns))
    pq.write_table(table, sink)
    (stored,) = pq.read_table(pa.BufferReader(sink.getvalue())).to_pylist()
    assert input_digest(stored) == input_digest(fresh)


def test_a_whole_number_is_one_value_in_every_column() -> None:
    assert len({input_digest({"n": n}) for n in (3, 3.0, np.float32(3), np.int16(3))}) == 1
    assert input_digest({"v": np.array([[0.5, 1]])}) == input_digest({"v": [[0.5, 1]]})
    assert input_digest({"n": 2**24}) != input_digest({"n": 2**24 + 1}), "integers are exact"


@given(st.dictionaries(st.text(max_size=3), float32s | st.none() | st.text(max_size=3), max_size=4), st.data())
def test_a_changed_value_changes_the_input_digest(values: dict[str, object], data: st.DataObject) -> None:
    assert input_digest(values | {"extra column": None}) != input_digest(values)
    if values:
        name = data.draw(st.sampled_from(sorted(values)))
        assert input_digest(values | {name: b"changed"}) != input_digest(values)


@given(st.lists(st.text(), min_size=1, max_size=12, unique=True), st.text(), st.text(), st.text())
def test_one_more_choice_wins_or_changes_nothing(choices: list[str], new: str, key: str, salt: str) -> None:
    before = rendezvous(key, choices, salt)
    assert before in choices
    assert rendezvous(key, [*choices, new], salt) in {before, new}
    assert rendezvous(key, choices[::-1], salt) == before
    without = [choice for choice in choices if choice != before]
    if without:
        assert rendezvous(key, without, salt) != before


def test_one_more_environment_redraws_one_key_in_201() -> None:
    environments = [f"place {n}" for n in range(200)]
    keys = [f"{n:020x}" for n in range(6000)]
    drawn = {key: rendezvous(key, environments, "environment") for key in keys}
    redrawn = {key: rendezvous(key, [*environments, "a pier"], "environment") for key in keys}
    moved = [key for key in keys if redrawn[key] != drawn[key]]
    assert {redrawn[key] for key in moved} == {"a pier"}
    assert 10 < len(moved) < 55, "about 6000 / 201 = 30"
    counts = Counter(drawn.values())
    assert len(counts) == 200
    assert max(counts.values()) < 60, "about 30 each"


def test_other_salts_and_keys_draw_independently() -> None:
    keys = [f"{n:020x}" for n in range(2000)]
    pairs = Counter((rendezvous(key, ["a", "b"], "light"), rendezvous(key, ["a", "b"], "mood")) for key in keys)
    assert all(420 < count < 580 for count in pairs.values())
    assert len(pairs) == 4


def test_nothing_to_choose_from_is_an_error() -> None:
    with pytest.raises(ValueError, match="nothing to choose from"):
        rendezvous(CLIP, [], "environment")
