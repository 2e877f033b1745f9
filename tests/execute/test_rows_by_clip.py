from collections import defaultdict
from random import Random

import numpy as np
import pyarrow as pa
import pytest

from actor18m.execute.rows_by_clip import RowsByClip


def table(values: list[int]) -> pa.Table:
    return pa.table({"value": pa.array(values, pa.int64())})


@pytest.mark.parametrize("seed", range(5))
def test_all_rows_of_the_clips_that_are_asked_for_and_no_others(seed: int) -> None:
    random = Random(seed)
    ended = set[int]()
    rows = RowsByClip(table([]), lambda numbers: np.array([number not in ended for number in numbers], np.bool_))
    expected = defaultdict[int, list[int]](list)
    for value in range(200):
        clips = random.choices(range(30), k=random.choice((1, 1, 1, 5)))
        rows.add(np.array(clips, np.int64), table([value] * len(clips)))
        for clip in clips:
            expected[clip].append(value)
        if value % 20 == 10:
            ended.add(random.randrange(30))
        asked = sorted({*random.sample(range(30), 4)} - ended)
        found = rows.of(np.array(asked, np.int64))["value"].to_pylist()
        assert sorted(found) == sorted(value for clip in asked for value in expected[clip])


def test_rows_are_moved_a_few_times_only() -> None:
    """Of a thousand that come one by one, a merge would else move all of them each time."""
    moved = 0

    def is_open(numbers: np.ndarray) -> np.ndarray:
        nonlocal moved
        moved += len(numbers)
        return np.ones(len(numbers), np.bool_)

    rows = RowsByClip(table([]), is_open)
    for value in range(1000):
        rows.add(np.array([value % 50], np.int64), table([value]))
    assert moved < 1000 * 25
    assert len(rows.of(np.arange(50))) == 1000
