"""What the engine costs: three stages that do nothing, over clips whose rows are durable, beside the same in Ray Data.

Ours commits every call's rows to disk, synced, and knows after any death which clips are measured. Ray Data keeps its
rows in memory, gives them no state and no key, and loses them with the driver. Both use Ray's actors, as many for each
stage, and give each call as many clips. Ray Data runs twice: with blocks as large as it makes them, and with a block
for each call, so that a row that fails takes no other call's with it. Runs alternate, on one Ray; the time to start
actors counts, and is told apart by one run of each with few clips.

RAY_worker_niceness=0 python -m tests.bench.engine_cost [--clips 4000] [--clips-per-call 8]... [--workers 2]
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import ray

from actor18m.building.listener import Silent
from actor18m.building.measuring import measure, register
from actor18m.config.pipeline import parse_pipeline
from actor18m.execute.ray_actors import RayWorkers
from actor18m.inputs import Input
from actor18m.storage.lease import hold
from actor18m.storage.store import make_store
from actor18m.survey.pricing import plan
from actor18m.survey.project import Project
from tests.bench.no_ops import STAGES, pipeline

FEW = 64


def ours(clips: int, clips_per_call: int, workers: int) -> float:
    with tempfile.TemporaryDirectory() as folder, hold(make_store(f"{folder}/store")) as lease:
        project = Project(parse_pipeline(pipeline(clips_per_call, workers), "pipeline"), lease.store)
        register(project, lease, (Input(f"s3://bucket/{n:08d}.mp4", version=str(n)) for n in range(clips)))
        start = time.perf_counter()
        measure(project, lease, RayWorkers, Silent())
        seconds = time.perf_counter() - start
        assert plan(project.record()).states == {"accepted": clips}
    return seconds


class Nothing:
    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        return batch


def ray_data(clips: int, clips_per_call: int, workers: int, a_block_a_call: bool) -> float:
    blocks = -(-clips // clips_per_call) if a_block_a_call else None
    rows = [{"key": f"{n:020x}", "value": 1} for n in range(clips)]
    start = time.perf_counter()
    data: ray.data.Dataset = ray.data.from_items(rows, override_num_blocks=blocks)
    for _ in range(STAGES):
        pool = ray.data.ActorPoolStrategy(size=workers)
        data = data.map_batches(Nothing, batch_size=clips_per_call, compute=pool, num_cpus=1 / STAGES)
    count = sum(len(batch["key"]) for batch in data.iter_batches(batch_size=None))
    seconds = time.perf_counter() - start
    assert count == clips
    return seconds


RUNS: Mapping[str, Callable[[int, int, int], float]] = {
    "actor18m, durable": ours,
    "Ray Data, its blocks": partial(ray_data, a_block_a_call=False),
    "Ray Data, block = call": partial(ray_data, a_block_a_call=True),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=4_000)
    parser.add_argument("--clips-per-call", type=int, action="append")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    ray.init(num_cpus=args.workers, include_dashboard=False, log_to_driver=False, configure_logging=False)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    print(f"{args.clips:,} clips, {STAGES} stages, {args.workers} workers for each; median of {args.repeats}")
    headings = f"{'whole run':>10} {'clips/s':>9} {'no start':>9}"
    print(f"{'clips a call':>12}  {'':24} {headings}")
    for clips_per_call in args.clips_per_call or [8, 32]:
        for name, (whole, few) in measured(args.clips, clips_per_call, args.workers, args.repeats).items():
            steady_s = max(whole - few, 1e-9)
            print(
                f"{clips_per_call:12}  {name:24} {whole:8.1f} s {args.clips / whole:9,.0f} "
                f"{(args.clips - FEW) / steady_s:9,.0f}",
                flush=True,
            )


def measured(clips: int, clips_per_call: int, workers: int, repeats: int) -> dict[str, tuple[float, float]]:
    """Medians of whole runs, and a run with few clips."""
    few = {name: run(FEW, clips_per_call, workers) for name, run in RUNS.items()}
    whole: dict[str, list[float]] = {name: [] for name in RUNS}
    for _ in range(repeats):
        for name, run in RUNS.items():
            whole[name].append(run(clips, clips_per_call, workers))
    return {name: (statistics.median(runs), few[name]) for name, runs in whole.items()}


if __name__ == "__main__":
    main()
