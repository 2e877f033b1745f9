"""What terms forbid is refused where a dataset is to be sold, and what they leave open is told."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from actor18m import build
from actor18m.cli.app import app
from actor18m.config.licensed import Licence, check
from actor18m.config.pipeline import load_pipeline
from actor18m.config.shipped import find_pipeline
from actor18m.errors import ActorError
from actor18m.models import lock as locks
from actor18m.models.lock import Lock, read_lock
from actor18m.models.roles import FaceDetector, FaceEmbedder
from actor18m.models.terms import allowed_players, of_licence, strictest, terms_of


@pytest.fixture
def bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if face detectors' code were AGPL, and a recognition model's weights for research alone."""
    models = read_lock().models
    centerface, dlib = models["centerface"], models["dlib-face"]
    agpl = centerface.code.model_copy(update={"licence": "AGPL-3.0"})
    research = dlib.weights.model_copy(update={"licence": "non-commercial research"})
    changed = {
        "centerface": centerface.model_copy(update={"code": agpl}),
        "dlib-face": dlib.model_copy(update={"weights": research}),
    }
    monkeypatch.setattr(locks, "_read_shipped", lambda: Lock(version=1, models={**models, **changed}))


@pytest.mark.parametrize(
    ("licence", "told"),
    [
        ("MIT", "allowed"),
        ("Apache-2.0", "allowed"),
        ("BSD-3-Clause", "allowed"),
        ("CC0-1.0", "allowed"),
        ("CC-BY-4.0", "allowed"),
        ("CC-BY-NC-4.0", "forbidden"),
        ("InsightFace: non-commercial research purposes only", "forbidden"),
        ("AGPL-3.0", "choice"),
        ("GPL-3.0", "choice"),
        ("Gemma", "unclear"),
        ("", "unclear"),
    ],
)
def test_a_licences_name_tells(licence: str, told: str) -> None:
    assert of_licence(licence) == told


@pytest.mark.usefixtures("bound")
def test_what_terms_forbid_is_refused_with_who_could_play_instead() -> None:
    pipeline = load_pipeline(find_pipeline("embedded"))
    assert check(pipeline, Licence.any) == []
    with pytest.raises(ActorError) as refused:
        check(pipeline, Licence.commercial)
    told = str(refused.value).splitlines()
    assert [line.split(":")[0].strip() for line in told[1:-1]] == ["identity.roles.identity", "judge.roles.identity"]
    assert "dlib-face (weights: non-commercial research)" in told[1]
    assert "instead" in told[1]


@pytest.mark.usefixtures("bound")
def test_every_command_that_builds_refuses_it(tmp_path: Path) -> None:
    for command in (["validate", "embedded"], ["plan", "embedded", "--input", str(tmp_path), "--store", "none"]):
        refused = CliRunner().invoke(app, [*command, "--licence", "commercial"])
        assert refused.exit_code == 1, command
        assert "may not be used for money" in refused.output
    with pytest.raises(ActorError, match="may not be used for money"):
        build("embedded", tmp_path, tmp_path / "store", tmp_path / "dataset", licence="commercial")
    assert not (tmp_path / "dataset").exists()


@pytest.mark.usefixtures("bound")
def test_who_could_play_instead_may_be_used_for_money() -> None:
    told = list(allowed_players(FaceDetector))
    assert "centerface" in told, "duties are no bar"
    assert "dlib-face" not in list(allowed_players(FaceEmbedder))
    assert not {"efficientdet", "lucas-kanade"} & {*told}, "they find no faces"


def test_what_is_open_is_told_and_goes_on() -> None:
    told = CliRunner().invoke(app, ["validate", "embedded", "--licence", "commercial"], env={"COLUMNS": "300"})
    assert told.exit_code == 0, told.output
    assert "note: centerface: training data WIDER FACE" in told.stdout
    assert "mediapipe-face" not in told.stdout, "nothing is open about it"


@pytest.mark.usefixtures("bound")
def test_what_is_allowed_with_duties_is_told() -> None:
    assert strictest(read_lock().models["centerface"]) == "unclear"
    assert [term.commercial for term in terms_of(read_lock().models["centerface"])] == ["choice", "allowed", "unclear"]
