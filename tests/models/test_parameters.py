from pathlib import Path

import pytest

from actor18m.config.pipeline import Pipeline, load_pipeline, parse_pipeline
from actor18m.errors import ActorError, WrongUsage
from actor18m.models import backends
from actor18m.models.backends import describe, load
from actor18m.models.parameters import BackendParameters
from tests.config.test_pipeline import TEXT
from tests.models.knobs import Knobs, KnobsParameters

HERE = "tests.models.knobs:Knobs"
PLAYER = "{faces: 'tests.tiny_stages:TwoEyes'}"


def pipeline(tmp_path: Path, backend: str, *settings: str) -> Pipeline:
    """The tiny one, in which this backend plays the only role there is."""
    assert PLAYER in TEXT
    path = tmp_path / "knobs.yaml"
    path.write_text(TEXT.replace(PLAYER, f"{{faces: {backend}}}"))
    return load_pipeline(path, settings)


def fingerprint(of: Pipeline) -> str:
    step = of.step("faces")
    played = {role: backend.described() for role, backend in step.roles.items()}
    return step.stage_class.fingerprint(step.parameters, played)


def test_a_backend_is_loaded_with_what_the_pipeline_says_and_with_defaults(tmp_path: Path) -> None:
    told = pipeline(tmp_path, f"{{backend: '{HERE}', threshold: 0.25, batch: 2}}").step("faces").roles["faces"]
    loaded = told.loaded()
    assert isinstance(loaded, Knobs)
    assert loaded.told == KnobsParameters(threshold=0.25, batch=2)
    by_name = pipeline(tmp_path, f"'{HERE}'").step("faces").roles["faces"].loaded()
    assert by_name.told == load(HERE).told == KnobsParameters()


def test_a_pipeline_that_was_rendered_says_all_of_them_and_a_datasets_only_what_counts(tmp_path: Path) -> None:
    written = pipeline(tmp_path, f"{{backend: '{HERE}', threshold: 0.25, device: 'cuda:1'}}")
    assert parse_pipeline(written.render(), "again") == written
    whole, brief = (Pipeline.model_validate(written).render(with_run) for with_run in (True, False))
    assert [word in whole for word in ("threshold: 0.25", "checkpoint: small", "batch: 8", "cuda:1")] == [True] * 4
    assert [word in brief for word in ("threshold: 0.25", "checkpoint: small", "batch", "cuda")] == [
        True, True, False, False,
    ]  # fmt: skip
    elsewhere = pipeline(tmp_path, f"{{backend: '{HERE}', threshold: 0.25, device: cpu, batch: 1}}")
    assert elsewhere.render(with_run=False) == brief


def test_only_what_changes_results_changes_the_fingerprint(tmp_path: Path) -> None:
    plain = fingerprint(pipeline(tmp_path, f"'{HERE}'"))
    assert fingerprint(pipeline(tmp_path, f"{{backend: '{HERE}', batch: 1, device: 'cuda:0'}}")) == plain
    assert fingerprint(pipeline(tmp_path, f"{{backend: '{HERE}', threshold: 0.5}}")) == plain, "the default, said"
    others = [
        fingerprint(pipeline(tmp_path, f"{{backend: '{HERE}', {one}}}"))
        for one in ("threshold: 0.4", "checkpoint: large")
    ]
    assert len({plain, *others}) == 3


def test_a_backend_without_parameters_has_the_digest_that_it_had() -> None:
    assert describe("centerface") == describe("centerface", BackendParameters())
    assert load("tests.models.knobs:Network").count("") == 0, "a method called parameters is none of ours"


@pytest.mark.parametrize(
    ("backend", "why"),
    [
        (
            f"{{backend: '{HERE}', treshold: 1}}",
            r"stages\.faces\.roles\.faces: unknown key treshold; did you mean",
        ),
        (f"{{backend: '{HERE}', batch: 0}}", r"stages\.faces\.roles\.faces\.batch: .*greater than 0, not 0"),
        ("{backend: 'tests.tiny_stages:TwoEyes', batch: 2}", r"roles\.faces: .*TwoEyes takes no parameters"),
        ("{backend: centreface, batch: 2}", r"roles\.faces: there is no backend centreface; .* centerface\?"),
        ("{name: centerface}", r"roles\.faces: must be a backend's name, or a mapping with `backend`"),
        ("[centerface]", r"roles\.faces: must be a backend's name, or a mapping with `backend`"),
        ("7", r"roles\.faces: must be a backend's name, .*, not 7"),
    ],
)
def test_a_mistake_is_answered(backend: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(ActorError, match=why):
        pipeline(tmp_path, backend)


@pytest.mark.parametrize(
    ("editor", "why"),
    [
        (
            "{backend: qwen-image-edit, lora: qwen-angles-2511}",
            "lora: qwen-angles-2511 is for qwen-image-edit-2511, not for qwen-image-edit; "
            "for qwen-image-edit there are: qwen-angles, qwen-lightning",
        ),
        (
            "{backend: qwen-image-edit-2511, lora: qwen-angles-2511, lightning: qwen-lightning}",
            "lightning: qwen-lightning is for qwen-image-edit, not for qwen-image-edit-2511; "
            "for qwen-image-edit-2511 there are: qwen-angles-2511, qwen-lightning-2511",
        ),
        (
            "{backend: firered-image-edit, lora: qwen-angles}",
            "lora: qwen-angles is for qwen-image-edit, not for firered-image-edit; "
            "for firered-image-edit there is none",
        ),
        (
            "{backend: qwen-image-edit, lora: qwen-angle}",
            "lora: must be one of qwen-angles, qwen-angles-2511, qwen-lightning, qwen-lightning-2511, or null, "
            "not 'qwen-angle'",
        ),
    ],
)
def test_an_adapter_of_another_model_is_refused_with_those_that_fit(editor: str, why: str, tmp_path: Path) -> None:
    file = tmp_path / "edited.yaml"
    stage = f"{{stage: 'stages.edited.views:EditedViews', roles: {{editor: {editor}}}}}"
    file.write_text(f"extends: cluster\nname: edited\nstages: [{stage}]\n")
    with pytest.raises(ActorError) as caught:
        load_pipeline(file)
    assert str(caught.value).endswith(f"roles.editor.{why}")


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    given = TEXT.replace(PLAYER, f"{{faces: {{backend: '{HERE}', batch: 0, device: 3}}, mouth: centerface}}")
    (tmp_path / "wrong.yaml").write_text(given.replace("{fps: 2}", "{fsp: 2}"))
    with pytest.raises(ActorError) as caught:
        load_pipeline(tmp_path / "wrong.yaml")
    said = str(caught.value)
    assert [
        place in said for place in ("parameters: unknown key fsp", "faces.batch", "faces.device", "roles.mouth")
    ] == [True] * 4, said


def test_a_setting_reaches_a_backend(tmp_path: Path) -> None:
    given = f"{{backend: '{HERE}', threshold: 0.25}}"
    told = pipeline(tmp_path, given, "faces.roles.faces.batch=2", "faces.roles.faces.threshold=0.75")
    assert told.step("faces").roles["faces"].parameters == KnobsParameters(threshold=0.75, batch=2)
    other = pipeline(tmp_path, given, "faces.roles.faces=tests.tiny_stages:TwoEyes")
    assert other.step("faces").roles["faces"].name == "tests.tiny_stages:TwoEyes"
    for setting, why in (
        ("faces.roles.face.batch=2", r"faces has no role face; did you mean faces\?"),
        ("faces.roles.faces.bach=2", r"Knobs has no parameter bach; did you mean batch\?"),
        ("faces.roles.faces.batch=0", r"batch: .*greater than 0"),
    ):
        with pytest.raises(WrongUsage, match=why):
            pipeline(tmp_path, given, setting)


def test_a_parameter_cannot_take_the_backends_own_word() -> None:
    with pytest.raises(TypeError, match="a parameter cannot be called backend"):
        type("Wrong", (BackendParameters,), {"__annotations__": {"backend": str}})


def test_a_moved_file_of_a_backend_without_weights_changes_no_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {name: describe(name) for name in backends.WEIGHTLESS}
    assert {name for name, _ in before.values()} == {
        "lucas-kanade",
        "mesh-parsing",
        "blendshape-expression",
        "openai-chat",
        "gemini-image",
    }
    elsewhere = dict.fromkeys(backends.WEIGHTLESS, "tests.models.knobs:Network")
    for name, path in backends.WEIGHTLESS.items():
        monkeypatch.setattr("tests.models.knobs.Network", backends.backend_class(path))
        monkeypatch.setattr(backends, "WEIGHTLESS", elsewhere)
        assert describe(name) == before[name]
        monkeypatch.undo()
    assert describe(backends.WEIGHTLESS["lucas-kanade"])[0] == "actor18m.models.lucas_kanade:LucasKanade"


def test_the_shipped_pipelines_call_no_backend_by_its_path() -> None:
    from actor18m.config.shipped import shipped

    names = {
        backend.name
        for path in shipped().values()
        for step in load_pipeline(path).steps
        for backend in step.roles.values()
    }
    assert names
    assert not [name for name in names if ":" in name]
