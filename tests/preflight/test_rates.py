"""What was measured, written as rates: of the pipeline's own stages, so that `plan` prices just that pipeline."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from actor18m.cli.app import app
from actor18m.config.pipeline import load_pipeline
from actor18m.preflight.apart import Ended
from actor18m.preflight.device import Machine
from actor18m.preflight.measuring import ASKED, StageRun
from actor18m.preflight.pool_plan import pool_plan
from actor18m.preflight.written import Found
from actor18m.preflight.written_rates import measured_rates
from actor18m.survey.assumed import rates_file
from actor18m.survey.assumed_price import price
from actor18m.yaml_file import parse_yaml
from tests.preflight.test_preflight import ASKING, OWN, here, measured, preflight, took

__all__ = ["here"]


def test_rates_that_were_measured_say_of_which_stage_and_models(here: Path) -> None:
    pipeline = load_pipeline(here / "slow.yaml")
    told: Any = parse_yaml(measured_rates(measured(here), pipeline, here / "guessed.yaml").text)
    assert told["stages"]["draw"]["of"] == "preflighted:SlowDraw with preflighted:Sees"
    assert told["stages"]["read"]["of"] == "tests.engine.steady:Read"


@pytest.mark.usefixtures("here")
def test_rates_of_a_pipeline_of_ones_own_hold_just_its_stages_and_the_printed_command_runs() -> None:
    """The rates that ship tell of none of them."""
    shown = preflight("--assume", "rates", "--rates", "rates.yaml").stdout
    printed = "actor18m plan slow.yaml --assume rates.yaml"
    assert f"rates.yaml: {printed}" in shown
    run = CliRunner().invoke(app, [*printed.split()[1:], "--json"])
    assert run.exit_code == 0, run.output
    told, found = parse_yaml(Path("rates.yaml").read_text()), json.loads(run.stdout)
    assert isinstance(told, dict)
    assert [*told["stages"]] == ["read", "ask", "draw", "describe"]
    assert (told["pipeline"], told.get("gates", {})) == ("drawing", {})
    assert not any(stage["is_guess"] for stage in found["stages"].values())
    assert (told["stages"]["ask"]["asks"][0], found["notes"]) == (3, []), "as the sample clip did"
    assert told["stages"]["read"]["passing"] == [1, "guess: preflight asks no rules, so as if all passed"]


def test_of_a_stage_that_nobody_measured_rates_have_what_the_pipeline_expects(here: Path) -> None:
    expected = "    run: {expected: {seconds: 7, requests: 2}}\n    roles: {chat"
    (here / "asked.yaml").write_text(ASKING.replace("    roles: {chat", expected))
    pipeline, rates = load_pipeline(here / "asked.yaml"), rates_file(Path("rates"))
    machine = Machine(8, 32 << 30, 0, None)
    runs = [
        StageRun(step, Ended(ASKED) if step.waits else took(0.1, 0.5), "clips", 1, 3 if step.name == "ask" else None)
        for step in pipeline.stages
    ]
    found = Found("asked.yaml", machine, [], [], runs, pool_plan(pipeline, runs, machine, 1, rates))
    rates_of = measured_rates(found, pipeline, rates)
    (here / "rates.yaml").write_text(rates_of.text)
    prices = price(pipeline, here / "rates.yaml").stages
    assert rates_of.lacking == ()
    assert prices["asked"].requests == pytest.approx(2 * prices["asked"].units)
    assert (prices["asked"].seconds, prices["asked"].is_guess, prices["draw"].is_guess) == (7, True, False)


def test_what_the_file_tells_of_a_stage_of_the_pipeline_stays_beside_what_was_measured(here: Path) -> None:
    """Of `faces` it tells, too: of another one."""
    (here / "mine.yaml").write_text(
        "name: mine\nprofile: own\nstages:\n  - stage: stages.intake:Intake\n  - stage: preflighted:Faces\n"
    )
    (here / "preflighted.py").write_text(
        OWN + '\n\nclass Faces(Asks):\n    roles = {}\n    writes = schema("faces", x=string())\n'
    )
    pipeline, rates, machine = (
        load_pipeline(here / "mine.yaml"),
        rates_file(Path("rates")),
        Machine(8, 32 << 30, 0, None),
    )
    runs = [StageRun(step, took(0.1, 0.5), "clips", 1) for step in pipeline.stages]
    found = Found("mine.yaml", machine, [], [], runs, pool_plan(pipeline, runs, machine, 1, rates))
    told: Any = parse_yaml(measured_rates(found, pipeline, rates).text)
    assert [*told["stages"]] == ["intake", "faces"]
    ships: Any = parse_yaml(rates.read_text())
    intake, shipped = told["stages"]["intake"], ships["stages"]["intake"]
    assert (intake["passing"], intake["bytes"]) == (shipped["passing"], shipped["bytes"])
    assert intake["seconds"][0] == told["stages"]["faces"]["seconds"][0] == 0.1
    assert told["stages"]["faces"].keys() == {"of", "seconds", "gpus"}
    assert (told["pipeline"], "gates" in told) == ("cluster", False)
    assert "paper" not in told["clips"][1], "what leaves the paper's size by other shares"
    (here / "rates.yaml").write_text(measured_rates(found, pipeline, rates).text)
    assert price(pipeline, here / "rates.yaml").stages["faces"].units == pytest.approx(0.95 * 5_010_000)
