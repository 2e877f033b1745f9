"""How right the filters and labels are, on rendered clips whose truth is known and on real footage.

Sets are built by the engine into out/accuracy/, where they stay: a second run measures only what has changed. Every
stage measures every clip that is readable and of use, so that each stage is judged by itself; both policies then decide
over the same rows. docs/accuracy.md says how to read what is printed.

python -m accuracy [--json] [--seed N]... [--samples SEED=DIR]... [--only SET]... [--workers N]
"""

import argparse
import json
import os
import sys
from contextlib import closing
from pathlib import Path

from accuracy import judging, report, sets
from accuracy.result import measured
from actor18m.errors import ActorError
from actor18m.execute.crews import Crew, RayCrew, SerialCrew

OUT = Path("out/accuracy")
KINDS = ("shipped", "fresh", "real", "jumps", "splices", "judging")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print all of it as JSON, with a flat summary")
    parser.add_argument("--seed", type=int, action="append", help="of clips and pictures; rendered if need be")
    parser.add_argument("--samples", action="append", default=[], metavar="SEED=DIR", help="clips rendered before")
    parser.add_argument("--only", action="append", choices=KINDS, help="of the sets only these")
    parser.add_argument("--workers", type=int, default=1, help="with more than one, on a Ray of its own")
    args = parser.parse_args()
    folders = _folders(parser, args.samples)
    seeds = dict.fromkeys([*(args.seed or ()), *folders]) or sets.FRESH_SEEDS
    kinds = args.only or KINDS
    crew: Crew = SerialCrew() if args.workers == 1 else RayCrew(None, args.workers)
    try:
        with closing(crew):
            result = measured(kinds, {seed: folders.get(seed) for seed in seeds}, args.seed or judging.SEEDS, OUT, crew)
    except ActorError as error:
        sys.exit(str(error))
    if args.json:
        print(json.dumps(result.told(), indent=2))
    else:
        report.show(result)
    if {"real", "jumps", "splices", "judging"} & set(kinds) and sets.FOOTAGE not in os.environ:
        print(f"No real footage: {sets.FOOTAGE} names no folder.", file=sys.stderr)


def _folders(parser: argparse.ArgumentParser, given: list[str]) -> dict[int, Path]:
    folders = {}
    for each in given:
        seed, equals, folder = each.partition("=")
        if not (equals and seed.isdigit() and Path(folder).is_dir()):
            parser.error(f"--samples {each}: write SEED=DIR, a folder of clips with their truth")
        folders[int(seed)] = Path(folder)
    return folders


if __name__ == "__main__":
    main()
