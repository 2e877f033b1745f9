"""A stage that fails every clip alike is at fault, and no clip: it stops, and nothing is kept of it or published."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from actor18m.execute import trouble
from tests.engine import buggy
from tests.engine.site import Site, films
from tests.engine.steady import PIPELINE

WITH_BUG = PIPELINE.replace("duplicates:", '  - stage: "tests.engine.buggy:Buggy"\nduplicates:')


@pytest.fixture
def broken(site: Site) -> Site:
    return replace(site, pipeline=WITH_BUG)


def built(site: Site, *more: str) -> tuple[int, str]:
    result = site.run("build", str(site.root / "steady.yaml"), "--input", str(site.videos), *more)
    return result.exit_code, result.stderr


def test_a_bug_stops_its_stage_and_nothing_is_published(broken: Site) -> None:
    broken.put(films("good", 40, 0.4, 1.0))
    code, said = built(broken)
    assert code == 1
    assert said.count("Traceback") == 1
    assert "NameError: name 'lenght' is not defined" in said
    assert "tests/engine/buggy.py:" in said
    assert "stage buggy" in said
    assert "good" in said
    assert not (broken.dataset / "latest").exists()
    assert broken.called() == {"read": 40, "look": 40, "deep": 40}, "the others went on"
    tried = broken.ask("status")["states"]
    assert tried == {"pending": 40}


def test_a_mended_stage_tries_again_by_itself(broken: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    broken.put(films("good", 5, 0.4, 1.0))
    assert built(broken)[0] == 1
    monkeypatch.setattr(buggy, "MENDED", True)
    assert built(broken)[0] == 0
    assert set(broken.states().values()) == {"accepted"}


def test_one_clip_is_enough_to_show_a_misspelt_name(broken: Site) -> None:
    broken.put({"only": "a good take"})
    assert built(broken, "--set", "look.score=0.0")[0] == 1
    assert broken.ask("status", "--set", "look.score=0.0")["states"] == {"pending": 1}


def test_clips_that_fail_among_others_fail_for_themselves(broken: Site) -> None:
    fine = {name: f"fine {text}" for name, text in films("good", 12, 0.0, 1.0).items()}
    broken.put(fine | {f"mbad{number}": f"take {number}" for number in range(3)})
    bare = replace(broken, pipeline=WITH_BUG.replace("at_least: 0.4", "at_least: 0.0"))
    assert built(bare)[0] == 0
    states = bare.states()
    assert {name for name, state in states.items() if state == "failed"} == {f"mbad{number}" for number in range(3)}
    (story,) = bare.ask("explain", str(bare.videos / "mbad0.mp4"))
    assert "NameError: name 'lenght' is not defined (at tests/engine/buggy.py:" in story["stages"][-1]["error"]
    (log,) = Path(bare.root, "store", "runs").glob("*.log.jsonl")
    raised = [line for line in map(json.loads, log.read_text().splitlines()) if "traceback" in line]
    assert len(raised) == 3
    assert {line["stage"] for line in raised} == {"buggy"}
    assert all("lenght" in line["traceback"] and line["clip"] for line in raised)


def test_after_a_stage_once_measured_few_alike_are_their_own_fault(
    broken: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = replace(broken, pipeline=WITH_BUG.replace("at_least: 0.4", "at_least: 0.0"))
    bare.put({f"fine{number}": f"fine take {number}" for number in range(12)})
    assert built(bare)[0] == 0
    bare.put({f"bad{number}": f"take {number}" for number in range(3)})
    assert built(bare)[0] == 0
    assert sum(state == "failed" for state in bare.states().values()) == 3


def test_a_server_that_is_not_there_is_not_asked_for_every_clip(broken: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trouble, "PATIENCE_S", ())
    bare = replace(broken, pipeline=WITH_BUG.replace("at_least: 0.4", "at_least: 0.0"))
    bare.put({f"take{number}": f"far take {number}" for number in range(60)})
    code, said = built(bare)
    assert code == 1
    assert "ConnectionError: the model's server is not there" in said
    assert "not now" not in said
    assert bare.ask("status")["states"] == {"pending": 60}


def test_a_pipeline_may_say_that_a_stage_never_stops(broken: Site) -> None:
    never = WITH_BUG.replace('"tests.engine.buggy:Buggy"', '"tests.engine.buggy:Buggy"\n    run: {stop_after: null}')
    broken.put(films("good", 4, 0.4, 1.0))
    site = replace(broken, pipeline=never)
    assert built(site, "--max-failed", "1", "--allow-empty")[0] == 0
    assert set(site.states().values()) == {"failed"}
