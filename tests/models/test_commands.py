import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from actor18m.cli import models as commands
from actor18m.cli.app import app
from actor18m.models.lock import read_lock
from actor18m.models.sizes import Size, size_of, sizes_of
from actor18m.models.snapshots import Pinned, Pins
from actor18m.models.terms import strictest
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


def test_addresses_of_the_terms_are_folded_and_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "console", lambda: console(wide=80))
    told = CliRunner().invoke(app, ["models", "list", "--terms"]).stdout
    assert "…" not in told


def test_sizes_are_told_by_profile_as_the_lock_or_the_pins_have_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACTOR18M_MODELS", str(tmp_path))
    lock = read_lock()
    told = CliRunner().invoke(app, ["models", "list"]).stdout
    embedded = sum(file.size or 0 for file in lock.files(profile="embedded"))
    assert f"embedded: 8 models, {embedded / 1e6:,.0f} MB\n" in told
    large = lock.named(profile="cluster")
    about = sizes_of(large)
    assert about.bytes > 3 * 57e9
    assert about.is_about
    shown = f"about {about.bytes / 1e9:,.1f} GB beside {len(about.unknown)} models of unknown size"
    assert f"cluster: {len(large)} models, {shown}" in told
    pins = Pins(hub="a/b", revision="c", files={"x": Pinned(size=50_000_000_000, sha256="0" * 64)})
    (tmp_path / "qwen-image-edit").mkdir()
    (tmp_path / "qwen-image-edit" / "pinned.json").write_text(pins.model_dump_json())
    assert size_of("qwen-image-edit", large["qwen-image-edit"]) == Size(50_000_000_000), "also before it is here"


def test_what_may_not_be_used_for_money_is_not_pulled_for_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTOR18M_MODELS", str(tmp_path))
    told = CliRunner().invoke(app, ["models", "pull", "arcface", "auraface", "--licence", "commercial"])
    assert told.exit_code == 1
    assert "arcface: may not be used for money (weights: " in told.stderr
    assert "auraface" not in told.stderr
    fetched: list[str] = []

    def pull(named: list[str] | str, **told: object) -> list[Path]:
        fetched.extend([named] if isinstance(named, str) else named)
        return []

    monkeypatch.setattr(commands, "pull", pull)
    monkeypatch.setattr(commands, "pull_snapshot", pull)
    told = CliRunner().invoke(app, ["models", "pull", "--profile", "cluster", "--licence", "commercial"])
    assert told.exit_code == 0
    left_out = {line.partition(":")[0] for line in told.stdout.splitlines() if line.endswith("; left out")}
    models = read_lock().named(profile="cluster")
    assert left_out == {name for name, model in models.items() if strictest(model) == "forbidden"} != set()
    assert {*fetched} == models.keys() - left_out
    kept = [name for name in models if name not in left_out]
    in_order = [name for name in kept if models[name].files] + [name for name in kept if models[name].snapshot]
    assert fetched == in_order, "the same each time"


def test_a_profile_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTOR18M_MODELS", str(tmp_path))
    told = CliRunner().invoke(app, ["models", "pull", "--profile", "nosuch"])
    assert told.exit_code == 1
    assert "no profile of models is called nosuch; there are: cluster, embedded" in told.stderr
    assert "doctor" not in told.stderr
    told = CliRunner().invoke(app, ["models", "pull", "--profile", "commercial"])
    assert told.exit_code == 1
    assert "`actor18m doctor --pipeline commercial`" in " ".join(told.stderr.split())


def test_a_mirror_that_is_not_there_is_refused_and_an_empty_one_is_told_of_each_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACTOR18M_MODELS", str(tmp_path / "models"))
    pulled = ["models", "pull", "dwpose", "sam2", "cotracker3", "--from"]
    absent = CliRunner().invoke(app, [*pulled, str(tmp_path / "nowhere")])
    assert absent.exit_code == 1
    assert f"--from {tmp_path}/nowhere: there is no such folder. Nothing was fetched" in absent.stderr
    empty = CliRunner().invoke(app, [*pulled, str(tmp_path)])
    assert empty.exit_code == 1
    assert f"  {tmp_path}/dwpose/" in empty.stderr
    assert f"sam2: {tmp_path} has neither a folder sam2" in empty.stderr
