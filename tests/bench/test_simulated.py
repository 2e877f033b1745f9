"""The simulation of a cluster: its clock, and that the driver does all there is to do, once, whatever goes wrong."""

from collections import Counter
from queue import Empty, SimpleQueue

import pytest

from actor18m.config.costs import GPU_SECONDS
from tests.bench.pretended_cluster import Chances
from tests.bench.simulated import simulate
from tests.bench.virtual_time import VirtualTime


def test_time_goes_on_by_the_driver_s_work_and_jumps_over_waiting() -> None:
    time, came = VirtualTime(), SimpleQueue[str]()
    begun = time.now()
    time.at(begun + 3600, lambda: came.put("an hour later"))
    with pytest.raises(Empty):
        time.first(came, 60)
    assert time.now() - begun == pytest.approx(60, abs=0.5)
    assert time.first(came, 7200) == "an hour later"
    assert time.now() - begun == pytest.approx(3600, abs=0.5)
    worked = time.now()
    sum(range(2_000_000))
    assert time.now() > worked
    with time.not_counted():
        own = time.now()
        sum(range(2_000_000))
        assert time.now() == own
    time.charge(5)
    assert time.now() - worked > 5


@pytest.mark.slow
def test_all_is_measured_once_on_machines_that_are_lost_by_workers_that_crash() -> None:
    calm = simulate(32, 40, chances=Chances(node_hours=1e9, crashes=0), making=True)
    stormy = simulate(32, 40, chances=Chances(node_hours=0.03, crashes=0.01), making=True)
    assert stormy.lost_machines
    assert stormy.tally.measured == calm.tally.measured
    assert not stormy.tally.failed + stormy.tally.quarantined + Counter(stormy.tally.given_up.keys())
    assert calm.tally.measured["view_images"] == calm.used["view_images"].items
    for stage, seconds in calm.tally.seconds.items():
        assert seconds <= calm.tally.held[stage] * (128 if stage == "judge" else 1) + 1e-6
    makers = ("view_images", "attribute_images", "sheet_images")
    at_work = sum(calm.tally.costs[stage][GPU_SECONDS] for stage in makers if stage in calm.tally.costs)
    held = sum(calm.tally.held[stage] for stage in makers)
    assert at_work == pytest.approx(sum(calm.used[stage].busy_s for stage in makers))
    assert at_work < held < 32 * calm.virtual_s
