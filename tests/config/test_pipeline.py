import pickle
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from actor18m.config.pipeline import Pipeline, load_pipeline, parse_pipeline
from actor18m.config.stage_config import Run
from actor18m.errors import ActorError
from actor18m.models.backends import Backend
from tests.tiny_stages import Faces, FacesParameters, Probe

TEXT = """
name: tiny
profile: embedded
stages:
  - stage: tests.tiny_stages:Probe
  - stage: tests.tiny_stages:Faces
    parameters: {fps: 2}
    roles: {faces: 'tests.tiny_stages:TwoEyes'}
policy:
  probe:
    readable: {equals: true}
    duration: {value: duration_s, at_least: 2, at_most: 60}
  faces:
    mean_similarity: {at_least: 0.40}
    lowest: {value: "list_min(list_filter(similarity, lambda x: x is not null))", above: 0.1}
subsets:
  A: {}
  C: {gate: [probe.readable, faces]}
publish:
  lots_per_shard: {videos: 1, C: 1024}
"""


def written(tmp_path: Path, text: str = TEXT) -> Path:
    path = tmp_path / "tiny.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def changed(tmp_path: Path, old: str, new: str) -> Path:
    assert TEXT.count(old) == 1
    return written(tmp_path, TEXT.replace(old, new))


def test_a_pipeline_is_resolved(tmp_path: Path) -> None:
    pipeline = load_pipeline(written(tmp_path))
    assert [step.stage_class for step in pipeline.stages] == [Probe, Faces]
    assert pipeline.step("faces").parameters == FacesParameters(fps=2.0, sizes=(64, 128), cap=8)
    assert pipeline.step("faces").roles == {"faces": Backend.model_validate("tests.tiny_stages:TwoEyes")}
    assert list(pipeline.rules("faces")) == ["mean_similarity", "lowest"]
    assert pipeline.rules("probe")["duration"].bounds == {"at_least": 2, "at_most": 60}
    assert pipeline.publish.lots_per_shard == {"videos": 1, "C": 1024}


def test_a_short_file_is_enough(tmp_path: Path) -> None:
    pipeline = load_pipeline(
        written(tmp_path, "name: a\nprofile: b\nstages: [{stage: 'tests.tiny_stages:Probe', parameters: }]")
    )
    assert pipeline.rules("probe") == {}
    assert pipeline.subsets == {}


def test_a_gate_is_acceptance_or_the_rules_that_it_names(tmp_path: Path) -> None:
    pipeline = load_pipeline(written(tmp_path))
    assert pipeline.gate("A") is None
    assert {stage: list(rules) for stage, rules in (pipeline.gate("C") or {}).items()} == {
        "probe": ["readable"],
        "faces": ["mean_similarity", "lowest"],
    }
    with pytest.raises(ActorError, match="pipeline tiny has no subset B; there are: A, C"):
        pipeline.gate("B")
    with pytest.raises(ActorError, match=r"pipeline tiny has no stage face; did you mean faces\?"):
        pipeline.step("face")


def test_what_is_rendered_reads_as_the_same_pipeline(tmp_path: Path) -> None:
    pipeline = load_pipeline(written(tmp_path), ["faces.cap=null"])
    rendered = pipeline.render()
    again = parse_pipeline(rendered, "rendered")
    assert again == pipeline
    assert again.render() == rendered
    assert list(again.rules("faces")) == ["mean_similarity", "lowest"], "the order of rules is kept"
    assert yaml.safe_load(rendered)["stages"][1]["parameters"] == {"fps": 2.0, "sizes": [64, 128], "cap": None}
    assert pickle.loads(pickle.dumps(pipeline)) == pipeline


@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(),
    st.sampled_from(["CC0", "no", "2020-01-01", "1e3", "~", "'", "a: b", "é\n"]),
)
@settings(deadline=None)
def test_any_bound_survives_rendering(limit: float, text: str, word: str) -> None:
    raw: dict[str, Any] = yaml.safe_load(TEXT)
    raw["policy"]["probe"]["short"] = {"value": "short_side", "below": limit}
    raw["policy"]["probe"]["licence"] = {"is_in": [text, word]}
    pipeline = Pipeline.model_validate(raw)
    assert parse_pipeline(pipeline.render(), "rendered") == pipeline


def test_two_stages_with_other_parameters_are_not_equal(tmp_path: Path) -> None:
    pipeline = load_pipeline(written(tmp_path))
    assert load_pipeline(written(tmp_path)) == pipeline
    assert load_pipeline(written(tmp_path), ["faces.cap=9"]) != pipeline
    assert load_pipeline(written(tmp_path), ["faces.mean_similarity=0.41"]) != pipeline


def test_a_pipeline_is_frozen(tmp_path: Path) -> None:
    pipeline = load_pipeline(written(tmp_path))
    with pytest.raises(ValueError, match="frozen"):
        setattr(pipeline, "name", "other")  # noqa: B010 - an assignment would not pass the type checker


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        # names
        ("profile: embedded", "profil: embedded", r"unknown key profil; did you mean profile\?"),
        ("parameters: {fps: 2}", "parameter: {fps: 2}", r"stages\.faces: unknown key parameter; did you mean param"),
        ("{fps: 2}", "{fsp: 2}", r"stages\.faces\.parameters: unknown key fsp; did you mean fps\?"),
        ("{fps: 2}", "{fps: fast}", r"stages\.faces\.parameters\.fps: Input should be a valid number.*, not 'fast'"),
        ("{fps: 2}", "{fps: .inf}", r"stages\.faces\.parameters\.fps: .*finite"),
        ("{fps: 2}", "[fps]", r"stages\.faces\.parameters: .*FacesParameters"),
        ("{faces: 'tests", "{face: 'tests", r"stages\.faces\.roles\.face: .* no such role; did you mean faces\?"),
        ("{faces: 'tests", "{face: 'tests", r"stages\.faces\.roles: faces needs a backend for faces"),
        ("'tests.tiny_stages:TwoEyes'", "centreface", r"roles\.faces: there is no backend centreface; .* centerface\?"),
        ("'tests.tiny_stages:TwoEyes'", "centerface", r"roles\.faces: centerface is no Counter: it has no count"),
        (":TwoEyes'", ":ThreeEyes'", r"roles\.faces: .* tests\.tiny_stages has no class ThreeEyes"),
        (":TwoEyes'", ":FacesParameters'", r"roles\.faces: .* FacesParameters has no load\(\)"),
        ("'tests.tiny_stages:TwoEyes'", "'no.eyes:Two'", r"roles\.faces: .* no\.eyes cannot be imported"),
        ("name: tiny", "name: ../tiny", r"tiny\.yaml: name: .*, not '\.\./tiny'"),
        ("name: tiny\n", "", r"tiny\.yaml: name: is lacking and must be said; or take it from .*`extends: embedded`"),
        # stages
        ("tests.tiny_stages:Faces", "tests.tiny_stages.Faces", r"stages\.tests\.tiny_stages\.Faces: .* module:C"),
        ("tests.tiny_stages:Faces", "tests.tiny_stages:Face", "stages.tests.tiny_stages:Face: .* no Face; .* Faces"),
        ("tests.tiny_stages:Faces", "tests.tinier:Faces", r"s\.tests\.tinier:Faces: there is no module .*; is its f"),
        ("tests.tiny_stages:Faces", "tests.tiny_stages:NOT_A_STAGE", "is no stage"),
        ("tests.tiny_stages:Faces", "tests.tiny_stages:FacesParameters", "is no stage"),
        ("tests.tiny_stages:Faces\n    parameters: {fps: 2}\n    roles: {faces: 'tests.tiny_stages:TwoEyes'}",
         "tests.tiny_stages:Probe",
         r"stages\.probe: a second stage probe"),
        ("  - stage: tests.tiny_stages:Probe\n", "", r"stages\.faces: faces needs the stage probe before it"),
        # policy
        ("mean_similarity: {", "mean_similarty: {",
         r"policy\.faces\.mean_similarty: there is no column mean_similarty; did you mean mean_similarity\?"),
        ("value: duration_s", "value: duration", r"policy\.probe\.duration\.value: .* did you mean duration_s\?"),
        ("at_least: 0.40", "at_leest: 0.40", r"policy\.faces\.mean_similarity: .* did you mean at_least\?"),
        ("at_least: 0.40", "at_least: high", r"policy\.faces\.mean_similarity\.at_least: must be a number, not 'high'"),
        ("{at_least: 0.40}", "{}", r"policy\.faces\.mean_similarity: a rule needs a bound"),
        ("{at_least: 0.40}", "0.40", r"policy\.faces\.mean_similarity: "),
        ("equals: true", "equals: 1", r"policy\.probe\.readable: equals: 1 is number, but the value is boolean"),
        ("  faces:\n", "  face:\n", r"policy\.face: no such stage; did you mean faces\?"),
        ("  probe:\n    readable", "  faces:\n    readable", "faces stands twice .line"),
        ("lowest:", "mean_similarity:", "mean_similarity stands twice"),
        ("above: 0.1", "value: people, above: 0.1", "value stands twice"),
        # subsets and publish
        ("A: {}", "A: {stages: [face]}", r"subsets\.A\.stages: no stage face; did you mean faces\?"),
        ("probe.readable,", "probe.readible,", r"subsets\.C\.gate: no rules probe\.readible; did you mean probe\.r"),
        ("[probe.readable, faces]", "probe", r"subsets\.C\.gate: must be accepted, or a list"),
        ("C: 1024", "D: 1024", r"publish\.lots_per_shard\.D: no such subset; there are: A, C, videos"),
        ("C: 1024", "C: 0", r"publish\.lots_per_shard\.C: .*greater than 0"),
        ("C: 1024", "C: 3", r"publish\.lots_per_shard\.C: must be a power of two up to 1024, not 3"),
        # YAML
        ("name: tiny", "name: [tiny", r"tiny\.yaml: is not valid YAML: .*\(line \d+, column \d+\)"),
        ("name: tiny", "name: !!python/object/apply:os.getcwd []", "is not valid YAML: could not determine a"),
    ],
)  # fmt: skip
def test_a_mistake_is_answered_with_its_place_and_the_way_out(old: str, new: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(ActorError, match=why) as caught:
        load_pipeline(changed(tmp_path, old, new))
    assert all(line.startswith(f"{tmp_path}/tiny.yaml: ") for line in str(caught.value).splitlines())


def test_all_mistakes_of_a_kind_are_told_at_once(tmp_path: Path) -> None:
    text = TEXT.replace("mean_similarity: {", "mean_similarty: {").replace("C: 1024", "D: 1024")
    with pytest.raises(ActorError) as caught:
        load_pipeline(written(tmp_path, text.replace("value: duration_s", "value: duration")))
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize(
    ("section", "why"),
    [
        ("{stage: faces, after: motion, within: 0.3}", r"identities\.after: no stage motion; there are: faces, probe"),
        ("{stage: faces, after: probe, within: 0.3}", r"identities\.after: probe comes before faces; name faces or"),
        ("{stage: faces, within: 0.3, share: 0.4}", r"identities\.share: .*greater than or equal to 0\.5"),
    ],
)
def test_identities_are_told_after_a_stage_that_comes_later(section: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(ActorError, match=why):
        load_pipeline(written(tmp_path, f"{TEXT}\nidentities: {section}\n"))


def test_rules_are_asked_in_the_order_of_stages_however_they_are_written(tmp_path: Path) -> None:
    raw = yaml.safe_load(TEXT)
    raw["policy"] = dict(reversed(raw["policy"].items()))
    pipeline = load_pipeline(written(tmp_path, yaml.safe_dump(raw, sort_keys=False)))
    assert list(pipeline.policy) == ["probe", "faces"]
    assert pipeline == load_pipeline(written(tmp_path))


@pytest.mark.parametrize("text", ["", "- a", "tiny"])
def test_a_file_that_is_no_mapping_is_no_pipeline(text: str, tmp_path: Path) -> None:
    with pytest.raises(ActorError, match="is no pipeline: it must be a mapping with name, profile, stages"):
        load_pipeline(written(tmp_path, text))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ActorError, match=r"none\.yaml: cannot be read \(No such file"):
        load_pipeline(tmp_path / "none.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"name: \xff")
    with pytest.raises(ActorError, match=r"bytes\.yaml: is not UTF-8 text"):
        load_pipeline(tmp_path / "bytes.yaml")


def test_a_stage_that_needs_a_missing_library_says_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "needy_stages.py").write_text("import no_such_library\n")
    (tmp_path / "broken_stages.py").write_text("def\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ActorError, match=r"needy_stages:A needs the library no_such_library, which is not installed"):
        load_pipeline(written(tmp_path, "name: a\nprofile: b\nstages: [{stage: 'needy_stages:A'}]"))
    with pytest.raises(ActorError, match=r"broken_stages:A cannot be imported: invalid syntax"):
        load_pipeline(written(tmp_path, "name: a\nprofile: b\nstages: [{stage: 'broken_stages:A'}]"))


@pytest.mark.parametrize("gpus", [1.5, 2.25])
def test_gpus_are_a_part_of_one_or_whole(gpus: float) -> None:
    with pytest.raises(ValidationError, match=f"{gpus:g} is neither a part of one GPU nor whole GPUs.*below 1"):
        Run(gpus=gpus)
    assert [Run(gpus=told).gpus for told in (0.25, 1, 2)] == [0.25, 1, 2]


def test_only_who_makes_masks_can_be_without_them(tmp_path: Path) -> None:
    doubt = "doubt: {value: people, at_least: 1, otherwise: without_mask}"
    path = changed(tmp_path, "mean_similarity: {at_least: 0.40}", doubt)
    with pytest.raises(ActorError, match=r"policy\.faces\.doubt\.otherwise: faces makes no masks"):
        load_pipeline(path)


def test_mistakes_of_all_kinds_are_told_at_once(tmp_path: Path) -> None:
    """What is wrong in one stage, and with one key, hides nothing of what is wrong elsewhere."""
    text = TEXT.replace("name: tiny", "name: tiny\nnonsense: 1").replace("{fps: 2}", "{fsp: 2}")
    text = text.replace("TwoEyes'}", "ThreeEyes'}\n    run: {gpus: -1, wrokers: 2}")
    text = text.replace("at_least: 0.40", "at_leest: 0.40").replace("value: duration_s", "value: duration")
    text = text.replace("C: 1024", "D: 1024")
    with pytest.raises(ActorError) as caught:
        load_pipeline(written(tmp_path, text))
    said = str(caught.value).splitlines()
    for each in (
        "unknown key nonsense", "faces.parameters: unknown key fsp", "roles.faces: ", "faces.run: unknown key wrokers",
        "faces.run.gpus: ", "mean_similarity: ", "policy.probe.duration.value: ",
    ):  # fmt: skip
        assert [line for line in said if each in line], each
    assert len(said) == len(set(said))


def test_what_a_pipeline_lacks_is_told_with_where_it_may_come_from(tmp_path: Path) -> None:
    with pytest.raises(ActorError) as caught:
        load_pipeline(written(tmp_path, "policy: {judg: {verdict: {at_least: 0.5}}, motion: 3}\n"))
    said = [line.removeprefix(f"{tmp_path}/tiny.yaml: ") for line in str(caught.value).splitlines()]
    assert [line.partition(":")[0] for line in said] == ["name", "profile", "stages", "policy.motion"]
    assert all("`extends: embedded`" in line for line in said[:3])
    assert said[3] == "policy.motion: must be a mapping, as `name: value`, not 3"


def test_beside_a_stage_that_cannot_be_imported_rules_of_others_are_looked_at(tmp_path: Path) -> None:
    text = TEXT.replace("tests.tiny_stages:Faces", "tests.tiny_stages:Face").replace(
        "value: duration_s", "value: duration"
    )
    with pytest.raises(ActorError) as caught:
        load_pipeline(written(tmp_path, text))
    first, second = str(caught.value).splitlines()
    assert "stages.tests.tiny_stages:Face: " in first
    assert "policy.probe.duration.value: there is no column duration" in second
