import hashlib
import json
import multiprocessing
import shutil
import signal
from collections import Counter
from pathlib import Path

import pytest

from actor18m.errors import ActorError
from actor18m.publish import publish
from actor18m.publish.targets import target_of
from tests.publish import killed
from tests.publish.material import FACTS, PIPELINE, tree

PROCESSES = multiprocessing.get_context("forkserver")


def die(dataset: Path, at: int) -> int | None:
    """Changes that a publish made which lived to its end."""
    told = PROCESSES.Queue()
    process = PROCESSES.Process(target=killed.publish_and_die, args=(dataset, at, told))
    process.start()
    process.join()
    if process.exitcode == 0:
        changes: int = told.get()
        return changes
    assert process.exitcode == -signal.SIGKILL
    return None


def manifest_of_what_readers_see(dataset: Path) -> bytes:
    """After checking that all that it names is there, and nothing else."""
    version = dataset / "latest"
    there = {path.relative_to(version).as_posix(): path for path in version.rglob("*") if path.is_file()}
    content = there.pop("manifest.json").read_bytes()
    files = json.loads(content)["files"]
    assert there.keys() == files.keys()
    for name, path in there.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == files[name]["sha256"], name
    return content


@pytest.mark.parametrize("step", [4, pytest.param(1, marks=pytest.mark.slow)])
def test_a_publish_killed_at_any_moment_leaves_the_old_or_the_new_and_is_completed_by_the_next(
    step: int, tmp_path: Path
) -> None:
    PROCESSES.set_forkserver_preload(["__main__", killed.__name__])
    before, whole = tmp_path / "before", tmp_path / "whole"
    publish(before, killed.old(), PIPELINE, FACTS)
    shutil.copytree(before, whole, symlinks=True)
    moments = die(whole, 0)
    assert moments is not None
    old, new = manifest_of_what_readers_see(before), manifest_of_what_readers_see(whole)
    assert old != new
    wanted = tree(whole)
    seen: Counter[str] = Counter()
    for moment in range(1, moments + 1, step):
        dataset = tmp_path / f"killed-{moment}"
        shutil.copytree(before, dataset, symlinks=True)
        assert die(dataset, moment) is None
        found = manifest_of_what_readers_see(dataset)
        assert found in (old, new), moment
        seen["old" if found == old else "new"] += 1
        publish(dataset, killed.new(), PIPELINE, FACTS)
        assert tree(dataset) == wanted, moment
        shutil.rmtree(dataset)
    print(f"killed at {seen.total()} of {moments} moments: readers saw {dict(seen)}")
    assert seen["old"] > 10
    assert seen["new"] > 0


def test_two_processes_do_not_write_at_once(tmp_path: Path) -> None:
    publish(tmp_path / "d", killed.old(), PIPELINE, FACTS)
    with (
        PROCESSES.Pool(1) as pool,
        target_of(tmp_path / "d").held(),
        pytest.raises(ActorError, match="another process writes"),
    ):
        pool.apply(publish, (tmp_path / "d", [], PIPELINE, FACTS))
