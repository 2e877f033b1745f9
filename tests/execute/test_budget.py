"""What stages may spend, alone and together."""

from collections.abc import Mapping

import pytest

from actor18m.config.costs import GPU_SECONDS
from actor18m.config.stage_config import Step
from actor18m.execute.budget import FIRST, Budget, Purse, costs_of

ASKED = {"stage": "tests.engine.slow_server:Asked", "parameters": {"url": "127.0.0.1:1"}}


def two(purse: Purse, own: Mapping[str, float] | None = None) -> tuple[Budget, Budget]:
    both = Budget("one", own or {}, purse, ("dollars",)), Budget("other", {}, purse, ("dollars",))
    for each in both:
        each.beside = list(both)
    return both


def test_two_stages_take_from_one_purse() -> None:
    one, other = two(Purse({"dollars": 10.0}))
    assert (one.affords, other.affords) == (FIRST, FIRST), "nobody knows yet what one costs"
    one.add({"dollars": 4.0}, 8)
    assert one.affords == 12
    other.add({"dollars": 4.0}, 2)
    assert (one.affords, other.affords) == (4, 1)
    other.flying = 1
    assert (one.affords, other.affords) == (0, 0), "what is under way will have been spent"
    (reached,) = other.reached
    assert (reached.by, reached.spent, reached.most) == ("--budget-usd", 8.0, 10.0)


def test_the_nearest_bound_counts() -> None:
    one, _ = two(Purse({"dollars": 10.0}, limit=20), {"dollars": 5.0})
    one.add({"dollars": 1.0}, 2)
    assert one.affords == 8
    one.add({}, 16)
    assert one.affords == 2, "of the limit"
    assert [(bound.by, bound.spent, bound.most) for bound in one.bounds] == [
        ("run.budget", 1.0, 5.0),
        ("--budget-usd", 1.0, 10.0),
        ("--limit", 18, 20),
    ]
    assert one.reached == ()


def test_what_costs_nothing_is_not_held_up() -> None:
    one, other = two(Purse({"dollars": 10.0}))
    one.add({"dollars": 10.0}, 5)
    other.add({"dollars": 0.0}, 5)
    assert (one.affords, other.affords) == (0, None)


@pytest.mark.parametrize(("gpus", "shares"), [(0.0, ("dollars",)), (0.5, ("dollars", GPU_SECONDS))])
def test_a_stage_shares_in_what_it_costs(gpus: float, shares: tuple[str, ...]) -> None:
    step = Step.model_validate({**ASKED, "run": {"gpus": gpus}})
    assert Purse({"dollars": 1.0, GPU_SECONDS: 3600.0}).concerns(step) == shares


def test_what_may_take_two_requests_is_begun_only_if_both_can_be_paid() -> None:
    budget = Budget("judge", {"requests": 9}, Purse(), requests_each=2)
    assert budget.affords == 4
    budget.add({"requests": 4}, 4)
    assert budget.affords == 2, "though each took one so far"
    budget.flying = 2
    assert budget.affords == 0
    budget.flying = 0
    budget.add({"requests": 4}, 2)
    assert budget.affords == 0, "one is left"


def test_what_one_costs_is_known_from_before() -> None:
    """Else eight would be tried, whatever they cost."""
    one, other = two(Purse({"dollars": 1.0}, expected={"one": {"dollars": 0.4}, "other": {"dollars": 3.0}}))
    assert one.affords == 2
    assert other.affords == 0, "not one fits"
    assert [bound.each for bound in other.reached] == [3.0]
    one.add({"dollars": 0.2}, 2)
    assert one.affords == 8, "what was measured counts"
    cheap, _ = two(Purse({"dollars": 1.0}, expected={"one": {"dollars": 0.01}}))
    assert cheap.affords == 100, "a job of many need not begin with a few"


def test_a_price_makes_dollars_of_what_a_stage_costs() -> None:
    run = {"gpus": 0.5, "dollars_per": {"gpu_hour": 3.6, "request": 0.01}}
    step = Step.model_validate({**ASKED, "run": run})
    assert costs_of([], {"requests": 4}, step, 100.0) == {
        "requests": 4,
        GPU_SECONDS: 50.0,
        "dollars": pytest.approx(0.05 + 0.04),
    }
    assert Purse({"dollars": 1.0}).concerns(step) == ("dollars",)
