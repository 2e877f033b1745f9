"""`actor18m verify`: reads every byte of stores and datasets, and tells what is damaged and what to do about it."""

import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated

import typer

from actor18m.amounts import amount
from actor18m.cli.arguments import AsJson
from actor18m.dataset import Dataset
from actor18m.errors import WrongUsage
from actor18m.storage.store import MARK, store_at
from actor18m.terminal.say import say, say_json
from actor18m.verify.dataset import verify_dataset
from actor18m.verify.finding import Finding
from actor18m.verify.store import verify_store

app = typer.Typer()

_TOLD_EVERY = 1000


@app.command("verify")
def verify_command(
    places: Annotated[
        list[str], typer.Argument(metavar="STORE|DATASET...", help="As --store and --dataset name them.")
    ],
    latest: Annotated[bool, typer.Option("--latest", help="Of a dataset only the latest version.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read every file, and tell which are damaged, missing, or not theirs. Exit code 1 if there are any."""
    found: dict[str, list[Finding]] = {}
    counts = dict.fromkeys(places, 0)
    for place in places:
        for finding in _looked_at(place, latest, counts):
            found.setdefault(place, []).append(finding)
            if not as_json:
                say(str(finding))
    if as_json:
        told = {
            place: {"files": counts[place], "findings": [asdict(each) for each in found.get(place, [])]}
            for place in places
        }
        say_json(told)
    else:
        for place in places:
            wrong = len(found.get(place, []))
            say(f"{place}: {amount(counts[place], 'file')}, {f'{wrong} to look at' if wrong else 'all is well'}")
    raise typer.Exit(1 if found else 0)


def _looked_at(place: str, latest: bool, counts: dict[str, int]) -> Iterator[Finding]:
    def told(count: int) -> None:
        counts[place] = count
        if sys.stderr.isatty() and count % _TOLD_EVERY == 0:
            say(f"{place}: {amount(count, 'file')} so far", err=True)

    if store_at(place).exists(MARK):
        return verify_store(place, told)
    if Dataset.at(place).names():
        return verify_dataset(place, latest, told)
    raise WrongUsage(f"{place} is neither a store (it has no {MARK}) nor a dataset (it has no version)")
