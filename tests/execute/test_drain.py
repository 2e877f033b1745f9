"""What the driver does for one result."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pytest

from actor18m.building import measuring
from actor18m.building.listener import Silent
from actor18m.building.measuring import LOOSE
from actor18m.catalog.catalog import LOT
from actor18m.catalog.sources import find_inputs
from actor18m.config.pipeline import parse_pipeline
from actor18m.execute.open_lots import FOR_EACH_PLACE, LEAST, MOST, OpenLots
from actor18m.execute.serial import SerialWorkers
from actor18m.inputs import Input
from actor18m.storage.lease import Lease
from actor18m.survey.pricing import plan
from actor18m.survey.project import Project
from actor18m.survey.survey import Surveyor
from tests.engine.films import film
from tests.engine.steady import PIPELINE

CLIPS = LOOSE + 8
ONE_A_CALL = (
    PIPELINE.replace("steady:Read", "steady:Read\n    run: {clips_per_call: 1}")
    .replace('steady:Steady"}', 'steady:Steady"}\n    run: {clips_per_call: 1}\n    parameters: {pause_s: 0.05}')
    .replace("at_least: 0.4", "at_least: 0")
)


@pytest.fixture
def project(lease: Lease, tmp_path: Path) -> Project:
    for number in range(CLIPS):
        (tmp_path / f"{number}.mp4").write_bytes(film(f"take number {number}"))
    project = Project(parse_pipeline(ONE_A_CALL, "steady"), lease.store)
    measuring.register(project, lease, find_inputs([str(tmp_path)]))
    return project


def test_only_clips_of_which_something_was_learned_are_looked_at_again(
    project: Project, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = list[int]()
    missing = Surveyor.missing

    def counted(surveyor: Surveyor, clips: pa.Table, known: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
        looked.append(clips.num_rows)
        return missing(surveyor, clips, known)

    monkeypatch.setattr(Surveyor, "missing", counted)
    tally = measuring.measure(project, lease, SerialWorkers, Silent())
    assert tally.measured == {"read": CLIPS, "look": CLIPS, "deep": CLIPS}
    assert sum(looked) == 3 * CLIPS, "when its file is read, and after each of the two stages that follow"
    assert max(looked[1:]) < CLIPS, "the second stage is slow, and its clips are not waited for"


def test_commits_that_a_killed_build_left_are_folded_before_it_goes_on(project: Project, lease: Lease) -> None:
    read = Project(project.pipeline, lease.store, until="read")
    measuring.measure(read, lease, SerialWorkers, Silent())
    (link,) = read.chain
    ledger = link.ledger(lease.store)
    ((_, rows),) = ledger.read()
    for path in list(lease.store.names(ledger.folder)):
        lease.delete(path)
    for number in range(CLIPS):
        ledger.commit(lease, 0, rows.slice(number, 1))
    measuring.measure(project, lease, SerialWorkers, Silent())
    (path,) = lease.store.names(ledger.folder)
    assert ".g1." in path
    assert plan(project.record()).is_done


@pytest.mark.parametrize(("places", "under_way"), [(0, LEAST), (20 * LOT // FOR_EACH_PLACE, 20), (1_000_000, MOST)])
def test_lots_are_under_way_by_how_many_clips_workers_have_room_for(lease: Lease, places: int, under_way: int) -> None:
    project = Project(parse_pipeline(PIPELINE, "steady"), lease.store)
    many = (Input(f"s3://bucket/{number}.mp4", version="1") for number in range((MOST + 1) * LOT))
    measuring.register(project, lease, many)
    lots = OpenLots(project.record())
    assert sum(1 for _ in iter(lambda: lots.let_in(places), None)) == under_way
