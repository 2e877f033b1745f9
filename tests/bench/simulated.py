"""The real driver, over workers that pretend, in virtual time: are so many GPUs kept busy, and what does an item cost?

The pipeline is `cluster` as it ships, with all stages, rules and requests. How long a clip or image takes, and which
share passes, is what `plan --assume` reckons with. Each call takes a time drawn around that, machines are lost, workers
crash. What the driver takes of the processor goes into the time, and so does what Ray takes of it for each call, so a
driver that is too slow shows as GPUs that wait. Rows are not written: that is the workers' work.

With `--making` all clips are measured before, as if their stages had been built first, and images alone are made.

python -m tests.bench.simulated [--making] [--gpus 1024]... [--images 100000]... [--rates FILE]
"""

import argparse
import math
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from unittest.mock import patch

import pyarrow as pa

from actor18m.building.listener import Silent
from actor18m.building.measuring import measure, register
from actor18m.config.loading import load
from actor18m.config.shipped import find_pipeline
from actor18m.execute.ray_actors import RayWorkers
from actor18m.execute.tally import Tally
from actor18m.execute.teams import teams_of
from actor18m.inputs import Input
from actor18m.models.backends import Backend
from actor18m.shipped import manifest
from actor18m.storage.lease import hold
from actor18m.storage.store import make_store
from actor18m.survey import project as projects
from actor18m.survey.assumed import read_assumptions
from actor18m.survey.assumed_price import price
from actor18m.survey.chain import chain_of
from actor18m.survey.project import Project
from tests.bench.measure import cost
from tests.bench.pretended_cluster import Chances, PretendedCluster, Used
from tests.bench.pretended_rows import PretendedRows, told_of
from tests.bench.virtual_time import VirtualTime

SPARE = 1.15
"""So many times the workers that a stage would want are given to those that are not the makers'."""
BETWEEN = (0.1, 0.9)
"""Of all images, those of which the makers' GPUs are looked at: it takes a while until there is something for all."""


@dataclass(frozen=True)
class Simulated:
    gpus: int
    tally: Tally
    used: Mapping[str, Used]
    """By stage."""
    virtual_s: float
    """From the beginning to the end."""
    driver_s: float
    """Of the processor, that the driver took."""
    charged_s: float
    """And Ray, for its calls."""
    between: tuple[float, float]
    """When the part of the time began and ended in which makers are looked at."""
    busy: float
    """Of all GPUs, between."""
    makers_busy: float
    """Of those of the makers, between."""
    deaths: int
    lost_machines: int

    @property
    def items(self) -> int:
        return sum(used.items for used in self.used.values())


def simulate(
    gpus: int,
    clips: int,
    rates: Path | None = None,
    chances: Chances | None = None,
    making: bool = False,
) -> Simulated:
    """A build of so many clips, until nothing is missing. `making`: the clips are measured, the images not made."""
    pa.set_cpu_count(1)  # what the driver takes is what its thread takes
    file = rates or Path(str(manifest("rates.yaml")))
    told, time = read_assumptions(file), VirtualTime()
    with tempfile.TemporaryDirectory() as at, hold(make_store(f"{at}/store")) as lease, _no_weights():
        pipeline = load(find_pipeline("cluster"), _sizes(file, gpus, making))
        project = Project(pipeline, lease.store)
        register(project, lease, (Input(f"s3://bucket/{n:08d}.mp4", version=str(n)) for n in range(clips)))
        seconds = {name: stage.seconds.value for name, stage in told.stages.items()}
        rows = PretendedRows(project.stages, file)
        chances = chances or Chances()
        cluster = PretendedCluster(gpus, told.machines.cpus_per_gpu.value, seconds, rows, chances, time)
        with told_of(rows.measured(project) if making else {}):
            begun, driver_s = time.now(), time.driver_s
            tally = measure(project, lease, lambda duties: RayWorkers(duties, site=cluster), Silent())
        runs = {step.name: step.run for step in pipeline.stages}
        makers = [step.name for step in pipeline.stages if step.stage_class.of == "requests" and step.run.gpus]
        between = _between(cluster.used, makers)
        return Simulated(
            gpus,
            tally,
            dict(cluster.used),
            time.now() - begun,
            time.driver_s - driver_s,
            time.charged_s,
            between,
            _busy(cluster.spans, between) / gpus,
            _busy([span for span in cluster.spans if span[2] >= 1], between) / (runs[makers[0]].workers or gpus),
            cluster.deaths,
            cluster.lost_machines,
        )


def _sizes(file: Path, gpus: int, making: bool) -> list[str]:
    """How many workers each stage gets, as settings: as many as all clips would keep busy as long as the makers are."""
    with _no_weights():
        pipeline = load(find_pipeline("cluster"), ())
        priced = price(pipeline, file)
    steps = {step.name: step for step in pipeline.stages}
    work_s = {name: stage.units * stage.seconds for name, stage in priced.stages.items()}
    if making:
        work_s |= {name: 0.0 for name, stage in priced.stages.items() if stage.unit == "clips"}
    teams = teams_of(
        {name: step.run for name, step in steps.items()},
        None,
        [name for name, step in steps.items() if step.waits],
        {name: {each.name for each in step.roles.values()} for name, step in steps.items()},
    )
    in_all_s = sum(work_s[name] * step.run.gpus for name, step in steps.items()) / gpus
    numbers, left = dict[tuple[str, ...], int](), float(gpus)
    for team in sorted(teams, key=lambda team: team.gpus >= 1):
        at_once = sum(work_s[name] for name in team.stages) / in_all_s
        if team.gpus >= 1:
            numbers[team.stages] = int(left)
        else:
            in_flight = team.run.in_flight if team.waits else 1
            numbers[team.stages] = max(1, math.ceil(SPARE * at_once / in_flight))
            left -= numbers[team.stages] * team.gpus if at_once else 0.0
    return [f"{name}.run.workers={number}" for stages, number in numbers.items() for name in stages]


@contextmanager
def _no_weights() -> Iterator[None]:
    """Which bytes models have does not matter here."""

    def by_name(backend: Backend) -> tuple[str, str]:
        return backend.name, ""

    with (
        patch.object(projects, "check_pinned", lambda *_: None),
        patch.object(projects, "chain_of", partial(chain_of, describe=by_name)),
    ):
        yield


def _between(used: Mapping[str, Used], makers: list[str]) -> tuple[float, float]:
    came = sorted(each for name in makers for each in used[name].at)
    in_all, so_far, times = sum(items for _, items in came), 0, list[float]()
    for when, items in came:
        so_far += items
        if so_far >= in_all * BETWEEN[len(times)]:
            times.append(when)
            if len(times) == len(BETWEEN):
                break
    return times[0], times[1]


def _busy(spans: list[tuple[float, float, float]], between: tuple[float, float]) -> float:
    """How many GPUs, on average."""
    since, until = between
    used = sum(max(0.0, min(end, until) - max(begin, since)) * gpus for begin, end, gpus in spans)
    return used / (until - since)


def clips_for(images: int, rates: Path | None = None) -> int:
    """So many inputs come to so many images that are asked for."""
    with _no_weights():
        priced = price(load(find_pipeline("cluster"), ()), rates or Path(str(manifest("rates.yaml"))))
    made = sum(priced.stages[name].units for name in priced.kept)
    return math.ceil(images * priced.clips / made)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gpus", type=int, action="append")
    parser.add_argument("--images", type=int, action="append")
    parser.add_argument("--rates", type=Path)
    parser.add_argument("--making", action="store_true", help="the clips are measured before; images alone are made")
    parser.add_argument("--stages", action="store_true", help="each stage's numbers, too")
    args = parser.parse_args()
    print(
        f"{'GPUs':>5} {'images':>9} {'items':>9} {'hours':>6} {'GPUs busy':>9} {'makers busy':>11} {'items/s':>8} "
        f"{'driver':>12} {'with Ray':>9} {'of a core':>9} {'peak':>9} {'died':>4} {'lost':>4}"
    )
    for gpus in args.gpus or [64, 256, 1024]:
        for images in args.images or [100 * gpus]:
            found = cost(simulate, gpus, clips_for(images, args.rates), args.rates, None, args.making)
            _print(found.result, images, found.peak_mib, args.stages)


def _print(found: Simulated, images: int, peak_mib: float, with_stages: bool) -> None:
    each_ms, with_ray_ms = (1e3 * s / found.items for s in (found.driver_s, found.driver_s + found.charged_s))
    print(
        f"{found.gpus:>5,} {images:>9,} {found.items:>9,} {found.virtual_s / 3600:>6.2f} {found.busy:>9.1%} "
        f"{found.makers_busy:>11.1%} {found.items / found.virtual_s:>8.0f} {each_ms:>9.3f} ms {with_ray_ms:>6.3f} ms "
        f"{(found.driver_s + found.charged_s) / found.virtual_s:>9.0%} {peak_mib:>5.0f} MiB {found.deaths:>4} "
        f"{found.lost_machines:>4}",
        flush=True,
    )
    if with_stages:
        since, until = found.between
        for name, used in found.used.items():
            between = sum(items for when, items in used.at if since <= when <= until)
            pace = between / (until - since)
            told = f"{used.items:>9,} items {pace:>7.1f}/s {used.calls:>7,} calls {used.busy_s:>8.0f} GPU s"
            print(f"      {name:<17} {told}")


if __name__ == "__main__":
    main()
