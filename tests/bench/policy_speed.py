"""How long it takes to judge a million rows: python -m tests.bench.policy_speed [ROWS]"""

import resource
import sys
import time
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from actor18m.policy.rules import Rule, judge, values

RULES = {
    "mean_similarity": Rule(at_least=0.40),
    "lowest": Rule(value="list_min(list_filter(similarity, lambda x: x is not null))", at_least=0.02),
    "people": Rule(is_in=(1, 2)),
    "licence": Rule(is_in=("CC0", "CC-BY-4.0")),
}
SECONDS_PER_CLIP = 10


def measured(rows: int) -> pa.Table:
    chance = np.random.default_rng(18)
    similarity = chance.random(rows * SECONDS_PER_CLIP, np.float32)
    ends = np.arange(0, len(similarity) + 1, SECONDS_PER_CLIP, dtype=np.int32)
    columns = {
        "key": [f"{number:020x}" for number in range(rows)],
        "similarity": pa.ListArray.from_arrays(ends, similarity),
        "mean_similarity": pa.array(chance.random(rows, np.float32), mask=chance.random(rows) < 0.01),
        "people": chance.integers(0, 4, rows),
        "licence": pa.array(["CC0", "CC-BY-4.0", "all rights reserved"]).take(pa.array(chance.integers(0, 3, rows))),
    }
    return pa.table(columns)


def main(rows: int) -> None:
    table = measured(rows)
    jobs: dict[str, Callable[[], object]] = {
        "judge, 4 rules": lambda: judge(table, RULES),
        "values of 4 rules": lambda: values(table, RULES),
    }
    print(f"{rows:,} rows, lists of {SECONDS_PER_CLIP}; best of 3")
    for name, job in jobs.items():
        print(f"  {name:24s} {min(_seconds(job) for _ in range(3)):6.2f} s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"  peak memory of all       {peak:6.2f} GiB")


def _seconds(job: Callable[[], object]) -> float:
    started = time.perf_counter()
    job()
    return time.perf_counter() - started


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
