"""How much sooner a build of samples ends with two workers on Ray than in one process, and what keeps it from twice.

Each build is the command, in a process and with a store of its own. Told are the clock, the processor time of all
processes, how long measuring went on, and how much of that a worker spent in stages (their models, and reading video):
with two workers on two cores, 100% would be both cores busy with nothing else. What comes before and after measuring is
one process's: Ray's start, registering, publishing. Runs alternate; other work on the machine spoils the clock.

RAY_worker_niceness=0 python -m tests.bench.two_workers [--samples 16] [--repeats 1]
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from actor18m.samples.shipped import find_clips
from tests.bench.measure import run_busy_s

EXECUTORS = {"serial": ["--executor", "serial"], "ray, 2 workers": ["--executor", "ray", "--workers", "2"]}
WORKERS = {"serial": 1, "ray, 2 workers": 2}


@dataclass(frozen=True)
class Took:
    seconds: float
    busy_s: float
    """Of the processor, all processes."""
    measuring_s: float
    """From the first call that was handed out to the last row that was committed, as the run's log tells."""
    stages_s: float
    """What calls took, one worker's time after the other's."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=1)
    args = parser.parse_args()
    clips = find_clips()
    # over all scripts, rather than the first ones of the alphabet
    videos = [clips[n * len(clips) // args.samples].video for n in range(args.samples)]
    runs: dict[str, list[Took]] = {name: [] for name in EXECUTORS}
    for _ in range(args.repeats):
        for name, options in EXECUTORS.items():
            runs[name].append(built(videos, options))
    print(f"{args.samples} samples; median of {args.repeats}")
    headings = f"{'measuring':>10} {'before, after':>14} {'in stages':>10} {'of workers':>11}"
    print(f"{'':16} {'clock':>9} {'processor':>10} {headings}")
    for name, each in runs.items():
        took = {field: statistics.median(getattr(run, field) for run in each) for field in Took.__annotations__}
        rest_s = took["seconds"] - took["measuring_s"]
        share = took["stages_s"] / took["measuring_s"] / WORKERS[name]
        print(
            f"{name:16} {took['seconds']:7.1f} s {took['busy_s']:8.1f} s {took['measuring_s']:8.1f} s {rest_s:12.1f} s "
            f"{took['stages_s']:8.1f} s {share:11.0%}"
        )
    serial, ray = (statistics.median(run.seconds for run in each) for each in runs.values())
    print(f"two workers are {serial / ray:.2f} times as fast")


def built(videos: Sequence[Path], options: Sequence[str]) -> Took:
    with tempfile.TemporaryDirectory() as folder:
        given = [word for video in videos for word in ("--input", str(video))]
        where = ["--store", f"{folder}/store", "--dataset", f"{folder}/dataset", "--allow-empty"]
        start = time.perf_counter()
        command = [sys.executable, "-m", "actor18m", "build", "embedded", *given, *where, *options]
        busy_s = run_busy_s(command)
        seconds = time.perf_counter() - start
        runs = Path(folder, "store", "runs")
        stages = json.loads((runs / "000001.json").read_text())["stages"].values()
        log = [json.loads(line) for line in (runs / "000001.log.jsonl").read_text().splitlines()]
    calls = [(datetime.fromisoformat(line["at"]), float(line["message"].split(" in ")[1].split(" s,")[0]))
             for line in log if " clips in " in line["message"]]  # fmt: skip
    first = min(at.timestamp() - took_s for at, took_s in calls)
    measuring_s = max(at.timestamp() for at, _ in calls) - first
    return Took(seconds, busy_s, measuring_s, sum(stage["seconds"] for stage in stages))


if __name__ == "__main__":
    main()
