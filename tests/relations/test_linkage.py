"""Identities by counted pairs: one clip joins nobody to anybody, and many clips do."""

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor18m.relations.linkage import Linkage, Near

SHARE = 0.67


def linked(places: list[float], within: float = 1.0, share: float = SHARE) -> list[int]:
    """The identity of each of these, which come one by one."""
    linkage = Linkage(share)
    for number, place in enumerate(places):
        close = [(linkage.identity(other), abs(place - places[other])) for other in range(number)]
        near: dict[int, Near] = {}
        for identity, apart in close:
            if apart <= within:
                near[identity] = near.get(identity, Near(0, within)) + Near(1, apart)
        linkage.join(near)
    return [linkage.identity(clip) for clip in range(len(places))]


def test_what_is_close_is_one_and_what_is_not_is_several() -> None:
    assert linked([0.0, 5.0, 0.5, 5.5, 9.0]) == [0, 1, 0, 1, 4]


def test_of_several_the_one_with_the_greater_share_is_joined_and_then_the_nearer_one() -> None:
    assert linked([0.0, 1.8, 1.0]) == [0, 1, 1], "the nearer one"
    assert linked([-0.2, 0.3, 0.3, 0.3, 1.6, 0.75]) == [0, 0, 0, 0, 4, 0], "all four are close, and nearer"


@pytest.mark.parametrize(("between", "joined"), [(1, False), (2, False), (3, True)])
def test_two_identities_are_one_when_most_of_the_pairs_across_them_are_close(between: int, joined: bool) -> None:
    found = linked([0.0, 1.8, *[0.85] * between])
    assert found[2:] == [0] * between
    assert (found[1] == 0) is joined


def test_identities_that_were_joined_are_told_in_their_order() -> None:
    linkage = Linkage(SHARE)
    for near in ({}, {}, {0: Near(1, 0.1), 1: Near(1, 0.2)}, {0: Near(2, 0.1), 1: Near(1, 0.2)}):
        linkage.join(near)
    assert linkage.lost == []
    linkage.join({0: Near(3, 0.1), 1: Near(1, 0.2)})
    assert linkage.lost == [1]
    assert [linkage.identity(clip) for clip in range(5)] == [0] * 5


PLACES = st.lists(st.floats(0, 2), min_size=1, max_size=8)


@given(PLACES, PLACES, st.data(), st.sampled_from([0.5, SHARE, 0.9]))
def test_no_clip_joins_two_people_who_are_apart(
    ann: list[float], bob: list[float], data: st.DataObject, share: float
) -> None:
    """Whatever it lies between, and whenever it comes."""
    clips = [("ann", place) for place in ann] + [("bob", place + 3.5) for place in bob] + [("bad", 2.75)]
    clips = data.draw(st.permutations(clips))
    found = linked([place for _, place in clips], within=1.0, share=share)
    of_whom = {identity: set[str]() for identity in found}
    for identity, (name, _) in zip(found, clips, strict=True):
        of_whom[identity].add(name)
    assert not any({"ann", "bob"} <= names for names in of_whom.values())


@given(st.lists(st.floats(0, 6), max_size=14))
def test_no_two_identities_are_left_whose_pairs_are_mostly_close(places: list[float]) -> None:
    found = linked(places)
    sizes = Counter(found)
    close = Counter(
        (found[one], found[other])
        for one, other in combinations(range(len(places)), 2)
        if abs(places[one] - places[other]) <= 1.0
    )
    for one, other in combinations(sorted(sizes), 2):
        pairs = close[one, other] + close[other, one]
        assert pairs <= SHARE * sizes[one] * sizes[other] + 1e-9
