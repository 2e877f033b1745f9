import logging
from collections.abc import Sequence

import pytest

from actor18m.models.batches import Batches


class OutOfMemoryError(RuntimeError):
    """As torch calls it."""


class Small:
    """A model whose memory takes so many at once."""

    def __init__(self, fits: int, error: type[Exception] = OutOfMemoryError) -> None:
        self.fits = fits
        self.asked: list[int] = []
        self._error = error

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.asked.append(len(items))
        if len(items) > self.fits:
            raise self._error("CUDA out of memory")
        return [10 * item for item in items]


@pytest.mark.parametrize("error", [OutOfMemoryError, MemoryError])
def test_a_batch_is_halved_until_it_fits_and_stays_so(error: type[Exception], caplog: pytest.LogCaptureFixture) -> None:
    model = Small(3, error)
    in_batches = Batches("own:Detector", model, most=16)
    with caplog.at_level(logging.WARNING):
        assert in_batches(range(20)) == [10 * item for item in range(20)]
    assert model.asked == [16, 8, 4, *[2] * 10]
    assert [record.getMessage() for record in caplog.records] == [
        "backend own:Detector: no memory for 16 at once, so 8 from here on",
        "backend own:Detector: no memory for 8 at once, so 4 from here on",
        "backend own:Detector: no memory for 4 at once, so 2 from here on",
    ]
    model.asked.clear()
    assert in_batches(range(3)) == [0, 10, 20]
    assert model.asked == [2, 1], "what was learnt is kept"


def test_an_item_that_needs_too_much_alone_is_to_blame() -> None:
    model = Small(0)
    with pytest.raises(OutOfMemoryError):
        Batches("own:Detector", model, most=4)(range(4))
    assert model.asked == [4, 2, 1]


def test_another_error_is_no_matter_of_size() -> None:
    model = Small(2, ValueError)
    with pytest.raises(ValueError, match="CUDA"):
        Batches("own:Detector", model, most=4)(range(4))
    assert model.asked == [4]


def test_no_items_ask_no_model_and_a_lost_result_is_noticed() -> None:
    model = Small(2)
    assert Batches("own:Detector", model, most=4)([]) == []
    assert model.asked == []
    with pytest.raises(ValueError, match="own:Detector has 1 results of 3 items"):
        Batches[int, int]("own:Detector", lambda items: [1], most=4)(range(3))
