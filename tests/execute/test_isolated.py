"""A clip in a child process: its death, its hang and its hunger are survived and told."""

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from actor18m.errors import ActorError
from actor18m.execute.isolated import Isolated
from actor18m.execute.workers import Broken, Done
from actor18m.storage.lease import Lease, TakenOver, hold
from tests.execute.duties import committed, duty, task
from tests.execute.poison_stages import CALLS, calls


@pytest.fixture
def isolated() -> Iterator[Isolated]:
    made = Isolated()
    yield made
    made.close()


def test_a_child_lives_until_a_clip_kills_it(
    isolated: Isolated, lease: Lease, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CALLS, str(tmp_path))
    given = duty(lease)
    ended = [isolated.run(given, task(name), 60) for name in ("a", "b", "segfault", "c")]
    assert [type(each) for each in ended] == [Done, Done, Broken, Done]
    pids = dict(calls(tmp_path))
    assert pids["a.mp4"] == pids["b.mp4"] == pids["segfault.mp4"] != pids["c.mp4"]
    assert os.getpid() not in pids.values()
    assert committed(given) == {each.task.keys[0] for each in ended if isinstance(each, Done)}


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("segfault", "killed", "was killed by SIGSEGV"),
        ("killed", "killed", "was killed by SIGKILL, maybe for want of memory"),
        ("exit", "killed", "exited with code 7"),
        ("hang", "hung", "gave no result within 1 s and was stopped"),
        ("stuck", "hung", "gave no result within 1 s and was stopped"),
    ],
)
def test_the_end_of_a_child_is_told_in_words(
    isolated: Isolated, lease: Lease, name: str, kind: str, words: str
) -> None:
    given = duty(lease)
    assert isinstance(isolated.run(given, task("first"), 60), Done)
    poison = task(name)
    assert isolated.run(given, poison, 1) == Broken(poison, words, kind, is_blamed=True)


def test_a_clip_without_end_meets_the_memory_limit(isolated: Isolated, lease: Lease) -> None:
    given, hungry = duty(lease, memory_gib=0.5), task("hungry")
    ended = isolated.run(given, hungry, 60)
    assert isinstance(ended, Done)
    assert ended.report.out_of_memory == hungry.keys
    assert isinstance(isolated.run(given, task("next"), 60), Done)


def test_a_stage_that_cannot_be_set_up_stops_the_build(isolated: Isolated, lease: Lease) -> None:
    for ready, cause in (("unready", "the weights of poison are not there"), ("segfault", "killed by SIGSEGV")):
        with pytest.raises(ActorError, match=f"stage poison.*{cause}"):
            isolated.run(duty(lease, ready), task("a"), 60)


def test_what_stops_a_build_comes_through(isolated: Isolated, lease: Lease) -> None:
    given = duty(lease)
    with hold(lease.store, take_over=True), pytest.raises(TakenOver):
        isolated.run(given, task("a"), 60)


_SCRIPT = """\
import pickle, sys
from pathlib import Path
from actor18m.execute.isolated import Isolated

Path("begun").open("a").write("once\\n")
duty, task = pickle.loads(Path(sys.argv[1]).read_bytes())
print(type(Isolated().run(duty, task, 60)).__name__)
"""


def test_a_caller_s_script_is_not_run_again_in_the_child(lease: Lease, tmp_path: Path) -> None:
    """Scripts without `if __name__ == "__main__"` are what notebooks and READMEs have."""
    if lease.store.url.startswith("memory"):
        pytest.skip("a store in memory is this process's alone")
    (tmp_path / "script.py").write_text(_SCRIPT)
    (tmp_path / "given").write_bytes(pickle.dumps((duty(lease), task("a"))))
    ran = subprocess.run(
        [sys.executable, "script.py", "given"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
    )
    assert ran.stdout.split() == ["Done"], ran.stderr
    assert (tmp_path / "begun").read_text() == "once\n"
