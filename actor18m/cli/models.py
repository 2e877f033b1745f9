"""`actor18m models`: which weights there are, fetching and checking them."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column
from rich.text import Text

from actor18m.amounts import amount
from actor18m.cli.arguments import For
from actor18m.config.licensed import Licence
from actor18m.config.shipped import shipped
from actor18m.errors import ActorError
from actor18m.models.lock import Lock, Model, read_lock
from actor18m.models.sizes import size_of, sizes_of
from actor18m.models.snapshots import pull_snapshot, state_of
from actor18m.models.terms import forbidding, strictest, terms_of
from actor18m.models.weights import FileState, folder, pull, verify
from actor18m.terminal.say import Grid, console, say, say_json

app = typer.Typer(name="models", help="Model weights: list, fetch and check them.", no_args_is_help=True)

_MARKS = {"allowed": "", "choice": " !", "unclear": " ?", "forbidden": " x"}

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


@app.command("list")
def list_models(
    terms: Annotated[
        bool, typer.Option("--terms", help="Libraries, weights and what these were trained on, with their terms.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Models, their licences, and which of their files are here."""
    lock = read_lock()
    states = verify(lock)
    snapshots = {name: state_of(name) for name, model in lock.models.items() if model.snapshot}
    if as_json:
        of_files = {name: {file.name: states[file.name] for file in model.files} for name, model in lock.models.items()}
        rows = {
            name: model.model_dump()
            | {"commercial": strictest(model), "terms": [vars(term) for term in terms_of(model)]}
            | {"state": of_files[name] or snapshots[name]}
            | {"bytes": None if (size := size_of(name, model)) is None else size.bytes}
            for name, model in lock.models.items()
        }
        say_json({"folder": str(folder()), "models": rows})
        return
    if terms:
        _print_terms(lock)
        return
    table = Grid(Column("model", no_wrap=True), collapse_padding=True)
    table.add_column("MB", justify="right", no_wrap=True)
    for heading in ("here", "code", "weights", "for money"):
        table.add_column(heading, no_wrap=heading != "code")
    table.add_column("plays")
    for name, model in lock.models.items():
        size = size_of(name, model)
        here = Counter([snapshots[name]] if name in snapshots else [states[file.name] for file in model.files])
        said = "ok" if set(here) == {"ok"} else ", ".join(f"{count} {state}" for state, count in here.items())
        table.add_row(
            name,
            "" if size is None else f"{'~' if size.is_about else ''}{size.bytes / 1e6:.1f}",
            said,
            _gives_way(model.code.licence),
            model.weights.licence.partition(":")[0],
            strictest(model),
            _gives_way(model.role),
        )
    console().print(table)
    for profile in sorted({model.profile for model in lock.models.values()}):
        models = lock.named(profile=profile)
        size = sizes_of(models)
        say(f"{profile}: {amount(len(models), 'model')}, {size}")
    if any(model.snapshot and size_of(name, model) is None for name, model in lock.models.items()):
        say("sizes of large models are known exactly once they are pinned: `actor18m models pull NAME --pin`")
    say(f"in {folder()}; --terms tells what each was trained on and from where it is, --json tells of each file")


def _print_terms(lock: Lock) -> None:
    """Of each of the three `?` where it is not settled whether it may be used for money, `x` where it may not."""
    folded = (Column(heading, overflow="fold") for heading in ("plays", "library", "weights", "trained on"))
    table = Grid(Column("model", no_wrap=True), *folded)  # an address that is cut leads nowhere
    for name, model in lock.models.items():
        code, weights, training = (f"{term.licence or term.what}{_MARKS[term.commercial]}" for term in terms_of(model))
        table.add_row(name, model.role, f"{model.code.library}: {code}", f"{weights}: {model.weights.origin}", training)
    console().print(table)
    say("for money: ? not settled, x forbidden, ! allowed with duties; all else allowed")


def _large() -> dict[str, FileState]:
    """Single files of the cluster's models."""
    large = read_lock().named(profile="cluster")
    return verify(Lock(version=1, models={name: model for name, model in large.items() if model.files}))


def _gives_way(text: str) -> Text:
    """Where the terminal is narrow this is cut short, and nothing else."""
    return Text(text, no_wrap=True, overflow="ellipsis")


@app.command("pull")
def pull_models(
    names: Annotated[list[str] | None, typer.Argument(help="Models; all of the profile when none is named.")] = None,
    profile: Annotated[str, typer.Option(help="embedded (a few dozen MB) or cluster (the large ones).")] = "embedded",
    mirror: Annotated[
        Path | None,
        typer.Option("--from", help="A folder to take them from, without asking the network, such as a hub's cache."),
    ] = None,
    pin: Annotated[bool, typer.Option("--pin", help="Of large models only which revision and which bytes.")] = False,
    licence: For = Licence.any,
) -> None:
    """Fetch the weights that are not here yet. Large models are pinned to what came the first time."""
    if not names:
        _refuse_unknown(profile)
    if mirror is not None and not mirror.is_dir():
        raise ActorError(f"--from {mirror}: there is no such folder. Nothing was fetched")
    chosen = _allowed(read_lock().named(names, profile), licence, are_named=bool(names))
    single = [name for name, model in chosen.items() if model.files]
    pulls: list[Callable[[], list[Path]]] = [partial(pull, single, say=say, mirror=mirror)] if single else []
    pulls += [
        partial(pull_snapshot, name, say=say, mirror=mirror, only_pins=pin) for name in chosen if name not in single
    ]
    written: list[Path] = []
    lacking: list[str] = []
    for each in pulls:
        try:
            written += each()
        except ActorError as error:
            if mirror is None:
                raise
            lacking.append(str(error))  # who fills a mirror wants to hear all of it at once
    if lacking:
        raise ActorError("\n".join(lacking))
    say(f"{amount(len(written), 'file')} fetched; {', '.join(chosen)} in {folder()}")


def _refuse_unknown(profile: str) -> None:
    """A pipeline's name is easily taken for a profile's."""
    profiles = sorted({model.profile for model in read_lock().models.values()})
    if profile in profiles:
        return
    told = f"no profile of models is called {profile}; there are: {', '.join(profiles)}"
    if profile in shipped():
        told += f". {profile} is a pipeline: `actor18m doctor --pipeline {profile}` names the models that it needs"
    raise ActorError(told)


def _allowed(models: dict[str, Model], licence: Licence, are_named: bool) -> dict[str, Model]:
    """What a licence that is asked for forbids is left out of a profile, and refused where it was named."""
    forbidden = {name: why for name, model in models.items() if (why := forbidding(model))}
    if licence is Licence.any or not forbidden:
        return models
    told = [f"{name}: may not be used for money ({why})" for name, why in forbidden.items()]
    if are_named:
        raise ActorError("\n".join([*told, "Nothing was fetched: leave them out, or --licence commercial"]))
    for line in told:
        say(f"{line}; left out")
    return {name: model for name, model in models.items() if name not in forbidden}


@app.command("verify")
def verify_models(as_json: AsJson = False) -> None:
    """Check size and digest of every file; exit code 1 if one of the embedded profile is missing, or any is corrupt."""
    snapshots = {name: state_of(name, by_bytes=True) for name, model in read_lock().models.items() if model.snapshot}
    states = verify(Lock(version=1, models=read_lock().named(profile="embedded")))
    states |= {name: state for name, state in {**_large(), **snapshots}.items() if state != "missing"}
    if as_json:
        say_json({"folder": str(folder()), "files": states})
    else:
        for name, state in states.items():
            say(f"{state:8} {name}")
        if any(state != "ok" for state in states.values()):
            say("run `actor18m models pull`")
    raise typer.Exit(0 if all(state == "ok" for state in states.values()) else 1)
