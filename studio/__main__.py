"""Renders every script again with actors and scenes of another seed.

python -m studio DIR --seed N [--only NAME]... [--workers N]
"""

import argparse
import sys
from pathlib import Path

from actor18m.errors import ActorError
from actor18m.models.libraries import extra

NEEDED = ("anny", "moderngl", "scipy", "torch")
"""Libraries of the extra `actors`."""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m studio", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", metavar="DIR", type=Path, help="made if it is not there")
    parser.add_argument("--seed", type=int, required=True, help="other seeds give other people and places")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="this clip only; may be repeated")
    parser.add_argument("--workers", type=int, default=2, help="processes that render side by side")
    args = parser.parse_args()
    if args.seed < 0 or args.workers < 1:
        parser.error("--seed counts from 0 and --workers from 1")
    try:
        from studio.render import render_set

        for done, name in enumerate(render_set(args.out, args.seed, args.only, args.workers), start=1):
            print(f"{done:3d}  {name}", flush=True)
    except ModuleNotFoundError as error:
        if error.name not in NEEDED:
            raise
        sys.exit(f"The studio needs the library {error.name}, which is not installed. Install it, {extra('actors')}")
    except ActorError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
