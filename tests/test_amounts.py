"""One is not several, in whatever is printed."""

import pytest

from actor18m.amounts import amount


@pytest.mark.parametrize(("count", "said"), [(0, "0 clips"), (1, "1 clip"), (2, "2 clips"), (1200, "1,200 clips")])
def test_one_and_several(count: int, said: str) -> None:
    assert amount(count, "clip") == said


def test_several_of_what_changes_otherwise() -> None:
    assert amount(1, "input moves", "inputs move") == "1 input moves"
    assert amount(2, "input moves", "inputs move") == "2 inputs move"
