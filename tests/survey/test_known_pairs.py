"""What is told of a judge by pairs that are known to differ."""

from xml.etree import ElementTree

import pytest

from actor18m.errors import ActorError
from actor18m.report.curve import as_svg, as_text
from actor18m.survey.calibrating import calibrated
from actor18m.survey.known_pairs import Judged, at_most

JUDGED = Judged(
    {"another garment": [0.1, 0.2, 0.7], "another person": [0.0] * 15 + [0.3, 0.9]},
    [0.95] * 8 + [0.6, 0.4],
    {"another garment": 1, "another person": 1},
)


def test_a_judge_is_told_by_how_many_pairs_that_differ_it_accepts() -> None:
    told = JUDGED.told()
    assert (told["pairs"], told["accepted"], told["false_accept_rate"]) == (20, 2, 0.1)
    assert told["kinds"]["another person"] == {"pairs": 17, "accepted": 1}
    assert Judged({}, [], {}).told()["false_accept_rate"] is None


def test_few_pairs_leave_much_possible() -> None:
    assert at_most(0, 10) == pytest.approx(0.2589, abs=1e-3), "one minus the tenth root of a twentieth"
    assert at_most(0, 100) == pytest.approx(0.0295, abs=1e-3)
    assert at_most(3, 3) == at_most(0, 0) == 1.0


def test_the_lowest_bound_is_chosen_that_keeps_to_the_target() -> None:
    chosen = calibrated(JUDGED, 0.05).chosen
    assert chosen is not None
    assert (chosen.bound, chosen.accepted, chosen.kept) == (0.72, 0.05, 0.8)
    stricter = calibrated(JUDGED, 0.0).chosen
    assert stricter is not None
    assert stricter.bound == 0.92
    assert calibrated(Judged({"another person": [1.0]}, [1.0], {"another person": 1}), 0.05).chosen is None


def test_without_pairs_nothing_is_chosen() -> None:
    with pytest.raises(ActorError, match="known_pairs"):
        calibrated(Judged({}, [0.9], {}), 0.05)


def test_the_curve_is_drawn_in_eighty_columns_and_as_svg() -> None:
    found = calibrated(JUDGED, 0.05)
    lines = as_text(found)
    assert max(map(len, lines)) <= 80
    assert sum("x" in line or "*" in line for line in lines[:-1]) > 3, "it falls"
    drawn = ElementTree.fromstring(as_svg(found))
    assert len(drawn.findall("{http://www.w3.org/2000/svg}path")) == 2 + 5 + 1, (
        "two curves, ticks, and the chosen bound"
    )
