from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from actor18m.cli.app import app


def run(*args: str) -> Result:
    return CliRunner().invoke(app, ["build", *args], env={"COLUMNS": "200"})


@pytest.mark.parametrize("dataset", ["nowhere://dataset", "/proc/dataset"])
def test_a_dataset_that_cannot_be_published_is_refused_before_anything_is_measured(
    dataset: str, tmp_path: Path
) -> None:
    refused = run("--input", str(tmp_path), "--store", str(tmp_path / "store"), "--dataset", dataset)
    assert refused.exit_code == 1
    assert dataset in refused.stderr
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("args", [["--set", "identity.fqs=2"], ["--only", "subset-D"], ["--until", "motoin"]])
def test_a_mistyped_name_is_wrong_usage(args: list[str], tmp_path: Path) -> None:
    places = ["--store", str(tmp_path / "store"), "--dataset", str(tmp_path / "dataset")]
    told = run(*places, *args)
    assert told.exit_code == 2
    assert "there are" in told.stderr or "did you mean" in told.stderr
