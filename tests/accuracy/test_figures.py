import numpy as np
import pytest

from accuracy.bodies import mask_overlap
from accuracy.figures import errors, f1, matched, overlaps, separation, share, span_overlap
from actor18m.samples.truth import encode_mask


def test_a_figure_without_cases_is_no_zero() -> None:
    for figure in (share([]), errors([]), overlaps([]), f1(0, 3, 0)):
        assert figure.value is None
        assert str(figure) == "-"


def test_n_stands_beside_shares_errors_and_overlaps() -> None:
    assert str(share([True, True, False, True])) == "75.0% of 4"
    assert str(errors([1.0, 2.0, 3.0, 4.0, 100.0])) == "3.0 / 61.6 of 5"
    assert str(overlaps([1.0, 0.5, 0.9])) == "0.800 / 0.580 of 3"


def test_a_hard_cut_is_found_within_a_step_and_only_once() -> None:
    def hits(*found: tuple[float, float]) -> int:
        return matched(found, [(2.0, 2.0)], 0.125, 0.125)

    assert hits((1.875, 2.0)) == hits((2.0, 2.125)) == hits((2.1, 2.1), (1.9, 1.9)) == 1
    assert hits() == hits((2.2, 2.2)) == hits((1.8, 1.85)) == 0
    assert hits((0.0, 4.0)) == 0, "a span that holds the whole clip finds nothing"


def test_two_cuts_need_two_found() -> None:
    assert matched([(2.0, 2.1)], [(2.0, 2.0), (2.1, 2.1)], 0.125, 0.125) == 1
    assert matched([(2.0, 2.0), (2.1, 2.1)], [(2.0, 2.0), (2.1, 2.1)], 0.125, 0.125) == 2


def test_f1_counts_what_was_missed_and_what_was_made_up() -> None:
    assert f1(2, 2, 2).value == 1.0
    assert f1(1, 2, 2).value == 0.5
    assert f1(1, 1, 3).value == 0.5
    assert f1(1, 2, 2).n == 3


def test_spans_overlap_by_the_seconds_that_both_cover() -> None:
    assert span_overlap([(1, 3)], [(1, 3)]) == 1.0
    assert span_overlap([(1, 3)], [(2, 4)]) == pytest.approx(1 / 3)
    assert span_overlap([(1, 2), (2, 3)], [(1, 3)]) == 1.0, "two runs that touch are one"
    assert span_overlap([], [(1, 3)]) == span_overlap([], []) == 0.0


def test_masks_overlap_by_their_pixels() -> None:
    one, other = np.zeros((4, 6), bool), np.zeros((4, 6), bool)
    one[:2], other[1:3] = True, True
    upper, middle, lower = (encode_mask(mask).encode() for mask in (one, other, ~one))
    assert mask_overlap(upper, middle, 4, 6) == pytest.approx(1 / 3)
    assert mask_overlap(upper, lower, 4, 6) == 0.0
    assert mask_overlap(upper, upper, 4, 6) == 1.0


def test_similarities_that_do_not_mingle_are_told_apart() -> None:
    told = separation([0.7, 0.8, 0.9], [0.1, 0.5, 0.6], 0.55)
    assert (told.auc, told.equal_error) == (1.0, 0.0)
    assert told.equal_error_at == 0.7
    assert (told.refused, told.taken) == (0.0, 0.3333), "at the threshold in use"


def test_the_area_counts_pairs_in_the_wrong_order_and_halves_ties() -> None:
    assert separation([0.6, 0.2], [0.4], 0.5).auc == 0.5
    assert separation([0.4], [0.4], 0.5).auc == 0.5
    assert separation([0.1], [0.9], 0.5).auc == 0.0
    assert separation([0.1], [], 0.5).auc is None
