from pathlib import Path

import pytest
from typer.testing import CliRunner

from actor18m.cli.app import app


@pytest.mark.parametrize("command", [["status"], ["plan"], ["build", "--input", "clips"]])
def test_a_pipeline_whose_large_weights_are_not_pinned_says_which_and_how(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACTOR18M_MODELS", str(tmp_path / "models"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clips").mkdir()
    (tmp_path / "two.yaml").write_text(
        "extends: embedded\nname: two\nstages:\n"
        "- {stage: 'stages.motion:Motion', roles: {people: d-fine, encoder: clip}}\n"
        "- {stage: 'stages.bodies:Bodies', roles: {people: d-fine}}\n"
    )
    CliRunner().invoke(app, ["build", "embedded", "--input", "clips", "--until", "intake"])  # a store to ask
    told = CliRunner().invoke(app, [command[0], "two.yaml", *command[1:]])
    assert told.exit_code == 1
    assert f"pipeline two: weights of d-fine, clip are not pinned in {tmp_path / 'models'}" in told.output
    assert "actor18m models pull d-fine clip --pin" in told.output
    assert CliRunner().invoke(app, ["validate", "two.yaml"]).exit_code == 0, "a file can be checked without"
