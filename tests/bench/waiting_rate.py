"""How many answers a second one worker of a stage that waits gets from a server that takes a second for each.

The server is on this machine, in this process. Rows are committed as in any build. Clips are films of a few bytes.

python -m tests.bench.waiting_rate [--clips 640] [--concurrency 64] [--pause-s 1]
"""

import argparse
import tempfile
import time
from pathlib import Path

from actor18m.building import measuring
from actor18m.building.listener import Silent
from actor18m.catalog.sources import find_inputs
from actor18m.config.pipeline import parse_pipeline
from actor18m.execute.serial import SerialWorkers
from actor18m.storage.lease import hold
from actor18m.storage.store import make_store
from actor18m.survey.project import Project
from tests.engine.films import film
from tests.engine.slow_server import PIPELINE, SlowServer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=640)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--pause-s", type=float, default=1.0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, SlowServer(args.pause_s) as server:
        videos = Path(folder, "videos")
        videos.mkdir()
        for number in range(args.clips):
            (videos / f"{number}.mp4").write_bytes(film(f"take number {number}"))
        with hold(make_store(f"{folder}/store")) as lease:
            text = PIPELINE.format(url=server.url, run=f"{{concurrency: {args.concurrency}}}")
            project = Project(parse_pipeline(text, "waiting"), lease.store)
            measuring.register(project, lease, find_inputs([str(videos)]))
            read = Project(project.pipeline, lease.store, until="read")
            measuring.measure(read, lease, SerialWorkers, Silent())
            begun, busy = time.monotonic(), time.process_time()
            tally = measuring.measure(project, lease, SerialWorkers, Silent())
            seconds, busy = time.monotonic() - begun, time.process_time() - busy
            parts = len(list(lease.store.names("ledger/asked")))
    assert tally.measured["asked"] == args.clips
    print(
        f"{args.clips} answers of {args.pause_s:g} s each, {server.most_in_flight} in flight: {seconds:.1f} s, "
        f"{args.clips / seconds:.1f} a second; {parts} commits; {busy / args.clips * 1e3:.1f} ms of a core for each"
    )


if __name__ == "__main__":
    main()
