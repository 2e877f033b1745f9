"""Clips that kill, hang, exhaust or fail the worker that measures them: they are told from the innocent around them."""

from dataclasses import replace
from pathlib import Path

import pytest

from actor18m.execute import trouble
from tests.engine.site import Site, films
from tests.engine.steady import PIPELINE, attempts

POISON = {
    "quarantined": {"segfault": "killed", "hang": "hung", "hungry": "out_of_memory"},
    "failed": {"raise": "ValueError"},
}
WHERE = ["--input", "videos", "--store", "store", "--dataset", "dataset"]
LIMITS = "\n    run: {clips_per_call: 3, deadline_s: 5, memory_gib: 0.5}"


def with_meter(name: str, run: str = "") -> str:
    return PIPELINE.replace('steady:Steady"}', f'poison:{name}"}}{run}')


def poisoned(site: Site) -> Site:
    """Twelve innocent films, built; then one of each poison beside them, not built yet."""
    innocent = films("good", 8, 0.4, 1.0) | films("poor", 4, 0.0, 0.4)
    site.put(innocent)
    clean = replace(site, pipeline=with_meter("Poisonous"), root=site.root / "clean")
    clean.root.mkdir()
    clean.build(given=site.videos)
    site.called()
    words = [word for of_state in POISON.values() for word in of_state]
    site.put({f"m{word}": f"{word} as told" for word in words})  # in the midst of the others
    return replace(site, pipeline=with_meter("Poisonous", LIMITS))


def innocent(site: Site) -> list[dict[str, object]]:
    kept = ("id", "clip", "state", "stage", "rule", "value", "bound", "why")
    return [{name: row[name] for name in kept} for row in site.table("inputs") if "videos/m" not in row["uri"]]


def assert_told_apart(site: Site) -> None:
    rows = {Path(row["uri"]).stem.removeprefix("m"): row for row in site.table("inputs")}
    for state, of_state in POISON.items():
        for word, kind in of_state.items():
            assert (rows[word]["state"], rows[word]["error_kind"]) == (state, kind)
            (story,) = site.ask("explain", str(site.videos / f"m{word}.mp4"))
            assert story["stages"][-1]["error"].startswith(kind)
    assert innocent(site) == innocent(replace(site, root=site.root / "clean"))


def assert_few_tries(site: Site) -> None:
    names = {row["clip"]: Path(row["uri"]).stem.removeprefix("m") for row in site.table("inputs")}
    tries = {names[key]: n for (stage, key), n in attempts(site.root / "calls").items() if stage == "look"}
    print("tries:", tries)
    for word in tries.keys() & POISON["quarantined"]:
        assert tries[word] <= 3, "once in company, twice alone"


@pytest.mark.slow
def test_on_ray_poison_is_told_from_what_is_beside_it(site: Site) -> None:
    site = poisoned(site)
    ray = [*WHERE, "--executor", "ray", "--workers", "2"]
    built = site.apart("build", *ray, "--max-failed", "0.1")
    assert built.returncode == 3, built.stderr
    assert "3 quarantined: `actor18m status` says why; --retry quarantined tries again" in built.stdout
    assert "4 of 16 inputs failed or are quarantined (25%)" in built.stderr
    assert not (site.dataset / "latest").exists()
    assert site.apart("build", *ray).returncode == 0
    assert_told_apart(site)
    assert_few_tries(site)
    site.called()
    assert site.apart("build", *ray).returncode == 0
    assert site.called() == {}


@pytest.mark.slow
def test_in_one_process_poison_is_told_by_running_again(site: Site) -> None:
    site = poisoned(site)
    ended: list[int] = []
    while not ended or ended[-1]:
        ended.append(site.apart("build", *WHERE, within_s=45, memory_gib=1).returncode)
        assert len(ended) <= 4
    print("ended with", ended)
    assert -9 in ended, "a hang in the build's own process is ended by whoever waits for it"
    assert_told_apart(site)
    assert_few_tries(site)


def test_what_was_quarantined_is_tried_again_where_it_does_no_harm(site: Site) -> None:
    site = replace(site, pipeline=with_meter("Poisonous", LIMITS))
    site.put({"msegfault": "segfault as told"} | films("good", 2, 0.4, 1.0))
    ended = [site.apart("build", *WHERE).returncode for _ in range(2)]
    assert ended == [-11, 0]
    assert_few_tries(site)
    site.called()
    again = site.apart("build", *WHERE, "--retry", "quarantined")
    assert again.returncode == 0, "the driver would have died of it"
    assert site.called() == {"look": 2}
    assert site.states() == {"msegfault": "quarantined", "good0": "accepted", "good1": "accepted"}


def test_a_model_that_is_out_of_reach_fails_no_clip(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trouble, "PATIENCE_S", (0.0, 0.0, 0.0))
    site = replace(site, pipeline=with_meter("Flaky"))
    site.put({"soon": "flaky 3 times", "later": "flaky 6 times"} | films("good", 2, 0.4, 1.0))
    account = site.build(code=3)
    (clip,) = account["tally"]["given_up"]
    assert account["tally"]["given_up"][clip] == "the model's server hung up"
    states = site.states()
    assert states.pop("later") == "pending"
    assert states.pop("soon") != "pending"
    assert set(states.values()) == {"accepted"}
    told = site.run("build", str(site.root / "steady.yaml"), "--input", str(site.videos)).stdout
    assert "not now" not in told
    assert site.ask("status")["states"].get("pending") is None
