"""A driver in a process of its own, to be stopped in several ways: python -m tests.execute.drive STORE CLIP..."""

import sys

from actor18m import stopping
from actor18m.execute.drain import POLL_S
from actor18m.execute.ray_actors import RayWorkers
from actor18m.execute.workers import Broken, Done
from actor18m.storage.lease import hold
from actor18m.storage.store import make_store
from tests.execute.duties import duty, task


def main(store: str, *names: str) -> None:
    with hold(make_store(store)) as lease:
        workers = RayWorkers({"poison": duty(lease)}, workers=1)
        try:
            for name in names:
                workers.submit(task(name))
            back: list[Done | Broken] = []
            while len(back) < len(names):
                for each in workers.wait(POLL_S):
                    print(type(each).__name__, flush=True)
                    back.append(each)
                stopping.check()  # as a build does: other code may swallow a signal
            sys.stdin.readline()
        finally:
            workers.close()


if __name__ == "__main__":
    with stopping.stoppable():
        main(*sys.argv[1:])
