"""A size that nobody built is priced by numbers that say where they are from."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from actor18m.cli.app import app
from actor18m.stage import Image
from actor18m.waiting import WaitingStage
from tests.engine.drawing import PIPELINE as DRAWING
from tests.engine.drawing import Draw

PIPELINE = DRAWING.replace("drawing:Draw", "drawing:Draw\n    run: {gpus: 0.5}")
"""A clip is read, asks for images of words, which are drawn and described. A drawing takes half a GPU."""
RATES = """\
clips: [1000, "guess"]
machines:
  gpus: [1, 10]
  cpus_per_gpu: [4, "guess"]
  dollars_per_gpu_hour: [3, "guess"]
  dollars_per_tib_month: [20, "guess"]
stages:
  read: {passing: [0.5, "guess"], seconds: [0.36, "measured"], bytes: {ledger: [1000, "guess"]}}
  ask: {asks: [4, "published"], seconds: [0, "guess"]}
  draw:
    passing: {word: [0.9, "guess"]}
    attempts: [2, "guess"]
    seconds: [7.2, "guess"]
    dollars: [0.01, "guess"]
    bytes: {images: [1_000_000, "guess"]}
  describe: {passing: [0.5, "guess"], seconds: [0.036, "measured"]}
accepted_bytes: {videos: [2_000_000, "guess"]}
kept_bytes: {shards: [3_000_000, "guess"]}
"""
ASKED_PIPELINE = DRAWING.replace("tests.engine.drawing:Draw\n", "tests.survey.test_assumed:AskedDraw\n")
ASKED = RATES.replace(
    "dollars: [0.01",
    'gpu_seconds: [3.6, "guess"]\n    requests: [1, "guess"]\n    requests_per_minute: [1, "guess"]\n'
    '    tokens: [10, "guess"]\n    dollars: [0',
)
"""One a minute is what the endpoint takes."""


class AskedDraw(WaitingStage[Image]):
    """Draws by somebody else's GPU."""

    version, of, writes, costs = 1, "requests", Draw.writes, ("tokens",)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without a store, and a machine without weights."""
    monkeypatch.setenv("ACTOR18M_MODELS", str(tmp_path / "none"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "drawing.yaml").write_text(PIPELINE)
    return tmp_path


def told(rates: str, *more: str) -> Any:
    Path("rates.yaml").write_text(rates)
    run = CliRunner().invoke(app, ["plan", "drawing.yaml", "--assume", "rates.yaml", "--json", *more])
    assert run.exit_code == 0, run.output
    return json.loads(run.stdout)


def refused(rates: str) -> str:
    Path("rates.yaml").write_text(rates)
    run = CliRunner().invoke(app, ["plan", "drawing.yaml", "--assume", "rates.yaml"], env={"COLUMNS": "400"})
    assert run.exit_code == 1
    return run.output


@pytest.mark.usefixtures("here")
def test_what_comes_to_each_stage_is_paid_for() -> None:
    found = told(RATES)
    assert found["accepted"] == 500
    assert {name: stage["units"] for name, stage in found["stages"].items()} == pytest.approx(
        {"read": 1000, "ask": 500, "draw": 4000, "describe": 1800}
    )
    assert found["kept"] == {"draw": pytest.approx(900)}
    draw = found["stages"]["draw"]
    assert draw["gpu_hours"] == pytest.approx(4000 * 7.2 * 0.5 / 3600), "half of a GPU"
    assert draw["dollars"] == pytest.approx(4 * 3 + 4000 * 0.01)
    assert found["bytes"] == pytest.approx({"ledger": 1e6, "images": 4e9, "videos": 1e9, "shards": 2.7e9})
    (kept,) = found["prices"]
    assert kept["own"]["dollars"] == pytest.approx(52 / 900)
    assert found["guessed"] == 1.0


@pytest.mark.usefixtures("here")
def test_the_bottleneck_is_called_by_its_name() -> None:
    """8 CPU hours of drawing beside 4 GPU hours; 36 s of describing and 360 of reading."""
    (one, ten) = told(RATES)["walls"]
    assert (one["hours"], one["bottleneck"]) == (pytest.approx(4), "GPUs, 100% of them for draw")
    assert ten["hours"] == pytest.approx(0.4)
    (one, _) = told(RATES.replace("cpus_per_gpu: [4", "cpus_per_gpu: [1"))["walls"]
    assert one["hours"] == pytest.approx((360 + 4000 * 7.2 + 1800 * 0.036) / 3600)
    assert one["bottleneck"] == "CPUs, 99% of them for draw"
    Path("drawing.yaml").write_text(ASKED_PIPELINE)
    (one, ten) = told(ASKED)["walls"]
    assert (one["hours"], ten["hours"]) == (pytest.approx(4000 / 60), pytest.approx(4000 / 60)), "GPUs do not help"
    assert ten["bottleneck"] == "the requests of draw"


@pytest.mark.usefixtures("here")
def test_the_scarcer_pace_of_the_endpoint_and_of_the_pipeline_decides() -> None:
    Path("drawing.yaml").write_text(ASKED_PIPELINE)
    unsaid = ASKED.replace('    requests_per_minute: [1, "guess"]\n', "")
    for rates, own, pace in ((ASKED, 2, 1), (ASKED, 0.5, 0.5), (unsaid, 0.5, 0.5)):
        (wall, _) = told(rates, "--set", f"draw.run.requests_per_minute={own}")["walls"]
        assert wall["hours"] == pytest.approx(4000 / pace / 60)
        assert wall["bottleneck"] == "the requests of draw"


@pytest.mark.usefixtures("here")
def test_requests_tokens_and_gpus_are_of_stages_that_ask_or_claim_them() -> None:
    nobody = told(ASKED, "--set", "draw.run.gpus=0")
    assert all(nobody["totals"][of] == 0 for of in ("gpu_hours", "requests", "tokens", "dollars"))
    assert nobody["walls"][0]["bottleneck"].startswith("CPUs")
    Path("drawing.yaml").write_text(ASKED_PIPELINE)
    totals = told(ASKED)["totals"]
    assert [totals[of] for of in ("gpu_hours", "requests", "tokens")] == pytest.approx([4, 4000, 40_000])


@pytest.mark.usefixtures("here")
def test_another_way_to_run_has_another_price() -> None:
    found = told(RATES, "--set", "draw.run.gpus=1")
    assert found["stages"]["draw"]["gpu_hours"] == pytest.approx(8)


@pytest.mark.usefixtures("here")
def test_all_that_is_lacking_is_told_at_once() -> None:
    lacking = RATES.replace('  ask: {asks: [4, "published"], seconds: [0, "guess"]}\n', "").replace(
        "describe:", "describes:"
    )
    problems = refused(lacking)
    assert "rates.yaml: stages.ask: nothing is told of this stage" in problems
    assert "stages.describes: the pipeline has no such stage; did you mean describe?" in problems
    assert "stages.describe: nothing is told" in problems
    assert "stages.ask.asks: it asks for images" in refused(RATES.replace('asks: [4, "published"], ', ""))
    assert "stages.read.passing: it has rules" in refused(
        RATES.replace('passing: [0.5, "guess"], seconds: [0.36', "seconds: [0.36")
    )


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("given", ["1000", '[1000, "I think"]', '["many", "guess"]', "[1000]"])
def test_a_number_without_its_source_is_none(given: str) -> None:
    assert "rates.yaml: clips" in refused(RATES.replace('clips: [1000, "guess"]', f"clips: {given}"))


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("said", "instead", "cause"),
    [
        ("passing: [0.5", "passing: [3", "stages.read.passing: is a share of what comes: at most 1, not 3"),
        ("{word: [0.9", "{word: [1.9", "stages.draw.passing.word: is a share of what comes: at most 1, not 1.9"),
        ("passing: [0.5", "passing: [half", "stages.read.passing: must be a number from 0 on, not 'half'"),
        ("passing: [0.5", "passing: [.nan", "stages.read.passing: must be a number from 0 on, not nan"),
        ("clips: [1000", "clips: [0", "clips: must be more than 0"),
        ("gpu: [4", "gpu: [0", "machines.cpus_per_gpu: must be more than 0"),
        ("gpus: [1, 10]", "gpus: []", "machines.gpus: must be a list of whole numbers from 1 on, [8, 64], not []"),
        (
            "gpus: [1, 10]",
            "gpus: [1.5]",
            "machines.gpus: must be a list of whole numbers from 1 on, [8, 64], not [1.5]",
        ),
        ("accepted_", "gates: {all: {read: [2, guess]}}\naccepted_", "gates.all.read: is a share of what comes"),
    ],
)
def test_what_no_share_and_no_count_can_be_is_refused_in_plain_words(said: str, instead: str, cause: str) -> None:
    assert f"rates.yaml: {cause}" in refused(RATES.replace(said, instead, 1))


@pytest.mark.usefixtures("here")
def test_how_many_come_is_said_by_the_rates_alone() -> None:
    Path("rates.yaml").write_text(RATES)
    run = CliRunner().invoke(app, ["plan", "drawing.yaml", "--assume", "rates.yaml", "--input", "clips"])
    assert run.exit_code == 2


def test_the_papers_size_is_priced_without_store_and_weights(here: Path) -> None:
    before = sorted(here.rglob("*"))
    shown = CliRunner().invoke(app, ["plan", "cluster", "--assume", "rates"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0, shown.output
    for line in (
        "GPU hours",
        "storage:",
        " kB for each clip that comes in, and the dataset ",
        "1,024 GPUs",
        "a kept image of",
        "rest: measure those first",
    ):
        assert line in shown.stdout
    found = json.loads(CliRunner().invoke(app, ["plan", "cluster", "--assume", "rates", "--json"]).stdout)
    assert sorted(here.rglob("*")) == before
    assert found["accepted"] == pytest.approx(1.6e6, rel=0.01), "the paper's videos"
    kinds = found["bytes"]
    assert found["store_bytes"] == pytest.approx(kinds["ledger"] + kinds["images"] + kinds["restricted"])
    assert sum(found["kept"].values()) == pytest.approx(18e6, rel=0.03), "and its images"
    assert all(source.startswith(("measured", "published", "guess")) for source in found["sources"].values())


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("stage", ["view_images", "attribute_images", "sheet_images", "motion"])
def test_what_a_stage_claims_of_a_gpu_is_the_pipelines(stage: str) -> None:
    """The numbers that ship say how long one takes, and pin no claim."""
    hours = []
    for claim in (1, 0.5):
        asked = ["plan", "cluster", "--assume", "rates", "--json", "--set", f"{stage}.run.gpus={claim}"]
        hours.append(json.loads(CliRunner().invoke(app, asked).stdout)["stages"][stage]["gpu_hours"])
    assert hours[1] == pytest.approx(hours[0] / 2)


@pytest.mark.usefixtures("here")
def test_numbers_of_another_stage_are_refused_and_those_of_other_models_are_guesses() -> None:
    other = RATES.replace("describe: {", "describe: {of: 'mystages:Describe', ")
    said = refused(other)
    assert (
        "stages.describe: is told of mystages:Describe, and that stage of drawing is tests.engine.drawing:Describe"
        in said
    )
    assert "`actor18m preflight drawing --rates FILE`" in said
    found = told(RATES.replace("describe: {", "describe: {of: 'tests.engine.drawing:Describe with clip', "))
    assert found["stages"]["describe"]["is_guess"]
    assert not found["stages"]["read"]["is_guess"]
    assert found["notes"] == ["told of other models, and taken for guesses: describe (none instead of clip)"]
    assert told(RATES)["notes"] == []


@pytest.mark.usefixtures("here")
def test_shares_that_were_told_of_another_pipelines_rules_say_so() -> None:
    """The same stages, and other rules."""
    for of, notes in (
        ("drawing", []),
        (
            "sketching",
            [
                "how many pass and what is asked for was told of sketching, and drawing may have other rules: "
                "the shares are taken as they are"
            ],
        ),
    ):
        assert told(f"pipeline: {of}\n{RATES}")["notes"] == notes
    asked = ["plan", "paper-cluster", "--assume", "rates"]
    shown = CliRunner().invoke(app, asked, env={"COLUMNS": "200"}).stdout
    assert "note: how many pass and what is asked for was told of cluster, and paper-cluster may have" in shown
    (note,) = json.loads(CliRunner().invoke(app, [*asked, "--json"]).stdout)["notes"]
    assert note in shown


@pytest.mark.usefixtures("here")
def test_what_is_told_of_no_stage_is_left_aside_and_said() -> None:
    more = RATES.replace("stages:\n", "gates: {Z: {read: [0.5, guess]}}\nstages:\n  depth: {seconds: [1, guess]}\n")
    assert told(more)["notes"] == ["of no stage or subset of the pipeline, and left aside: depth, gates.Z"]
    shown = CliRunner().invoke(app, ["plan", "drawing.yaml", "--assume", "rates.yaml"], env={"COLUMNS": "200"}).stdout
    assert "note: of no stage or subset" in shown
    misspelt = refused(RATES.replace("  describe:", "  descrive:"))
    assert "stages.descrive: the pipeline has no such stage" in misspelt
    assert "stages.describe: nothing is told of this stage" in misspelt


def test_the_numbers_that_ship_are_of_the_pipeline_for_which_they_are_made(here: Path) -> None:
    assert json.loads(CliRunner().invoke(app, ["plan", "cluster", "--assume", "rates", "--json"]).stdout)["notes"] == []
    for_laptops = CliRunner().invoke(app, ["plan", "embedded", "--assume", "rates"], env={"COLUMNS": "200"})
    assert for_laptops.exit_code == 1
    assert (
        "is told of stages.edited.views:EditedViews, and that stage of embedded is stages.harvest:Harvest"
        in for_laptops.output
    )
