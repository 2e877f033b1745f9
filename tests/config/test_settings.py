import re
from pathlib import Path
from typing import Any

import pytest

from actor18m.config.pipeline import load_pipeline
from actor18m.config.settings import apply
from actor18m.config.shipped import find_pipeline
from actor18m.config.unread import unread
from actor18m.errors import ActorError, WrongUsage
from actor18m.stage import Parameters
from tests.config.test_pipeline import written


@pytest.mark.parametrize(
    ("setting", "path", "value"),
    [
        ("faces.mean_similarity=0.45", ("policy", "faces", "mean_similarity", "at_least"), 0.45),
        ("faces.mean_similarity.at_most=0.9", ("policy", "faces", "mean_similarity", "at_most"), 0.9),
        ("probe.duration.at_most=30", ("policy", "probe", "duration", "at_most"), 30),
        ("probe.rules.duration.at_least=1", ("policy", "probe", "duration", "at_least"), 1),
        ("probe.readable=false", ("policy", "probe", "readable", "equals"), False),
        ("faces.fps=4", ("stages", 1, "parameters", "fps"), 4.0),
        ("faces.parameters.cap=null", ("stages", 1, "parameters", "cap"), None),
        ("faces.run.workers=4", ("stages", 1, "run", "workers"), 4),
        ("probe.run.deadline_s=9", ("stages", 0, "run", "deadline_s"), 9.0),
        (" faces.sizes = [32, 64]", ("stages", 1, "parameters", "sizes"), [32, 64]),
    ],
)
def test_a_setting_changes_one_value_and_nothing_else(
    setting: str, path: tuple[Any, ...], value: object, tmp_path: Path
) -> None:
    before, after = (load_pipeline(written(tmp_path), given).model_dump(mode="json") for given in ([], [setting]))
    place = before
    for step in path[:-1]:
        place = place[step]
    assert place.get(path[-1]) != value
    place[path[-1]] = value
    assert after == before


def test_when_clips_repeat_each_other_and_show_one_person_may_be_set() -> None:
    before, after = (
        load_pipeline(find_pipeline("embedded"), given).model_dump(mode="json")
        for given in ([], ["duplicates.at_most=0.1", "identities.within=0.3"])
    )
    assert (after["duplicates"]["at_most"], after["identities"]["within"]) == (0.1, 0.3)
    changed = {"duplicates": after["duplicates"], "identities": after["identities"]}
    assert before | changed == after


def test_a_role_that_a_stage_may_lack_is_played_and_left_unplayed(tmp_path: Path) -> None:
    embedded, cluster = find_pipeline("embedded"), find_pipeline("cluster")
    played = load_pipeline(embedded, ["faces.roles.heads=mediapipe-pose"]).step("faces").roles
    assert played["heads"].name == "mediapipe-pose"
    assert "heads" not in load_pipeline(embedded).step("faces").roles
    assert "heads" in load_pipeline(cluster).step("faces").roles
    assert "heads" not in load_pipeline(cluster, ["faces.roles.heads=null"]).step("faces").roles
    file = tmp_path / "without.yaml"
    file.write_text("extends: cluster\nname: without\nstages: [{stage: 'stages.faces:Faces', roles: {heads: null}}]\n")
    assert "heads" not in load_pipeline(file).step("faces").roles
    for setting, why in (
        ("faces.roles.head=dwpose", r"faces has no role head; did you mean heads\?"),
        ("faces.roles.heads.seen_from=0.3", r"nobody plays heads of faces: say who, with faces\.roles\.heads="),
        ("faces.roles.mesh=null", r"stages\.faces\.roles\.mesh: must be a backend's name"),
    ):
        with pytest.raises(WrongUsage, match=why):
            load_pipeline(embedded, [setting])


@pytest.mark.parametrize("relation", ["duplicates", "identities"])
def test_what_relates_clips_may_be_turned_off(relation: str) -> None:
    before, after = (
        load_pipeline(find_pipeline("embedded"), given).model_dump(mode="json") for given in ([], [f"{relation}=null"])
    )
    assert before[relation] is not None
    assert before | {relation: None} == after
    again = load_pipeline(find_pipeline("embedded"), [f"{relation}=null", f"{relation}="])
    assert again.model_dump(mode="json") == after


@pytest.mark.parametrize(
    ("setting", "path", "value"),
    [
        ("split.mode=windows", ("mode",), "windows"),
        ("split.shots.min_score=0.2", ("shots", "min_score"), 0.2),
        ("split.shots.least_score=0.1", ("shots", "parameters", "least_score"), 0.1),
        ("split.windows.length_s=5", ("windows", "length_s"), 5),
        ("split.shots.run.workers=3", ("shots", "run", "workers"), 3),
    ],
)
def test_how_inputs_are_split_may_be_set(setting: str, path: tuple[str, ...], value: object) -> None:
    before, after = (load_pipeline(find_pipeline("embedded"), given).split.model_dump() for given in ([], [setting]))
    place = before
    for step in path[:-1]:
        place = place[step]
    assert place[path[-1]] != value
    place[path[-1]] = value
    assert after == before


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ("duplicates.at_mots=1", r"duplicates has no at_mots; did you mean at_most\?"),
        ("duplicates=0.1", r"write duplicates=null; to change a part of it, write duplicates\.at_most, duplicates\.wi"),
        ("split.shots.min_scor=1", r"split\.shots has no min_scor; did you mean min_score\?"),
        ("split.frames.min_s=1", r"write --set split\.mode=shots"),
        ("split.shots.run=1", r"split\.shots\.run has no name; there are: .*clips_per_call, .*workers"),
        ("split.shots.run.worker=1", r"split\.shots\.run has no worker; did you mean workers"),
        ("split.shots.max_s=7", "max_s must be at least twice min_s and 4 s"),
        ("split.mode=halves", r"split\.mode: .*not 'halves'"),
    ],
)
def test_how_inputs_cannot_be_split_is_told(setting: str, why: str) -> None:
    with pytest.raises(ActorError, match=why):
        load_pipeline(find_pipeline("embedded"), [setting])


@pytest.mark.parametrize("setting", ["probe.duration=null", "probe.rules.duration=null", "faces.lowest=~"])
def test_a_rule_may_be_turned_off(setting: str, tmp_path: Path) -> None:
    before, after = (load_pipeline(written(tmp_path), given).model_dump(mode="json") for given in ([], [setting]))
    stage, *_, rule = setting.partition("=")[0].split(".")
    del before["policy"][stage][rule]
    assert after == before


def test_later_settings_win(tmp_path: Path) -> None:
    pipeline = load_pipeline(written(tmp_path), ["faces.fps=4", "faces.fps=8", "faces.mean_similarity=0.5"])
    assert pipeline.step("faces").parameters.model_dump()["fps"] == 8
    assert pipeline.rules("faces")["mean_similarity"].at_least == 0.5


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ("face.mean_similarity=1", r"--set face\.mean_similarity=1: no stage face; did you mean faces\?"),
        ("faces.mean_similarty=1", r"faces has no rule or parameter mean_similarty; did you mean mean_similarity\?"),
        ("faces.run.worker=1", r"faces\.run has no worker; did you mean workers\?"),
        ("faces.run.workers=none", r"run\.workers: .*not 'none'"),
        ("split.windows.length_s=5", r"no section split\.windows, .*copy it from a shipped one.*render embedded"),
        ("split.mode=windows", r"no section windows that says how; copy it from a shipped pipeline"),
        ("faces.fsp=1", r"faces has no rule or parameter fsp; did you mean fps\?"),
        ("faces.parameters.fsp=1", r"no parameter fsp; did you mean fps\?"),
        ("faces.rules.fps=1", "no rule fps; there are: lowest, mean_similarity"),
        ("faces.mean_similarity.at_leest=1", r"no bound at_leest; did you mean at_least\?"),
        ("faces.mean_similarity.value=people", "no bound value; there are: "),
        ("probe.duration=3", r"rule duration has at_least and at_most; write duration\.at_least, for one of them"),
        ("faces=1", "names a stage only; write --set stage.rule=value"),
        ("faces.fps", "has no value; write --set"),
        ("faces.fps.x=1", r"faces\.fps has no entries with names; write faces\.fps=VALUE"),
        ("=1", "no stage ; there are: duplicates, faces, identities, probe, split"),
        ("faces.fps=[1", "the value is not valid YAML"),
        ("faces.fps=fast", r"with --set faces\.fps=fast: stages\.faces\.parameters\.fps: .*not 'fast'"),
        ("faces.mean_similarity=high", r"policy\.faces\.mean_similarity\.at_least: must be a number, not 'high'"),
        ("faces.mean_similarity=", r"policy\.faces\.mean_similarity\.at_least: must be a number, not ''"),
    ],
)
def test_a_setting_that_fits_nothing_is_refused(setting: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(ActorError, match=why):
        load_pipeline(written(tmp_path), [setting])


def test_a_name_of_a_rule_and_of_a_parameter_is_ambiguous() -> None:
    def given() -> dict[str, Any]:
        return {"stages": [{"parameters": {"fps": 1}}], "policy": {"faces": {"fps": {"at_least": 2}}}}

    with pytest.raises(
        ActorError, match=r"is a rule and a parameter of faces; write faces\.rules\.fps or faces\.param"
    ):
        apply(given(), ["faces.fps=3"], ["faces"])
    assert apply(given(), ["faces.rules.fps=3"], ["faces"])["policy"] == {"faces": {"fps": {"at_least": 3}}}
    assert apply(given(), ["faces.parameters.fps=3"], ["faces"])["stages"] == [{"parameters": {"fps": 3}}]
    assert apply(given(), ["faces.fps.at_least=3"], ["faces"])["policy"] == {"faces": {"fps": {"at_least": 3}}}


def test_what_is_given_stays_as_it_is() -> None:
    pipeline: dict[str, Any] = {"stages": [{"parameters": {"fps": 1}}], "policy": {}}
    apply(pipeline, ["faces.fps=3"], ["faces"])
    assert pipeline == {"stages": [{"parameters": {"fps": 1}}], "policy": {}}


def test_one_entry_of_a_parameter_or_of_how_a_stage_is_run_is_set() -> None:
    pipeline = load_pipeline(
        find_pipeline("embedded"), ["views.prompts.back=from behind", "judge.run.expected.seconds=2"]
    )
    assert pipeline.step("views").parameters.model_dump()["prompts"] == {"back": "from behind"}
    assert dict(pipeline.step("judge").run.expected) == {"seconds": 2}
    for setting, why in (
        ("views.min_quality.back=1", "views.min_quality has no entries with names"),
        ("judge.run.workers.two=2", "judge.run.workers has nothing below it"),
        ("views.prompts.behind=x", "stages.views.parameters.prompts.behind"),
        ("attributes.draws=[]", "stages.attributes.parameters: draws is empty"),
    ):
        with pytest.raises(WrongUsage, match=re.escape(why)):
            load_pipeline(find_pipeline("embedded"), [setting])
    assert load_pipeline(find_pipeline("embedded"), ["views.prompts.back="]).step("views").parameters == plain_views()


def plain_views() -> Parameters:
    return load_pipeline(find_pipeline("embedded")).step("views").parameters


def test_what_is_set_in_vain_is_told() -> None:
    assert list(unread(load_pipeline(find_pipeline("embedded")))) == []
    (told,) = unread(load_pipeline(find_pipeline("embedded"), ["views.prompts.back=from behind"]))
    assert "views.prompts has no effect on any image" in told
    assert "view_images makes no use" in told
