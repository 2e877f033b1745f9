"""What a plan says of money: what is likely to come, what it costs, and what an image costs that is kept."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.engine.drawing import PIPELINE
from tests.engine.drawn import WORDS
from tests.engine.site import Site
from tests.engine.slow_server import PIPELINE as ASKED
from tests.engine.slow_server import SlowServer

MORE = {name: f"a film about {name} and nuts" for name in ("dates", "figs")}
STRICT = PIPELINE.replace("subsets:", "  describe: {letters: {value: 'len(seen)', at_least: 12}}\nsubsets:")
"""Of `a film about apples in black` the words a, film and about are too short for it."""


@pytest.fixture
def server() -> Iterator[SlowServer]:
    with SlowServer(0.01) as started:
        yield started


def counts(plan: Any, name: str) -> tuple[Any, Any, Any]:
    stage = plan["stages"][name]
    return stage["missing"], stage["expected"], stage["at_most"]


def test_of_new_inputs_as_many_are_expected_as_came_so_far(site: Site) -> None:
    """Three films of four words each: a quarter of the images is kept."""
    site = replace(site, pipeline=STRICT)
    site.put(WORDS | {"one": "word"})
    site.build()
    site.put(MORE)
    plan = site.ask("plan", "--input", str(site.videos))
    assert counts(plan, "read") == (0, 2, 2)
    assert counts(plan, "ask") == (0, 2, 2), "3 of 4 passed before, which makes 1.5"
    assert counts(plan, "draw") == (0, 6, 8)
    read = plan["stages"]["read"]["each"]["seconds"]
    assert plan["totals"]["seconds"]["least"] == pytest.approx(2 * read), "each new one is read, come what may"
    assert counts(plan, "describe") == (0, 6, 8)
    (kept,) = plan["kept_images"]
    shares = site.table("references")
    assert kept["kept"] == pytest.approx(len(shares) / 12)
    assert kept["per_input"] == pytest.approx(len(shares) / 4)
    draw, describe = (plan["stages"][name]["each"]["seconds"] for name in ("draw", "describe"))
    assert kept["own"]["seconds"] == pytest.approx((draw + describe) * 12 / len(shares))
    assert kept["whole"]["seconds"] > kept["own"]["seconds"], "with what its clip took"


def test_what_a_changed_stage_will_ask_for_is_expected_as_before(site: Site) -> None:
    site = replace(site, pipeline=PIPELINE)
    site.put(WORDS)
    assert site.ask("plan", "--input", str(site.videos))["asking"] == {"ask": None}, "nobody knows"
    shown = site.run("plan", str(site.root / "steady.yaml"), "--input", str(site.videos)).stdout
    assert "how many images ask will ask for, nobody knows before some clips are measured" in shown
    assert "build a few with `--limit 20`" in shown
    site.build()
    other = replace(site, pipeline=PIPELINE.replace("drawing:Ask", "drawing_otherwise:Ask"))
    plan = other.ask("plan")
    assert counts(plan, "ask") == (3, 3, 3)
    assert counts(plan, "draw") == (0, 12, 12)
    assert counts(plan, "describe") == (0, 12, 12)


def test_films_that_repeat_others_and_attempts_that_were_needed_are_expected_again(site: Site) -> None:
    pipeline = PIPELINE.replace("drawing:Draw", "drawing:Sketch\n    candidates: 3")
    site = replace(site, pipeline=pipeline.replace("subsets:", "  draw: {likeness: {at_least: 0.6}}\nsubsets:"))
    site.put(WORDS | {"pears again": WORDS["pears"]})
    site.build()
    drawn = site.called()["draw"]
    assert 12 < drawn < 36, "four images of each of three films, in up to three attempts"
    site.put(
        {f"more{number}": f"{text} and nuts" for number, text in enumerate((*WORDS.values(), "a film about figs"))}
    )
    plan = site.ask("plan", "--input", str(site.videos))
    assert counts(plan, "ask") == (0, 3, 4), "of four films one repeated another"
    images = 3 * 4
    assert counts(plan, "draw")[1:] == (round(images * drawn / 12), 4 * 4 * 3)


def test_rows_of_an_older_version_lack_what_rules_of_now_compare(site: Site) -> None:
    site = replace(site, pipeline=STRICT)
    site.put(WORDS)
    site.build()
    other = STRICT.replace("drawing:Describe", "drawing_otherwise:Describe").replace("'len(seen)'", "length")
    plan = replace(site, pipeline=other).ask("plan")
    assert counts(plan, "describe") == (12, 12, 12)
    assert [each["kept"] for each in plan["kept_images"]] == [None], "nobody knows how many"


def test_dollars_are_those_that_were_paid_or_that_the_pipeline_expects(site: Site, server: SlowServer) -> None:
    def priced(run: str) -> Site:
        return replace(site, pipeline=ASKED.format(url=server.url, run=run))

    site.put({f"good{number}": f"good take {number}" for number in range(4)})
    given = ("--input", str(site.videos))
    unknown = priced("{}").ask("plan", *given)
    assert unknown["totals"] == {}
    foretold = priced("{expected: {seconds: 2, dollars: 0.5}}").ask("plan", *given)
    assert foretold["stages"]["asked"]["basis"] == "expected"
    assert foretold["totals"]["dollars"]["at_most"] == 2.0
    priced("{}").build()
    for each in site.videos.iterdir():
        each.write_bytes(each.read_bytes() + b"\0\0\0\x08free")
    measured = priced("{expected: {dollars: 9}, dollars_per: {request: 0.05}}").ask("plan", *given)
    each = measured["stages"]["asked"]["each"]
    assert (each["requests"], each["dollars"]) == (1.0, pytest.approx(0.30)), "what was paid, and the price of now"
    assert measured["totals"]["dollars"]["expected"] == pytest.approx(4 * 0.30)
    shown = priced("{}").run("plan", str(site.root / "steady.yaml"), *given).stdout
    assert "dollars: $0.00 at least, $1.00 expected, $1.00 if every clip and image passes" in shown


def test_a_price_of_what_a_stage_does_not_tell_is_refused(site: Site, server: SlowServer) -> None:
    for run, why in (
        ("{dollars_per: {gpu_hour: 2}}", "asked tells no gpu_seconds; say in `run.gpus` what it claims"),
        ("{expected: {tokens: 5}}", "run.expected.tokens: asked does not tell that"),
    ):
        wrong = replace(site, pipeline=ASKED.format(url=server.url, run=run))
        (site.root / "wrong.yaml").write_text(wrong.pipeline)
        assert why in site.bare("validate", str(site.root / "wrong.yaml")).output


def test_what_if_knows_no_image_that_a_changed_stage_may_ask_for(site: Site) -> None:
    site = replace(site, pipeline=PIPELINE.replace("of: [ask]", ""))
    site.put(WORDS)
    site.build()
    told = site.ask("what-if", "--set", "read.upper=true")
    assert {move["to"] for move in told["images"]} == {"image pending read"}
    assert told["unknown_until_measured"] == 3 + 12
    gone = site.ask("what-if", "--set", "read.words=9")
    assert {move["to"] for move in gone["images"]} == {"image not asked for"}, "its clip is rejected"
    assert gone["unknown_until_measured"] == 0


def test_a_sweep_counts_images_of_each_subset(site: Site) -> None:
    site = replace(site, pipeline=STRICT)
    site.put(WORDS)
    site.build()
    rows = site.ask("what-if", "--sweep", "describe.letters=9:15:3")
    kept = [row["images"]["A"].get("kept", 0) for row in rows]
    assert kept == sorted(kept, reverse=True)
    assert kept[0] > kept[-1]
    assert {sum(row["images"]["A"].values()) for row in rows} == {12}
    shown = site.run("what-if", str(site.root / "steady.yaml"), "--sweep", "describe.letters=9:15:3").stdout
    assert "A kept" in shown
    assert "with each bound: 3 accepted" in shown


def test_a_budget_of_gpu_hours_stops_cleanly_and_the_next_build_goes_on(site: Site) -> None:
    """Each drawing claims a GPU for a fiftieth of a second."""
    run = "parameters: {pause_s: 0.05}\n    run: {clips_per_call: 1, gpus: 1, dollars_per: {gpu_hour: 3600}}"
    site = replace(site, pipeline=PIPELINE.replace("drawing:Draw", f"drawing:Draw\n    {run}"))
    site.put({f"film{number}": f"the tale of {number} little pigs" for number in range(4)})
    hours = str(0.6 / 3600)
    first = site.run("build", str(site.root / "steady.yaml"), "--input", str(site.videos), "--budget-gpu-hours", hours)
    assert first.exit_code == 0
    assert "draw: stopped at its budget: " in first.stdout
    assert "GPU hours of all stages together" in first.stdout
    assert "or raise --budget-gpu-hours" in first.stdout
    drawn = site.called()["draw"]
    assert 0 < drawn <= 12, "fewer where a machine is busy: what is paid for is time"
    told = site.ask("status")
    assert told["adds_up"]
    assert told["images"]["A"]["states"] == {"kept": drawn, "pending": 24 - drawn}
    plan = site.ask("plan")
    assert plan["totals"]["dollars"]["least"] == pytest.approx(plan["totals"]["gpu_seconds"]["least"])
    assert plan["totals"]["gpu_seconds"]["least"] >= 0.05 * (24 - drawn)
    too_small = site.run("build", str(site.root / "steady.yaml"), "--budget-usd", "0.001")
    assert "draw: stopped at its budget: 0 of 0.001 dollars of all stages together" in too_small.stdout
    assert "not one fits into --budget-usd; raise it to go on" in too_small.stdout
    assert site.called() == {}, "what one costs is known from before"
    site.build()
    assert site.called() == {"draw": 24 - drawn, "describe": 24 - drawn}


def test_what_builds_took_is_told_by_stage_and_by_build(site: Site, server: SlowServer) -> None:
    run = "{dollars_per: {request: 0.25}}"
    site = replace(site, pipeline=ASKED.format(url=server.url, run=run))
    site.put(WORDS)
    site.build()
    spent = site.ask("status")["spent"]["asked"]
    assert (spent["measured"], spent["more"], spent["dollars"]) == (3, {"requests": 3}, 1.5), (
        "a quarter by the row, and one by the request"
    )
    assert (spent["gpu_s"], spent["idle_gpu_s"]) == (0, 0)
    shown = site.run("status", str(site.root / "steady.yaml")).stdout
    assert [line.split()[0] for line in shown.splitlines() if "$1.50" in line] == ["asked", "in"], "and in all"
    told = site.bare("runs", "--store", str(site.root / "store"), "--stages").stdout
    assert "of workers, 3 requests, $1.50" in told
    assert "in 1 build" in told
