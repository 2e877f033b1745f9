"""How many images a second are answered of a judge that is asked over HTTP, and what that takes of this machine.

The server is on this machine, in a process of its own, and takes a second for each answer. Each request has two real
pictures: frames of a clip that ships, as WebP files whose longer side has --px pixels. Rows are committed as in any
build, by the driver's process itself: what is told of the processor is all that the driver, the worker, its client and
its threads take together; of that, what it takes to make pictures ready; and the server's own, which is not in it.

python -m tests.bench.judging_rate [--images 960] [--concurrency 64] [--pause-s 1] [--px 1024] [--image-px 1024]
    [--different 32]
"""

import argparse
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from actor18m.building import measuring
from actor18m.building.listener import Silent
from actor18m.catalog.sources import find_inputs
from actor18m.config.pipeline import parse_pipeline
from actor18m.execute.serial import SerialWorkers
from actor18m.stage import Failure, Image
from actor18m.storage.lease import hold
from actor18m.storage.store import make_store
from actor18m.survey.project import Project
from stages.asked.judge import Asked, AskedJudge
from tests.engine.chat_server import ChatServer
from tests.engine.films import film
from tests.stages.asked.painting import judging, picture, words

_WORDS = 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=960)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--pause-s", type=float, default=1.0)
    parser.add_argument("--px", type=int, default=1024)
    parser.add_argument("--image-px", type=int, default=1024)
    parser.add_argument("--different", type=int, default=32, help="pictures; where they are made smaller, take many")
    args = parser.parse_args()
    films = args.images // _WORDS
    with tempfile.TemporaryDirectory() as folder, server_apart(args.pause_s) as (url, of_server), preparing() as ready:
        videos = Path(folder, "videos")
        videos.mkdir()
        for number in range(films):
            (videos / f"{number}.mp4").write_bytes(film(" ".join(f"word{at}of{number}" for at in range(_WORDS))))
        with hold(make_store(f"{folder}/store")) as lease:
            text = judging(
                url,
                chat=f"image_px: {args.image_px}",
                run=f"{{concurrency: {args.concurrency}}}",
                painted=f"{{px: {args.px}, different: {args.different}}}",
            )
            project = Project(parse_pipeline(text, "judging"), lease.store)
            measuring.register(project, lease, find_inputs([str(videos)]))
            measuring.measure(Project(project.pipeline, lease.store, until="other"), lease, SerialWorkers, Silent())
            begun, busy, served = time.monotonic(), time.process_time(), of_server()
            tally = measuring.measure(project, lease, SerialWorkers, Silent())
            seconds, busy, served = time.monotonic() - begun, time.process_time() - busy, of_server() - served
    judged = tally.measured["judge"]
    print(
        f"{judged} images of {args.px} px beside their sources, {len(picture('0', args.px)) / 1e3:.0f} kB each, shown "
        f"at {args.image_px} px; answers of {args.pause_s:g} s, {args.concurrency} in flight: {seconds:.1f} s, "
        f"{judged / seconds:.1f} a second; {busy / seconds:.0%} of a core, {busy / judged * 1e3:.1f} ms each, of which "
        f"{sum(ready) / judged * 1e3:.1f} ms to make its pictures ready; the server {served / judged * 1e3:.1f} ms; "
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB at most; load {os.getloadavg()[0]:.1f} "
        f"on {os.cpu_count()} cores"
    )


@contextmanager
def preparing() -> Iterator[list[float]]:
    """Seconds of the processor for each letter that is made ready."""
    took: list[float] = []
    prepare = AskedJudge.prepare

    def timed(judge: AskedJudge, image: Image, /) -> Asked | Failure:
        begun = time.thread_time()
        try:
            return prepare(judge, image)
        finally:
            took.append(time.thread_time() - begun)

    AskedJudge.prepare = timed  # type: ignore[method-assign]
    try:
        yield took
    finally:
        AskedJudge.prepare = prepare  # type: ignore[method-assign]


@contextmanager
def server_apart(pause_s: float) -> Iterator[tuple[str, Callable[[], float]]]:
    """Its address, and who tells how much of the processor it took so far."""
    here, there = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(there, pause_s), daemon=True)
    process.start()

    def took_s() -> float:
        here.send("go on")
        told: float = here.recv()
        return told

    try:
        yield here.recv(), took_s
    finally:
        here.send("enough")
        process.join()


def _serve(connection: Connection, pause_s: float) -> None:
    with ChatServer(lambda asked: words(), pause_s, keeps=False) as server:
        connection.send(server.url)
        while connection.recv() != "enough":
            connection.send(time.process_time())


if __name__ == "__main__":
    main()
