import json
import shutil
from pathlib import Path

from accuracy.build import DEFAULT, measure, pipelines, without_gates
from accuracy.read import read
from accuracy.sets import samples, shipped_folder
from accuracy.verdicts import is_right
from actor18m.execute.crews import SerialCrew
from actor18m.storage.store import make_store


def test_a_set_is_measured_once_and_read_with_each_policys_verdicts(tmp_path: Path) -> None:
    for name in ("talk_yaw_2", "near_duplicate_2", "talk_yaw_1", "one_second_1"):
        for kind in ("mp4", "json"):
            shutil.copy(shipped_folder() / f"{name}.{kind}", tmp_path)
    clips = samples("some", tmp_path).clips
    policies = pipelines()
    store = tmp_path / "store"
    for _ in range(2):
        measure(store, clips, [without_gates(policies[DEFAULT])], SerialCrew(), until="intake")
        seen = {
            each.filmed.name: each
            for each in read(make_store(store), clips, policies, policies[DEFAULT], until="intake")
        }
    runs = [json.loads(path.read_text())["tally"] for path in sorted((store / "runs").glob("??????.json"))]
    assert [run["measured"] for run in runs] == [{"intake": 4}, {}]
    assert {name: each.fates[DEFAULT].by for name, each in seen.items()} == {
        "talk_yaw_1": "",
        "talk_yaw_2": "",
        "near_duplicate_2": "intake.duplicate",
        "one_second_1": "intake.duration",
    }
    assert is_right(seen["near_duplicate_2"], DEFAULT, list(seen.values())), "it repeats the clip it was made from"
    assert seen["talk_yaw_2"].rows["intake"]["width"] == 960
    assert all(each.fates["paper"] == each.fates[DEFAULT] for each in seen.values())
