"""A build can be killed while the images of any subset are made or judged: what was made is not made again."""

from pathlib import Path

import pytest

from tests.engine.killed_samples import kill_in, project_of

MAKERS = ("view_images", "attribute_images", "sheet_images")
SAMPLES = ("turn_standing_1", "expressions_2")


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["serial", "ray"])
@pytest.mark.usefixtures("embedded_models")
def test_killed_inside_any_subset_it_publishes_the_same_bytes(tmp_path: Path, executor: str) -> None:
    whole = project_of(SAMPLES, tmp_path)
    whole.finish()
    options = ("--executor", executor, *(("--workers", "2") if executor == "ray" else ()))
    killed = whole.again(tmp_path / "killed")
    for stage in (*reversed(MAKERS), "judge"):
        kill_in(stage, killed.start(*options))
        print(f"killed in {stage}: {dict(killed.rows())}")
    killed.finish(*options)
    assert killed.published() == whole.published()
    made = killed.rows()
    assert {name: made[name] for name in MAKERS} == {name: whole.rows()[name] for name in MAKERS}
