from collections.abc import Iterator
from operator import itemgetter

import numpy as np

from actor18m.arrays import Frame
from actor18m.media.chunks import BYTES_AT_ONCE, FRAMES_AT_ONCE, chunks


def test_all_items_come_in_their_order_and_no_more_than_are_held_at_once() -> None:
    small = [(number, np.zeros((4, 6, 3), np.uint8)) for number in range(2 * FRAMES_AT_ONCE + 1)]
    found = list(chunks(small, itemgetter(1)))
    assert [len(chunk) for chunk in found] == [FRAMES_AT_ONCE, FRAMES_AT_ONCE, 1]
    assert [number for chunk in found for number, _ in chunk] == list(range(len(small)))
    assert list(chunks([], itemgetter(1))) == []


def test_of_large_frames_fewer_are_held_and_one_at_least() -> None:
    class Large:
        def __init__(self, share: float) -> None:
            self.nbytes = int(share * BYTES_AT_ONCE)

    shares = [0.4, 0.4, 0.4, 3.0, 0.1]
    found = list(chunks([Large(share) for share in shares], lambda each: each))  # type: ignore[arg-type,return-value]
    assert [len(chunk) for chunk in found] == [2, 1, 1, 1]


def test_a_long_film_is_never_read_ahead_of_what_is_held() -> None:
    read = []

    def film() -> Iterator[Frame]:
        for number in range(10_000):
            read.append(number)
            yield np.zeros((4, 6, 3), np.uint8)

    for taken, chunk in enumerate(chunks(film(), lambda frame: frame), start=1):
        assert len(chunk) <= FRAMES_AT_ONCE
        assert len(read) <= taken * FRAMES_AT_ONCE + 1
        if taken == 5:
            break
