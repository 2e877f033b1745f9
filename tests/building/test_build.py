"""`build()` in Python: what the command does, as values and exceptions, without a word printed."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from actor18m import build
from actor18m.building.built import Built, NotPublished, StageStopped
from actor18m.building.changes import Changes, Forgotten
from actor18m.building.listener import Listener, Silent
from actor18m.errors import WrongUsage
from actor18m.execute.tally import Watcher
from actor18m.publish.guards import Allowed
from actor18m.storage.disk import Disk
from actor18m.survey.snapshot import Record
from tests.engine.site import Site, content_of, films

GOOD, BAD = films("good", 6, at_least=0.5), films("bad", 2, below=0.3)


class Heard(Listener):
    """Writes down what it hears."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.measured: Counter[str] = Counter()
        self.told: list[str] = []

    def note(self, line: str) -> None:
        self.notes.append(line)

    def differs(self, changes: Changes) -> None:
        self.told += changes.lines

    def progress(self, stages: Sequence[str]) -> AbstractContextManager[Watcher]:
        return nullcontext(_Counting(self.measured))


class _Counting(Silent):
    def __init__(self, measured: Counter[str]) -> None:
        self._measured = measured

    def ended(
        self,
        stage: str,
        *,
        ok: int = 0,
        rejected: int = 0,
        failed: int = 0,
        quarantined: int = 0,
        unavailable: int = 0,
    ) -> None:
        self._measured[stage] += ok + rejected


class _Impatient(Heard):
    """Presses Ctrl-C as soon as something is measured."""

    def progress(self, stages: Sequence[str]) -> AbstractContextManager[Watcher]:
        class Pressing(Silent):
            def ended(self, stage: str, **how: int) -> None:
                os.kill(os.getpid(), signal.SIGINT)

        return nullcontext(Pressing())


@pytest.fixture
def site(site: Site) -> Site:
    site.put(GOOD | BAD)
    (site.root / "steady.yaml").write_text(site.pipeline)
    return site


def built(site: Site, **named: Any) -> Built:
    inputs = named.pop("inputs", site.videos)
    return build(site.root / "steady.yaml", inputs, site.root / "store", site.root / "dataset", **named)


def test_it_makes_the_dataset_that_the_command_makes(site: Site, capfd: pytest.CaptureFixture[str]) -> None:
    came_to = built(site)
    assert capfd.readouterr() == ("", "")
    ours = content_of(site.dataset / "latest")
    (site.root / "store").rename(site.root / "store of python")
    site.dataset.rename(site.root / "dataset of python")
    told = site.build()
    assert content_of(site.dataset / "latest") == ours
    assert (came_to.states, came_to.images) == (told["states"], told["images"])
    assert came_to.states == {"accepted": 6, "rejected": 2}
    assert came_to.tally.measured == {"read": 8, "look": 8, "deep": 6}
    assert came_to.published is not None
    assert (came_to.published.version, came_to.registration.added) == ("000001", 8)
    assert came_to.account["how"] == told["how"] == "finished"


def test_called_again_it_measures_nothing_and_is_as_before(site: Site) -> None:
    built(site)
    again = built(site, inputs=None)
    assert not again.tally.measured
    assert again.published is not None
    assert not again.published.is_new


def test_who_listens_hears_what_differs_and_how_it_goes_on(site: Site) -> None:
    built(site)
    heard = Heard()
    built(site, settings={"look.score": 0.45}, listener=heard)
    assert heard.told == ["look.score at_least: 0.4 -> 0.45"]
    assert not heard.measured
    fresh = Heard()
    (site.root / "store").rename(site.root / "before")
    built(site, listener=fresh, until="look")
    assert fresh.measured == {"read": 8, "look": 8}


def test_a_refusal_is_an_exception_with_what_was_measured(site: Site) -> None:
    with pytest.raises(NotPublished, match="--allow-empty") as refused:
        built(site, settings={"look.score": 2})
    assert refused.value.built.states == {"rejected": 8}
    assert refused.value.built.published is None
    assert built(site, settings={"look.score": 2}, allowed=Allowed(empty=True)).published is not None


def test_a_setting_that_is_forgotten_is_refused_before_anything_is_done(site: Site) -> None:
    built(site, settings=["look.score=0.45"])
    with pytest.raises(Forgotten, match=r"look\.score=0\.45"):
        built(site)
    built(site, yes=True)


def test_a_stage_that_was_stopped_is_an_exception_with_what_the_others_did(site: Site) -> None:
    pipeline = site.root / "steady.yaml"
    pipeline.write_text(site.pipeline.replace("duplicates:", '  - stage: "tests.engine.buggy:Buggy"\nduplicates:'))
    with pytest.raises(StageStopped, match="stage buggy was stopped") as stopped:
        built(site)
    assert stopped.value.built.tally.measured["deep"] == 6


def test_ctrl_c_is_a_keyboard_interrupt_and_the_same_call_goes_on(site: Site) -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        built(site, listener=_Impatient())
    assert signal.getsignal(signal.SIGINT) is before
    assert built(site).states == {"accepted": 6, "rejected": 2}


def test_it_may_be_called_in_a_thread(site: Site) -> None:
    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(built, site).result().states == {"accepted": 6, "rejected": 2}


def test_what_contradicts_itself_is_wrong_usage(site: Site) -> None:
    with pytest.raises(WrongUsage, match="sync needs inputs"):
        built(site, inputs=None, sync=True)
    with pytest.raises(WrongUsage, match="no executor spark"):
        built(site, executor="spark")


def test_the_package_is_light_until_it_is_asked_for_them(tmp_path: Path) -> None:
    code = (
        "import sys, actor18m; assert not {'pyarrow', 'numpy', 'av', 'typer'} & sys.modules.keys(); "
        "from actor18m import build, inspect; assert callable(build) and callable(inspect); "
        "import actor18m.cli.build; assert 'ray' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ})


def test_a_build_with_nothing_to_do_looks_at_the_ledger_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert built(site).states == {"accepted": 6, "rejected": 2}
    looks, listings = Counter[str](), Counter[str]()
    surveyed, stamps, names = Record.surveyed, Disk.stamps, Disk.names

    def survey(self: Record, *columns: Any) -> Any:
        looks["surveyed"] += 1
        return surveyed(self, *columns)

    def stamped(self: Disk, folder: str) -> Any:
        listings[folder] += 1
        return stamps(self, folder)

    def named(self: Disk, folder: str) -> Any:
        listings[folder] += 1
        return names(self, folder)

    monkeypatch.setattr(Record, "surveyed", survey)
    monkeypatch.setattr(Disk, "stamps", stamped)
    monkeypatch.setattr(Disk, "names", named)
    before = content_of(site.root / "dataset" / "000001")
    assert built(site).states == {"accepted": 6, "rejected": 2}
    assert content_of(site.root / "dataset" / "latest") == before
    assert looks["surveyed"] == 3, "what is missing; what it all came to; what is published"
    ledgers = {folder: count for folder, count in listings.items() if folder.startswith(("ledger/", "index/"))}
    assert len(ledgers) == 2 * len(("read", "look", "deep"))
    assert set(ledgers.values()) == {1}
