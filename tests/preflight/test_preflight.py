"""The command: what models and stages take is measured where they will run, and written so that it can be used."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from actor18m.cli.app import app
from actor18m.config.pipeline import load_pipeline
from actor18m.config.shipped import find_pipeline
from actor18m.errors import ActorError
from actor18m.execute.pools import plan_pools
from actor18m.execute.teams import teams_of
from actor18m.models.lock import read_lock
from actor18m.preflight.apart import Ended
from actor18m.preflight.backend_speed import BackendSpeed
from actor18m.preflight.device import Gpu, Machine
from actor18m.preflight.measuring import ASKED, StageRun
from actor18m.preflight.pool_plan import fitting_shares, pool_plan
from actor18m.preflight.probes import PROBES, seen
from actor18m.preflight.stage_speed import StageSpeed
from actor18m.preflight.written import Found, pools_yaml
from actor18m.preflight.written_rates import measured_rates
from actor18m.survey.assumed import rates_file
from actor18m.survey.assumed_price import by_name, price
from actor18m.survey.chain import chain_of
from actor18m.yaml_file import parse_yaml
from tests.engine.drawing import PIPELINE as DRAWING
from tests.engine.films import film
from tests.survey.test_assumed import RATES

OWN = """\
import time
from collections.abc import Sequence
from actor18m.models.asked_roles import Chat
from actor18m.models.batches import Batches
from actor18m.models.roles import PersonDetector
from actor18m.models.torch_device import TorchParameters
from actor18m.stage import schema
from actor18m.waiting import WaitingStage
from pyarrow import string
from tests.engine.drawing import Describe, Draw


class Sees:
    parameters = TorchParameters()

    @classmethod
    def load(cls, parameters): return cls(parameters.batch)

    def __init__(self, most): self._in_batches = Batches("preflighted:Sees", self._some, most)

    def people(self, frames): return self._in_batches(frames)

    def _some(self, frames):
        if len(frames) > 4:
            raise MemoryError
        time.sleep(0.02)
        return [[] for _ in frames]


class SlowDraw(Draw):
    roles = {"people": PersonDetector}

    def measure(self, images):
        time.sleep(0.01 * len(images))
        return super().measure(images)


class Look(Describe):
    roles = {"people": PersonDetector}


class Asks(WaitingStage):
    version = 1
    roles = {"chat": Chat}
    writes = schema("asked", answer=string())
"""
PIPELINE = DRAWING.replace(
    "tests.engine.drawing:Draw\n",
    "preflighted:SlowDraw\n    roles: {people: {backend: 'preflighted:Sees', batch: 2}}\n",
)

_ASK = "  - stage: tests.engine.drawing:Ask\n"
ASKING = PIPELINE.replace(
    _ASK,
    "  - stage: preflighted:Asks\n"
    "    roles: {chat: {backend: openai-chat, url: 'http://127.0.0.1:9/v1', model: m, more: {seed: 1}}}\n" + _ASK,
)
"""One stage asks an endpoint."""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "preflighted", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "preflighted.py").write_text(OWN)
    (tmp_path / "slow.yaml").write_text(PIPELINE)
    (tmp_path / "guessed.yaml").write_text(RATES)
    (tmp_path / "film.mp4").write_bytes(film("three good takes"))
    return tmp_path


def preflight(*more: str, file: str = "slow.yaml") -> Result:
    asked = ["preflight", file, "--clip", "film.mp4", "--seconds", "0.3", "--assume", "guessed.yaml", *more]
    run = CliRunner().invoke(app, asked, env={"COLUMNS": "200"})
    assert run.exit_code == 0, run.output
    return run


@pytest.mark.usefixtures("here")
def test_what_is_measured_batch_by_batch_and_stage_by_stage_is_a_pipeline_s_and_a_plan_s() -> None:
    found = json.loads(preflight("--json", "--write", "pools.yaml", "--rates", "rates.yaml").stdout)
    (sees,) = found["backends"]
    assert [batch["size"] for batch in sees["batches"]] == [1, 2, 4, 8]
    rates = [batch["per_second"] for batch in sees["batches"]]
    assert rates[0] < rates[1] < rates[2], "a batch takes as long as one"
    assert "no memory for 8 at once, so 4" in sees["stopped"]
    stages = found["stages"]
    assert (stages["draw"]["measured"], stages["draw"]["per_clip"]) == (3, 4.0), "of 0.5 x 4 in 2 attempts"
    assert 0.01 <= stages["draw"]["seconds"] < 0.5
    assert stages["draw"]["bytes"] > 50 << 20
    assert 0 < stages["draw"]["bare_bytes"] <= stages["draw"]["bytes"]
    assert 0 < stages["draw"]["kept_bytes"] <= stages["draw"]["bytes"]
    assert found["plan"]["clips_per_hour"] > 0
    Path("ours.yaml").write_text("extends: [slow.yaml, pools.yaml]\nname: ours\n")
    before, after = load_pipeline(Path("slow.yaml")), load_pipeline(Path("ours.yaml"))
    assert after.step("draw").run.clips_per_call == 64
    assert before.step("draw").run.clips_per_call == 8
    assert after.step("draw").run.memory_gib is None, "stages that share workers go on doing so"
    guessed, measured = (price(before, Path(name)) for name in ("guessed.yaml", "rates.yaml"))
    assert guessed.stages["draw"].is_guess
    assert not measured.stages["draw"].is_guess
    assert measured.stages["draw"].seconds < 1 < guessed.stages["draw"].seconds
    assert measured.sources["stages.draw.seconds"].startswith("measured: preflight on ")


def test_what_cannot_be_measured_is_told_with_what_it_takes_along(here: Path) -> None:
    text = PIPELINE.replace("people: {backend: 'preflighted:Sees', batch: 2}", "people: 'preflighted:Lost'")
    (here / "preflighted.py").write_text(
        OWN + "\n\nclass Lost(Sees):\n    @classmethod\n"
        "    def load(cls, parameters): raise RuntimeError('no such weights')\n"
    )
    (here / "slow.yaml").write_text(text)
    shown = preflight().stdout
    assert "not measured: preflighted:Lost as PersonDetector, of draw: RuntimeError: no such weights" in shown
    assert "not measured: draw: stage draw: backend preflighted:Lost, which plays people, cannot be loaded" in shown
    assert "not measured: describe: needs draw, of which nothing came" in shown
    assert " ask " in shown


def test_a_stage_that_asks_an_endpoint_is_left_out_and_all_else_is_measured_and_written(here: Path) -> None:
    (here / "asked.yaml").write_text(ASKING)
    more = "--assume", "rates", "--write", "pools.yaml", "--rates", "rates.yaml"
    shown = preflight(*more, file="asked.yaml").stdout
    assert f"not measured: openai-chat as Chat, of asked: {ASKED}" in shown
    assert f"not measured: asked: {ASKED}" in shown
    assert "rates.yaml: lacks asked, of which nothing is known: put in its `seconds`, then actor18m plan" in shown
    told: Any = parse_yaml((here / "rates.yaml").read_text())
    assert [*told["stages"]] == ["read", "ask", "draw", "describe"]
    (here / "ours.yaml").write_text("extends: [asked.yaml, pools.yaml]\nname: ours\n")
    ours = load_pipeline(here / "ours.yaml")
    assert ours.step("draw").run.clips_per_call == 64
    assert ours.step("asked").run == load_pipeline(here / "asked.yaml").step("asked").run, "as it was"


def took(seconds: float, gib: float, gpu_gib: float = 0, busy: float | None = None) -> StageSpeed:
    size = int(gib * 2**30)
    return StageSpeed(1, 2 * seconds, seconds, 8, 0, 1, size, size, int(gpu_gib * 2**30), busy, size // 2, size)


def test_on_a_gpu_stages_claim_the_scarcer_of_its_memory_and_its_time(here: Path) -> None:
    """A card of 80 GiB, of which Draw takes 20, and half of its time."""
    (here / "slow.yaml").write_text(PIPELINE.replace("    roles:", "    run: {gpus: 0.1}\n    roles:"))
    pipeline = load_pipeline(here / "slow.yaml")
    machine = Machine(32, 256 << 30, 1, Gpu("a card", "abc", 80 << 30, 0, 1 << 29))
    speeds: dict[str, StageSpeed | Ended] = {
        "read": took(0.1, 0.5), "ask": took(0.01, 0.3), "draw": took(2, 4, 20, 0.52), "describe": Ended("away"),
    }  # fmt: skip
    runs = [StageRun(step, speeds[step.name], "clips", 1) for step in pipeline.stages]
    plan = pool_plan(pipeline, runs, machine, 1, here / "guessed.yaml")
    assert plan.claims["draw"].gpus == 0.55
    assert (plan.claims["draw"].memory_gib, plan.claims["draw"].clips_per_call) == (6, 5)
    assert plan.together["read"] == ("read", "ask")
    found = Found("slow", machine, ["film.mp4"], [], runs, plan)
    (here / "pools.yaml").write_text(pools_yaml(found))
    (here / "ours.yaml").write_text("extends: [slow.yaml, pools.yaml]\n")
    run = load_pipeline(here / "ours.yaml").step("draw").run
    assert (run.gpus, run.workers, run.memory_gib, run.clips_per_call) == (0.55, 1, 6, 5)
    told: Any = parse_yaml(measured_rates(found, pipeline, here / "guessed.yaml").text)
    assert told["stages"]["draw"]["gpus"][0] == 0.55
    assert told["stages"]["describe"]["seconds"] == [0.036, "measured"], "as it was"


def measured(here: Path) -> Found:
    """Of slow.yaml, on a machine that measured all of it."""
    pipeline = load_pipeline(here / "slow.yaml")
    runs = [StageRun(step, took(0.1, 0.5), "clips", 1) for step in pipeline.stages]
    machine = Machine(8, 32 << 30, 0, None)
    return Found("slow.yaml", machine, [], [], runs, pool_plan(pipeline, runs, machine, 1, here / "guessed.yaml"))


def test_pools_of_another_pipeline_are_refused_with_the_file_the_stages_and_the_way_out(here: Path) -> None:
    (here / "pools.yaml").write_text(pools_yaml(measured(here)))
    (here / "other.yaml").write_text(DRAWING)
    (here / "tuned.yaml").write_text(PIPELINE.replace("preflighted:Sees", "preflighted:Other"))
    (here / "preflighted.py").write_text(OWN + "\n\nclass Other(Sees): pass\n")
    (here / "ours.yaml").write_text("extends: [other.yaml, pools.yaml]\n")
    with pytest.raises(ActorError) as stages:
        load_pipeline(here / "ours.yaml")
    (here / "ours.yaml").write_text("extends: [tuned.yaml, pools.yaml]\n")
    with pytest.raises(ActorError) as models:
        load_pipeline(here / "ours.yaml")
    for error, of, why in (
        (stages, "other", "preflighted:SlowDraw: {} has no such stage"),
        (models, "tuned", "preflighted:SlowDraw: was measured with preflighted:Sees as people, and {} has"),
    ):
        other = str(here / f"{of}.yaml")
        assert f"{here / 'pools.yaml'}: was measured of the pipeline slow.yaml, and does not fit {other}:" in str(
            error.value
        )
        assert why.format(other) in str(error.value)
        assert f"`actor18m preflight {other} --write pools.yaml`" in str(error.value)
    assert "backend" not in str(stages.value)


def test_pools_alone_are_no_pipeline_until_they_say_what_they_extend(here: Path) -> None:
    text = pools_yaml(measured(here))
    (here / "pools.yaml").write_text(text)
    with pytest.raises(ActorError, match=r"is no pipeline by itself: .*extends: \[slow\.yaml, pools\.yaml\]"):
        load_pipeline(here / "pools.yaml")
    (here / "pools.yaml").write_text("extends: slow.yaml\n" + text)
    assert load_pipeline(here / "pools.yaml").step("draw").run.clips_per_call == 64


def test_what_is_wrong_with_what_was_asked_is_told_before_anything_is_measured(here: Path) -> None:
    (here / "guessed.yaml").write_text(RATES.replace("describe: {", "describe: {of: 'mystages:Describe', "))
    for more, why in (
        ((), "stages.describe: is told of mystages:Describe"),
        (("--assume", "rates", "--rates", "none/rates.yaml"), "none/rates.yaml cannot be written: there is no folder"),
    ):
        asked = ["preflight", "slow.yaml", "--clip", "film.mp4", "--assume", "guessed.yaml", *more]
        run = CliRunner().invoke(app, asked, env={"COLUMNS": "200"})
        assert run.exit_code == 1
        assert why in run.output
        assert "measuring" not in run.output


def test_shares_of_other_stages_are_not_taken_for_this_pipeline() -> None:
    """`views` of embedded asks for other images than that of cluster."""
    for name, fits in (("cluster", True), ("paper-cluster", True), ("embedded", False)):
        pipeline = load_pipeline(find_pipeline(name))
        shares = fitting_shares(pipeline, chain_of(pipeline, describe=by_name), rates_file(Path("rates")))
        assert (shares is not None) == fits, name


def test_no_more_workers_are_planned_than_a_build_would_begin(here: Path) -> None:
    """Each keeps 0.8 of a CPU busy, and the pipeline claims nothing: so no number is written, and CPUs decide it."""
    pipeline, machine = load_pipeline(here / "slow.yaml"), Machine(2, 64 << 30, 0, None)
    runs = [StageRun(step, replace(took(1, 0.2), cpus=0.8), "clips", 1) for step in pipeline.stages]
    plan = pool_plan(pipeline, runs, machine, 4, here / "guessed.yaml")
    (pool,) = plan_pools(teams_of({step.name: step.run for step in pipeline.stages}, None), plan.nodes)
    assert plan.workers("read") == pool.workers == 8
    assert plan.shared is not None
    assert plan.shared.bottleneck == "the 8 CPUs, on which a build begins no more workers"


@pytest.mark.parametrize(("gib", "busy", "gpus"), [(20, 0.98, 1), (72, 0.3, 1), (100, 0.3, 2)])
def test_who_keeps_a_gpu_busy_or_needs_more_than_one_claims_whole_ones(
    gib: float, busy: float, gpus: float, here: Path
) -> None:
    """Of 80 GiB each: with a tenth more than was seen, 72 just fit."""
    (here / "slow.yaml").write_text(PIPELINE.replace("    roles:", "    run: {gpus: 0.1}\n    roles:"))
    pipeline = load_pipeline(here / "slow.yaml")
    machine = Machine(32, 256 << 30, 4, Gpu("a card", "abc", 80 << 30, 0, 1 << 29))
    runs = [StageRun(step, took(2, 4, gib, busy), "images", 1) for step in pipeline.stages if step.name == "draw"]
    plan = pool_plan(pipeline, runs, machine, 1, here / "guessed.yaml")
    assert plan.claims["draw"].gpus == gpus
    assert plan.workers("draw") == 4 // gpus
    assert plan.shared is not None
    assert plan.per_clip["draw"] > 1
    assert plan.shared.clips_per_hour == pytest.approx(3600 * (4 // gpus) / (2 * plan.per_clip["draw"]))


def test_what_a_process_may_write_to_bounds_a_claim_and_no_machine(here: Path) -> None:
    """Libraries reserve a GiB that they never use: a limit has to leave it, and 17 stages do not take it 17 times."""
    pipeline = load_pipeline(here / "slow.yaml")
    machine = Machine(2, 4 << 30, 0, None)
    speed = replace(took(1, 0.2), data_bytes=3 << 30)
    runs = [StageRun(step, speed, "clips", 1) for step in pipeline.stages]
    plan = pool_plan(pipeline, runs, machine, 1, here / "guessed.yaml")
    assert plan.claims["draw"].memory_gib == 4.5
    assert plan.shared is not None
    assert plan.shared.bottleneck == "the 2 CPUs"
    busier = [replace(run, speed=replace(speed, cpus=2.0)) for run in runs]
    other = pool_plan(pipeline, busier, machine, 1, here / "guessed.yaml").shared
    assert other is not None
    assert other.clips_per_hour == pytest.approx(plan.shared.clips_per_hour / 2), "each keeps both of them busy"


def test_python_and_the_clips_at_hand_are_in_a_process_once_whatever_the_least_stage_takes(here: Path) -> None:
    """One stage of little, and others that take 5 GiB: 3 of Python, 0.5 of models and 1.5 of a clip's pictures."""
    pipeline = load_pipeline(here / "slow.yaml")
    machine = Machine(2, 24 << 30, 0, None)
    gib = 1 << 30
    large = replace(took(1, 5), bare_bytes=3 * gib, kept_bytes=3 * gib + gib // 2)
    little = replace(took(1, 0.2), bare_bytes=gib // 8, kept_bytes=gib // 5)
    runs = [StageRun(step, little if step.name == "read" else large, "clips", 1) for step in pipeline.stages]
    plan = pool_plan(pipeline, runs, machine, 4, here / "guessed.yaml")
    assert plan.together["read"] == ("read", "ask", "draw", "describe")
    assert plan.shared is not None
    assert plan.shared.bottleneck == "the 8 CPUs"
    small = pool_plan(pipeline, runs, replace(machine, bytes=10 << 30), 4, here / "guessed.yaml")
    assert small.workers("read") == 5, "of 6.1 GiB, in 0.8 of 40"


def test_stages_that_share_a_model_on_a_gpu_go_on_sharing_their_workers(here: Path) -> None:
    """Each claims what the one takes that takes most."""
    claim = "    run: {gpus: 1, memory_gib: 8}\n    roles:"
    looks = f"preflighted:Look\n{claim} {{people: 'preflighted:Sees'}}\n"
    text = PIPELINE.replace("    roles:", claim).replace("tests.engine.drawing:Describe\n", looks)
    (here / "slow.yaml").write_text(text)
    pipeline = load_pipeline(here / "slow.yaml")
    machine = Machine(32, 256 << 30, 4, Gpu("a card", "abc", 80 << 30, 0, 1 << 29))
    speeds = {
        "read": took(0.1, 0.5),
        "ask": took(0.01, 0.3),
        "draw": took(2, 4, 30),
        "describe": took(1, 2, 20),
    }
    runs = [StageRun(step, speeds[step.name], "images", 2) for step in pipeline.stages]
    plan = pool_plan(pipeline, runs, machine, 1, here / "guessed.yaml")
    assert plan.together["draw"] == ("draw", "describe")
    assert plan.claims["draw"].gpus == plan.claims["describe"].gpus == 0.45
    assert plan.claims["describe"].memory_gib == 6
    assert plan.workers("draw") == plan.workers("describe") == 8, "two on each of four"
    assert (plan.claims["draw"].clips_per_call, plan.claims["describe"].clips_per_call) == (5, 10)


def test_a_model_is_never_shown_a_picture_twice() -> None:
    """Some remember what they were asked."""
    shown = {each.frame.tobytes() for each in seen(40)}
    assert len(shown) == 40
    assert {each.frame.shape for each in seen(2)} == {(720, 1280, 3)}
    assert all(probe.item for probe in PROBES.values())


def test_whoever_has_weights_can_be_measured() -> None:
    """What else there is, is asked over the network."""
    with_weights = read_lock().models
    for pipeline in ("embedded", "cluster", "commercial"):
        for step in load_pipeline(find_pipeline(pipeline)).steps:
            played = {
                step.stage_class.roles[role] for role, backend in step.roles.items() if backend.name in with_weights
            }
            assert played <= PROBES.keys(), step.name


@pytest.mark.slow
@pytest.mark.usefixtures("embedded_models")
def test_the_pipeline_that_ships_is_measured(tmp_path: Path) -> None:
    rates = str(tmp_path / "rates.yaml")
    run = CliRunner().invoke(app, ["preflight", "embedded", "--seconds", "0.5", "--json", "--rates", rates])
    found = json.loads(run.stdout)
    assert all("why" not in stage for stage in found["stages"].values()), found["stages"]
    by_name = {each["backend"]: each for each in found["backends"]}
    assert by_name["centerface"]["batches"][0]["per_second"] > 0.1
    assert BackendSpeed.__dataclass_fields__.keys() <= by_name["efficientdet"].keys()
    plan = CliRunner().invoke(app, ["plan", "embedded", "--assume", rates, "--json"])
    assert plan.exit_code == 0, plan.output
    assert json.loads(plan.stdout)["stages"].keys() == found["stages"].keys()
