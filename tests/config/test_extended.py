"""Files that say only what differs from another one."""

from pathlib import Path

import pytest

from actor18m.config.pipeline import Pipeline, load_pipeline
from actor18m.config.shipped import find_pipeline
from actor18m.errors import ActorError
from tests.config.test_pipeline import TEXT


@pytest.fixture
def base(tmp_path: Path) -> Path:
    path = tmp_path / "base.yaml"
    path.write_text(TEXT)
    return path


def extension(base: Path, text: str) -> Path:
    path = base.parent / "own.yaml"
    path.write_text(f"extends: base.yaml\nname: own\n{text}")
    return path


def test_what_is_not_said_is_as_in_the_other_file(base: Path) -> None:
    own = load_pipeline(extension(base, ""))
    assert own.model_copy(update={"name": "tiny"}) == load_pipeline(base)


def test_rules_and_sections_are_replaced_one_by_one(base: Path) -> None:
    own = load_pipeline(
        extension(
            base,
            "policy:\n  faces: {mean_similarity: {at_least: 0.6}, people: {at_most: 1}}\n  probe: {readable: null}\n"
            "publish: {uris: names, lots_per_shard: null}\nsubsets: {C: null}\n",
        )
    )
    assert list(own.rules("faces")) == ["lowest", "mean_similarity", "people"], "one's own are asked last"
    assert own.rules("faces")["mean_similarity"].bounds == {"at_least": 0.6}
    assert list(own.rules("probe")) == ["duration"]
    assert list(own.subsets) == ["A"]
    assert own.publish.uris == "names"


def test_a_stage_is_changed_by_its_import_path_and_another_one_comes_last(base: Path) -> None:
    own = load_pipeline(
        extension(
            base,
            "stages:\n  - {stage: 'tests.tiny_stages:Faces', parameters: {cap: 3}}\n"
            "  - stage: tests.engine.steady:Read\n"
            "policy: {read: {words: {at_least: 2}}}\npublish: {lots_per_shard: null}\n",
        )
    )
    assert own.stage_names == ["probe", "faces", "read"]
    assert own.step("faces").parameters.model_dump() == {"fps": 2.0, "sizes": (64, 128), "cap": 3}
    assert own.step("faces").roles["faces"].name == "tests.tiny_stages:TwoEyes"


def test_a_stage_takes_the_place_of_another_one(base: Path) -> None:
    """And nothing of what was said of that."""
    text = "stages:\n  - {stage: 'tests.engine.steady:Read', instead_of: 'tests.tiny_stages:Faces'}\n"
    rest = "policy: {faces: null, read: {words: {at_least: 2}}}\nsubsets: {C: null}\npublish: {lots_per_shard: null}\n"
    own = load_pipeline(extension(base, text + rest))
    assert own.stage_names == ["probe", "read"]
    assert own.step("read").roles == {}
    wrong = text.replace("tests.tiny_stages:Faces", "tests.tiny_stages:Face")
    with pytest.raises(ActorError, match=r"instead of tests\.tiny_stages:Face.*did you mean tests\.tiny_stages:Faces"):
        load_pipeline(extension(base, wrong))


def test_a_further_stage_comes_before_the_next_one_that_is_there(base: Path) -> None:
    """So that a stage of the other file can look at what it makes."""
    read = "  - stage: tests.engine.steady:Read\n"
    faces = "  - stage: tests.tiny_stages:Faces\n"
    assert load_pipeline(extension(base, f"stages:\n{faces}{read}")).stage_names == ["probe", "faces", "read"]
    between = load_pipeline(extension(base, f"stages:\n{read}{faces}"))
    assert between.stage_names == ["probe", "read", "faces"]
    assert between.step("faces") == load_pipeline(base).step("faces"), "it is named, and changed in nothing"


def test_a_shipped_pipeline_can_be_extended(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("extends: embedded\nname: mine\npolicy: {motion: {occlusion: null}}\n")
    mine, shipped = load_pipeline(path), load_pipeline(Path("pipelines/embedded.yaml"))
    assert "occlusion" not in mine.rules("motion")
    assert mine.stages == shipped.stages


def test_of_several_the_first_holds_in_full_and_of_the_others_what_they_say_themselves(base: Path) -> None:
    """The second one's own base has another cap, and its rules are over what the first one measures."""
    (base.parent / "models.yaml").write_text(
        "extends: base.yaml\nname: models\nstages: [{stage: 'tests.tiny_stages:Faces', parameters: {cap: 7}}]\n"
    )
    rules = "extends: base.yaml\nname: rules\npolicy: {faces: {lowest: null, people: {at_most: 1}}}\n"
    (base.parent / "rules.yaml").write_text(rules)
    own = base.parent / "own.yaml"
    own.write_text("extends: [models.yaml, rules.yaml]\nname: own\npolicy: {faces: {people: {at_most: 2}}}\n")
    both = load_pipeline(own)
    assert both.step("faces").parameters == load_pipeline(base.parent / "models.yaml").step("faces").parameters
    assert list(both.rules("faces")) == ["mean_similarity", "people"]
    assert both.rules("faces")["people"].bounds == {"at_most": 2}, "one's own comes last"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("extends: own.yaml", r"own\.yaml: extends: own\.yaml extends own\.yaml, without end"),
        (
            "extends: [1]",
            r"own\.yaml: extends: must be a shipped pipeline's name or a file, or a list of such, not \[1\]",
        ),
        (
            "extends: []",
            r"own\.yaml: extends: must be a shipped pipeline's name or a file, or a list of such, not \[\]",
        ),
        ("extends: [embedded, own.yaml]", r"own\.yaml: extends: own\.yaml extends own\.yaml, without end"),
        ("extends: embeded", r"own\.yaml: extends: no pipeline embeded ships with actor18m.*did you mean embedded\?"),
        ("extends: embedded\npolicy: {motion: {oclusion: {at_most: 0}}}", r"own\.yaml: policy\.motion\.oclusion"),
    ],
)
def test_a_mistake_is_told_with_the_file(text: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(text)
    with pytest.raises(ActorError, match=why):
        load_pipeline(tmp_path / "own.yaml")


def test_what_a_file_says_of_a_backend_holds_for_that_backend_only(base: Path) -> None:
    """A batch of another one may be meant for a model of another size."""
    knobs = "tests.models.knobs:Knobs"
    base.write_text(TEXT.replace("'tests.tiny_stages:TwoEyes'", f"{{backend: '{knobs}', threshold: 0.25, batch: 2}}"))
    played: list[object] = [
        load_pipeline(extension(base, f"stages: [{{stage: 'tests.tiny_stages:Faces', roles: {{faces: {own}}}}}]\n"))
        .step("faces")
        .roles["faces"]
        .model_dump()
        for own in (
            "{batch: 4}",
            f"{{backend: '{knobs}', checkpoint: large}}",
            "'tests.tiny_stages:TwoEyes'",
            f"'{knobs}'",
            "{backend: 'tests.tiny_stages:TwoEyes'}",
        )
    ]
    usual = {"backend": knobs, "threshold": 0.25, "checkpoint": "small", "batch": 2, "device": "cpu"}
    assert played[:3] == [usual | {"batch": 4}, usual | {"checkpoint": "large"}, "tests.tiny_stages:TwoEyes"]
    assert played[3] == usual | {"threshold": 0.5, "batch": 8}, "a name alone is the backend as it comes"
    assert played[4] == "tests.tiny_stages:TwoEyes"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "policy: {probe: {duraton: null}}",
            r"policy\.probe\.duraton: .* has no rule duraton; did you mean duration\?",
        ),
        ("policy: {prob: {duration: null}}", r"policy\.prob: .* has none of a stage prob; did you mean probe\?"),
        ("policy: {prob: null}", r"policy\.prob: .* has none of a stage prob; did you mean probe\?"),
        ("subsets: {X: null}", r"subsets\.X: .* has no subset X; there are: A, C"),
    ],
)
def test_what_is_not_there_cannot_be_taken_out(text: str, why: str, base: Path) -> None:
    with pytest.raises(ActorError, match=rf"own\.yaml: {why}"):
        load_pipeline(extension(base, text))


def test_what_is_taken_out_in_vain_hides_no_other_mistake(base: Path) -> None:
    with pytest.raises(ActorError) as told:
        load_pipeline(extension(base, "policy: {prob: {duration: null}, faces: {people: {at_mots: 1}}}\n"))
    first, second = str(told.value).splitlines()
    assert "policy.prob: null takes out rules of the pipeline before" in first
    assert "policy.faces.people: unknown key at_mots" in second


def test_who_extends_nothing_has_nothing_to_take_out(base: Path) -> None:
    text = "name: own\nprofile: tiny\nstages: [{stage: 'stages.intake:Intake'}]\n"
    text += (
        "policy: {judg: null, intake: {duratoin: null, length: {value: duration_s, at_lest: 1}}}\nsubsets: {X: null}"
    )
    (base.parent / "alone.yaml").write_text(text)
    with pytest.raises(ActorError) as told:
        load_pipeline(base.parent / "alone.yaml")
    why = "null takes out what the pipeline before has, and this file extends none"
    lines = str(told.value).splitlines()
    assert [line.count(why) for line in lines] == [1, 1, 1, 0]
    assert [line.split(": ")[1] for line in lines[:3]] == ["policy.judg", "policy.intake.duratoin", "subsets.X"]
    assert "policy.intake.length: unknown key at_lest" in lines[3]


def shipped_without(subsets: str, folder: Path, more: str = "") -> Pipeline:
    (folder / "own.yaml").write_text(f"extends: embedded\nname: own\nsubsets: {{{subsets}}}\n{more}")
    return load_pipeline(folder / "own.yaml")


def test_a_subset_is_taken_out_with_the_stages_that_it_alone_needs(tmp_path: Path) -> None:
    whole = load_pipeline(find_pipeline("embedded"))
    own = shipped_without("B: null", tmp_path)
    assert list(own.subsets) == ["A", "C"]
    assert {*whole.stage_names} - {*own.stage_names} == {"attributes", "attribute_images"}
    assert {*whole.policy} - {*own.policy} == {*whole.policy} & {"attributes", "attribute_images"}
    assert own.step("judge").of == ("view_images", "sheet_images")


def test_what_other_subsets_are_made_from_stays(tmp_path: Path) -> None:
    """Then somebody must say whose images those are."""
    with pytest.raises(ActorError, match="crops makes images for no subset") as told:
        shipped_without("A: null", tmp_path)
    assert "views" not in str(told.value)
    own = shipped_without("A: null, S: {references: crops}", tmp_path)
    assert list(own.subsets) == ["B", "C", "S"]
    assert not {"views", "view_images"} & {*own.stage_names}


def test_without_subsets_nobody_looks_at_images(tmp_path: Path) -> None:
    own = shipped_without("A: null, B: null, C: null", tmp_path)
    assert all(step.stage_class.of == "clips" for step in own.stages)
