"""One video through the stages without a store: the values that a build would keep, or the traceback."""

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from actor18m import inspect
from actor18m.cli.app import app
from actor18m.config.pipeline import parse_pipeline
from actor18m.errors import ActorError
from actor18m.samples.shipped import SHIPPED
from tests.engine.drawing import FRAMED
from tests.engine.films import film
from tests.engine.site import Site, films
from tests.engine.steady import PIPELINE, Steady


@pytest.fixture
def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "path", sys.path[:])  # commands put a pipeline's folder there
    path = tmp_path / "steady.yaml"
    path.write_text(PIPELINE.replace("duplicates:", '  - stage: "tests.engine.buggy:Buggy"\nduplicates:'))
    return path


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(film("a good take"))
    return path


def tried(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["try", *map(str, arguments)])


def test_rows_are_those_that_a_build_keeps(site: Site) -> None:
    site.put(films("good", 1, 0.5, 1.0))
    site.build()
    (video,) = site.videos.iterdir()
    rows = inspect(video, "deep", site.root / "steady.yaml")
    assert list(rows) == ["read", "look", "deep"]
    (story,) = site.ask("explain", str(video))
    told = {stage["stage"]: stage["values"] for stage in story["stages"]}
    for stage, values in rows.items():
        assert values.keys() == told[stage].keys()
        for name, value in values.items():
            is_number = isinstance(value, float | list)
            expected = pytest.approx(told[stage][name]) if is_number else told[stage][name]
            assert (value.hex() if isinstance(value, bytes) else value) == expected


def test_only_what_a_stage_needs_is_run(pipeline: Path, video: Path) -> None:
    assert list(inspect(video, "look", pipeline)) == ["read", "look"]


def test_an_image_that_is_made_from_another_is_made_from_it(video: Path) -> None:
    """Whose maker is neither read nor served by the stage: requests name its images."""
    drawn = parse_pipeline(FRAMED, "drawn")
    video.write_bytes(film("a pretty plain take"))
    rows = inspect(video, "frame", drawn)
    assert list(rows) == ["read", "ask", "draw", "frames", "frame"]
    assert list(rows["frame"]) == ["face-framed-00", "face-framed-01"]
    assert inspect(video, "judge", drawn)["judge"]["face-framed-00"]["longer_by"] == len(" in oak")


def test_backends_are_closed_when_it_is_done(pipeline: Path, video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[Steady] = []
    monkeypatch.setattr(Steady, "close", lambda self: closed.append(self), raising=False)
    inspect(video, "look", pipeline)
    assert len(closed) == 1


def test_a_shipped_stage_of_a_real_video() -> None:
    assert inspect(next(SHIPPED.glob("*_1.mp4")), "intake")["intake"]["codec"] == "h264"


def test_what_cannot_be_measured_says_so(pipeline: Path, tmp_path: Path) -> None:
    with pytest.raises(ActorError, match="stage read: missing_file: "):
        inspect(tmp_path / "nothing.mp4", "look", pipeline)


def test_the_command_prints_rows_as_json_too(pipeline: Path, video: Path) -> None:
    result = tried("look", video, pipeline, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["read"]["text"] == "a good take"
    said = tried("look", video, pipeline).stdout
    assert "read: ok" in said
    assert 'text: "a good take"' in said


def test_the_command_shows_the_traceback_of_a_stage_that_raises(pipeline: Path, video: Path) -> None:
    result = tried("buggy", video, pipeline)
    assert result.exit_code == 1
    assert "read: ok" in result.stdout
    assert "NameError: name 'lenght' is not defined" in result.stderr
    assert "buggy.py" in result.stderr


def test_a_stage_that_there_is_not_is_told_with_those_that_there_are(pipeline: Path, video: Path) -> None:
    result = tried("lok", video, pipeline)
    assert result.exit_code != 0
    assert "did you mean look?" in result.stderr
