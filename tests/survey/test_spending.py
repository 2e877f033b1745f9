"""What builds took: at work and idle, and in dollars, by stage and in all."""

from typing import Any

import pytest

from actor18m.cli.bill_story import bill_line, print_bills
from actor18m.survey.spending import Spent, spent_in_all, spent_of


def run(**told: Any) -> dict[str, Any]:
    return {"stages": {"edit": {"fingerprint": "f1", **told}}}


TWO_ON_HALF_A_GPU = run(
    measured=40,
    seconds=1800.0,
    held_seconds=7200.0,
    gpus=0.5,
    dollars_per={"gpu_hour": 3.0},
    costs={"gpu_seconds": 900.0, "dollars": 0.75, "requests": 44},
)


def test_a_gpu_that_is_claimed_and_does_nothing_is_paid_too() -> None:
    spent = spent_of(TWO_ON_HALF_A_GPU)["edit"]
    assert (spent.worker_s, spent.held_s, spent.busy_share) == (1800, 7200, 0.25)
    assert (spent.gpu_s, spent.idle_gpu_s) == (900, 2700)
    assert (spent.dollars, spent.idle_dollars) == (0.75, 2.25)
    assert spent.more == {"requests": 44}


def test_where_nobody_told_for_how_long_workers_were_there_nothing_is_idle() -> None:
    spent = spent_of(run(measured=2, seconds=8.0, gpus=1, costs={"gpu_seconds": 8.0}))["edit"]
    assert (spent.gpu_s, spent.idle_gpu_s, spent.idle_dollars) == (8, 0, 0)


def test_a_stage_that_measured_nothing_and_had_no_workers_took_nothing() -> None:
    assert spent_of(run(measured=0, seconds=0.0)) == {}
    assert spent_of({"stages": None}) == {}


def test_workers_that_measured_nothing_are_paid() -> None:
    spent = spent_of(run(measured=0, seconds=0.0, held_seconds=60.0, gpus=1))["edit"]
    assert spent == Spent(held_s=60, idle_gpu_s=60)


def test_several_runs_add_up() -> None:
    spent = spent_in_all([TWO_ON_HALF_A_GPU, TWO_ON_HALF_A_GPU, run(measured=1, seconds=1.0)])["edit"]
    assert (spent.measured, spent.gpu_s, spent.idle_gpu_s, spent.more) == (81, 1800, 5400, {"requests": 88})


def test_a_run_is_told_in_a_line_where_more_than_the_time_of_cpus_was_taken() -> None:
    assert bill_line(spent_of(run(measured=9, seconds=90.0))) is None
    assert bill_line(spent_of(TWO_ON_HALF_A_GPU)) == (
        "30m00s of workers, 0.25 GPU hours at work and 0.75 idle, 44 requests, $0.75, and $2.25 for idle GPUs"
    )


def test_what_costs_a_part_of_a_cent_is_not_told_as_nothing() -> None:
    line = bill_line(spent_of(run(measured=1, seconds=1.0, costs={"dollars": 0.0025, "requests": 1})))
    assert line == "1s of workers, 1 requests, $0.0025"


def test_builds_that_were_killed_and_one_that_runs_are_told_with_the_rest(capsys: pytest.CaptureFixture[str]) -> None:
    ended, killed, running = (TWO_ON_HALF_A_GPU | {"how": how} for how in ("finished", "did not end", "running"))
    took_nothing = run(gpus=0.5) | {"how": "did not end"}
    print_bills([ended, killed, killed, took_nothing, running])
    told = capsys.readouterr().out
    assert "in 4 builds " in told
    assert "of these killed, and told as far as it was kept: 2 builds\n" in told
    assert "of these running, and told as far as it was kept: 1 build\n" in told
    print_bills([killed])
    assert "in 1 build " in capsys.readouterr().out
    print_bills([ended])
    assert "killed" not in capsys.readouterr().out
    print_bills([took_nothing, run(measured=9, seconds=90.0) | {"how": "did not end"}])
    assert capsys.readouterr().out == "", "nothing but the time of CPUs"
