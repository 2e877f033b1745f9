"""YAML that would take the memory, the day, or a wrong number."""

import time
from pathlib import Path

import pytest

from actor18m.config.pipeline import load_pipeline
from actor18m.errors import ActorError
from actor18m.yaml_file import read_yaml

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, "with its aliases written out it has more than 200,000 values"),
        ("a: &a [*a]", "an alias stands inside of what it names"),
        ("? [a, b]\n: 1", "a list or a mapping cannot be a key"),
        ("? {a: b}\n: 1", "a list or a mapping cannot be a key"),
        ("a: " + "[" * 5000, "nested more than 100 deep"),
        ("a: " + "[" * 200 + "]" * 200, "nested more than 100 deep"),
        (f"a: {'9' * 5000}", "a number of 5,000 digits"),
        ("a: 010", "010 is a number of another base"),
        ("a: 1:30", "1:30 is a number of another base"),
        ("a: 2026-13-45", "month"),
        ("a: " + "x" * (5 << 20), "longer than 4,194,304 characters"),
    ],
    ids=lambda text: text[:16],
)
def test_a_file_that_cannot_be_meant_is_told_at_once(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "pipeline.yaml"
    path.write_text(text)
    begun = time.monotonic()
    with pytest.raises(ActorError, match=f"pipeline.yaml: is not valid YAML: .*{message}") as told:
        read_yaml(path)
    assert time.monotonic() - begun < 5
    assert len(str(told.value)) < 400


def test_plain_numbers_and_few_aliases_stay_what_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: &x [0, 10, -3, 1_000, 0.5]\nb: *x\nc: '010'\nd: [1e-3, -2.5E2]\ne: [1e3x, e3]")
    assert read_yaml(path) == {
        "a": [0, 10, -3, 1000, 0.5],
        "b": [0, 10, -3, 1000, 0.5],
        "c": "010",
        "d": [0.001, -250.0],
        "e": ["1e3x", "e3"],
    }


def test_a_wrong_value_is_quoted_briefly(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(f"name: [{', '.join(['x' * 1000] * 100)}]\nprofile: test\nstages: []")
    with pytest.raises(ActorError) as told:
        load_pipeline(path)
    assert len(str(told.value)) < 2000
