"""What each model takes of this machine's GPU, with networks as large as the real ones and random weights.

Nothing is fetched. docs/gpu.md says how to read what it prints. Without a GPU, --device cpu --small runs the same code.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from actor18m.doctor.machine import visible_gpus
from actor18m.preflight.apart import Ended, apart, preload
from actor18m.preflight.device import Machine, machine
from tests.bench.gpu.by_choice import COTRACKER, TAPNET
from tests.bench.gpu.every import FIRST
from tests.bench.gpu.measured import Measured, measured

_SECONDS, _LEAST_S, _MOST_S, _DECODING_S = 345, 8, 120, 60
_NO_GPU = 1
_NOTHING = """\
gpu_check: torch sees no CUDA here, so there is nothing to measure.
With --device cpu --small the same code runs, on small networks."""
EACH_ANEW = "ACTOR18M_GPU_CHECK_EACH_ANEW"
_CHECKOUTS = {
    "--cotracker": ("co-tracker, where it may be used", COTRACKER, "cotracker/predictor.py"),
    "--tapnet": ("tapnet", TAPNET, "tapnet/tapnext/tapnext_torch.py"),
}
_HEADINGS = (
    "model", "on", "weights (published)", "GiB computed", "GiB loaded", "at once", "GiB at most", "a second",
    "memory made short",
)  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--small", action="store_true", help="networks of a few thousand weights")
    parser.add_argument("--only", nargs="+", choices=(*FIRST, "decoding"), default=(*FIRST, "decoding"))
    parser.add_argument("--each", type=float, help="seconds that each model is looked at")
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="for all together")
    for flag, (called, *_) in _CHECKOUTS.items():
        parser.add_argument(flag, type=Path, metavar="DIR", help=f"a checkout of {called}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all of it there, too")
    args = parser.parse_args()
    until = time.monotonic() + args.seconds
    for flag, (called, variable, file) in _CHECKOUTS.items():
        if folder := vars(args)[flag.lstrip("-")]:
            if not (folder / file).is_file():
                parser.error(f"{folder} has no {file}: {flag} names a checkout of {called}")
            os.environ[variable] = str(folder.absolute())
    os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")  # by which libraries look for CUDA without touching it
    if not os.environ.get(EACH_ANEW):
        preload(["tests.bench.gpu.preloaded"])
    here = machine(args.device)
    if args.device == "cuda" and here.gpu is None:
        if visible_gpus()[0] and not os.environ.get(EACH_ANEW):
            # what was imported for all has touched the GPU after all: each process imports its own, which takes longer
            os.execve(
                sys.executable, [sys.executable, "-m", __spec__.name, *sys.argv[1:]], os.environ | {EACH_ANEW: "1"}
            )
        print(_NOTHING, file=sys.stderr)
        return _NO_GPU
    print(_headline(here, small=args.small))
    print(f"| {' | '.join(_HEADINGS)} |\n|{'---|' * len(_HEADINGS)}")
    found: dict[str, Measured | Ended] = {}
    for name in (each for each in FIRST if each in args.only):
        left = until - time.monotonic() - (_DECODING_S if "decoding" in args.only else 0)
        told: Measured | Ended = Ended("no time was left for it")
        if left > _LEAST_S:
            told = apart(
                measured, name, not args.small, args.device, args.each, here.gpu, deadline_s=min(left, _MOST_S)
            )
        found[name] = told
        for line in _rows(name, told, small=args.small):
            print(line, flush=True)
    if "decoding" in args.only:
        print(f"\n{_decoding(here, max(_LEAST_S, until - time.monotonic()))}")
    if args.json:
        models = {name: asdict(each) for name, each in found.items()}
        args.json.write_text(json.dumps({"machine": asdict(here), "models": models}, indent=2))
    print(f"\nin {args.seconds - (until - time.monotonic()):.0f} s")
    return 0


def _headline(here: Machine, *, small: bool) -> str:
    size = "SMALL networks, whose numbers say nothing of real ones" if small else "full networks"
    told = f"{here.called}; {size}; random weights"
    if (gpu := here.gpu) is not None:
        whole, used, context = (f"{size / 2**30:.1f} GiB" for size in (gpu.bytes, gpu.used_bytes, gpu.context_bytes))
        told += f"; {whole}, of which others have {used}; each process takes {context} for CUDA, beside what is below"
    return f"{told}\n"


def _rows(name: str, told: Measured | Ended, *, small: bool) -> Iterator[str]:
    if isinstance(told, Ended):
        yield f"| {name} | | not measured: {told.why} |{' |' * (len(_HEADINGS) - 3)}"
        return
    speed = told.speed
    weights = f"{told.weights / 1e6:,.1f} M" + ("" if small else f" ({told.published:,.1f} M)")
    cells = [name, told.runs_on, weights, f"{told.computed_bytes / 2**30:.2f}", f"{speed.weights_bytes / 2**30:.2f}"]
    for number, batch in enumerate(speed.batches):
        mark = " *" if batch == speed.best and len(speed.batches) > 1 else ""
        last = told.short if number == len(speed.batches) - 1 else ""
        own = [str(batch.size), f"{batch.bytes / 2**30:.2f}", f"{batch.per_second:,.3g} {speed.item}{mark}", last]
        yield f"| {' | '.join([*cells, *own])} |"
        cells = [""] * len(cells)
    if speed.stopped:
        yield f"| | | {speed.stopped} |{' |' * (len(_HEADINGS) - 3)}"


def _decoding(here: Machine, seconds: float) -> str:
    """Frames as stages ask for them, by the decoders that there are."""
    readers = ["pyav", "torchcodec", *(["nvdec"] if here.gpu is not None else [])]
    command = [sys.executable, "-m", "tests.bench.decoding_rate", "--reader", *readers]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired as error:
        told = error.stdout.decode() if error.stdout else ""
        return f"{told}\ndecoding: stopped after {seconds:.0f} s"
    lines = done.stderr.strip().splitlines()
    return done.stdout.strip() + (f"\ndecoding: {lines[-1]}" if done.returncode and lines else "")


if __name__ == "__main__":
    sys.exit(main())
