import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from actor18m.cli import models as commands
from actor18m.cli.app import app
from actor18m.models.lock import read_lock
from actor18m.terminal.say import console


def test_each_model_is_one_line_of_a_narrow_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTOR18M_MODELS", str(tmp_path))
    monkeypatch.setattr(commands, "console", lambda: console(wide=80))
    told = CliRunner().invoke(app, ["models", "list"]).stdout
    for name, model in read_lock().models.items():
        (line,) = (line for line in told.splitlines() if line.split()[:1] == [name])
        assert f"{len(model.files) or 1} missing" in line
        assert model.weights.licence.partition(":")[0] in line
    files = json.loads(CliRunner().invoke(app, ["models", "list", "--json"]).stdout)["models"]
    assert files["dlib-face"]["state"].keys() == {file.name for file in read_lock().models["dlib-face"].files}
