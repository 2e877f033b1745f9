"""`actor18m plan`, `status`, `explain`, `what-if`: what is known, what would be done, and why. They change nothing."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from actor18m import explain as explaining
from actor18m.build import Project, planned
from actor18m.commands.arguments import AsJson, Settings
from actor18m.commands.build_commands import Overrides, Pipe, Profile, Split, StoreUrl, project_of
from actor18m.log import printable
from actor18m.planning import Plan
from actor18m.status import Status, status
from actor18m.store import open_store
from actor18m.writer import holder

app = typer.Typer()

_FUNNEL = ("entered", "passed", "rejected", "failed", "quarantined", "duplicates", "pending")


@app.command("plan")
def plan_command(
    pipeline: Pipe = None,
    profile: Profile = "embedded",
    store: StoreUrl = "store",
    settings: Settings = None,
    split: Split = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """What a build would measure of what is registered, and why."""
    found = planned(project_of(pipeline or profile, open_store(store), settings, split, overrides))
    if as_json:
        typer.echo(json.dumps(_plain(found), indent=2))
        return
    table = Table("stage", "clips", "calls", "why", "one worker", box=box.SIMPLE_HEAD, pad_edge=False)
    for name, stage in found.stages.items():
        why = ", ".join(f"{count} {reason}" for reason, count in sorted(stage.why.items()))
        time = "-" if not stage.missing else "no rate yet" if stage.seconds is None else f"{stage.seconds:,.1f} s"
        table.add_row(name, str(stage.missing), str(stage.calls), why or "-", time)
    _console().print(table)
    if found.split is not None and not found.split.is_as_before:
        new, gone = found.split.added + found.split.back, found.split.gone
        typer.echo(f"Sources are split otherwise than is registered: {new} more clips, {gone} superseded.")
    typer.echo(
        "Nothing is missing."
        if found.is_done
        else "What a clip needs later shows when its rows are there: at least this."
    )


@app.command("status")
def status_command(
    pipeline: Pipe = None,
    profile: Profile = "embedded",
    store: StoreUrl = "store",
    settings: Settings = None,
    split: Split = None,
    overrides: Overrides = None,
    inputs: Annotated[bool, typer.Option("--inputs", help="List every input with what became of it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Where every input stands, now: also of a store that is being built."""
    opened = open_store(store)
    project = project_of(pipeline or profile, opened, settings, split, overrides)
    found = status(project.record(), with_inputs=inputs)
    builder = holder(opened)
    if as_json:
        typer.echo(json.dumps(found.told() | {"building": str(builder) if builder else None}, indent=2))
        return
    _print_status(found)
    if builder:
        typer.echo(f"being built by {builder}")


@app.command("explain")
def explain_command(
    name: Annotated[str, typer.Argument(metavar="CLIP", help="A clip's key, an input's id, a path or a URI.")],
    pipeline: Pipe = None,
    profile: Profile = "embedded",
    store: StoreUrl = "store",
    settings: Settings = None,
    split: Split = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """The whole story of a clip: values, rules, verdicts, errors."""
    stories = explaining.explain(project_of(pipeline or profile, open_store(store), settings, split, overrides), name)
    if as_json:
        typer.echo(json.dumps(stories, indent=2))
        return
    for story in stories:
        _print_story(story)


@app.command("what-if")
def what_if_command(
    settings: Annotated[list[str], typer.Option("--set", metavar="STAGE.RULE=VALUE", help="May be repeated.")],
    pipeline: Pipe = None,
    profile: Profile = "embedded",
    store: StoreUrl = "store",
    split: Split = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """How many inputs would change their state under other rules. Runs no model."""
    opened = open_store(store)
    before = project_of(pipeline or profile, opened, None, split, overrides)
    after = project_of(pipeline or profile, opened, settings, split, overrides)
    moved, unknown = _moves(before, after)
    if as_json:
        rows = [{"from": old, "to": new, "inputs": count} for (old, new), count in sorted(moved.items())]
        typer.echo(json.dumps({"moved": rows, "unknown_until_measured": unknown}, indent=2))
        return
    table = Table("from", "to", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("inputs", justify="right")
    for (old, new), count in sorted(moved.items()):
        table.add_row(old, new, str(count))
    _console().print(table)
    typer.echo(f"{sum(moved.values())} inputs move; of these {unknown} are unknown until they are measured.")


def _moves(before: Project, after: Project) -> tuple[Counter[tuple[str, str]], int]:
    moved: Counter[tuple[str, str]] = Counter()
    unknown = 0
    for (_, old), (_, new) in zip(before.record().surveyed(), after.record().surveyed(), strict=True):
        for was, would_be in zip(_where(old.inputs), _where(new.inputs), strict=True):
            if was != would_be:
                moved[was, would_be] += 1
                unknown += would_be.startswith("pending")
    return moved, unknown


def _where(inputs: Any) -> list[str]:
    """`rejected identity.fit_faces`, `accepted`, `pending identity`."""
    columns = (inputs[name].to_pylist() for name in ("state", "stage", "rule"))
    return [
        " ".join([state, ".".join(filter(None, [stage, rule]))]).strip()
        for state, stage, rule in zip(*columns, strict=True)
    ]


def _print_status(found: Status) -> None:
    table = Table("stage", box=box.SIMPLE_HEAD, pad_edge=False)
    headings = [*_FUNNEL, "split"] if found.is_split else _FUNNEL
    for heading in headings:
        table.add_column(heading, justify="right")
    table.add_column("rejected by")
    for stage in found.funnel:
        rules = ", ".join(f"{rule} {count}" for rule, count in stage.rules.items())
        numbers = [str(getattr(stage, heading)) for heading in headings]
        table.add_row(stage.name, *numbers, rules)
    _console().print(table)
    total = " + ".join(f"{count} {state}" for state, count in found.states.items())
    typer.echo(f"{found.inputs} inputs = {total or 0}: {'they add up' if found.adds_up else 'THEY DO NOT ADD UP'}")
    for reason, count in found.errors.items():
        typer.echo(f"  {count} {reason}")
    for line in found.listing:
        typer.echo(printable("  ".join(line)))


def _print_story(story: Mapping[str, Any]) -> None:
    typer.echo(printable(f"{story['uri']}"))
    for name in ("id", "clip", "lot", "parent", "licence", "consent", "cut", "crop", "duplicate_of"):
        if name in story:
            typer.echo(f"  {name}: {story[name]}")
    why = " ".join(str(story[name]) for name in ("stage", "rule", "value", "bound", "error_kind") if name in story)
    typer.echo(f"  state: {story['state']}{f' ({why})' if why else ''}")
    for stage in story["stages"]:
        played = ", ".join(f"{role} {backend}" for role, backend in stage["backends"].items())
        typer.echo(f"  {stage['stage']} {stage['fingerprint']}{f' ({played})' if played else ''}: {stage['state']}")
        if stage["error"]:
            typer.echo(printable(f"    {stage['error']}"))
        for rule in stage["rules"]:
            sign = "passed" if rule["passed"] else "FAILED"
            typer.echo(f"    {sign}  {rule['rule']} = {rule['value']}  ({rule['bound']})")
        for column, value in stage["values"].items():
            typer.echo(printable(f"    {column}: {json.dumps(value, default=str, ensure_ascii=False)[:160]}"))
    for clip in story.get("clips", ()):
        why = ".".join(clip[name] for name in ("stage", "rule") if clip[name])
        key = clip["clip"] or f"input {clip['id']}"
        typer.echo(f"  frames {clip['cut'][0]} to {clip['cut'][1]}: {key} {clip['state']}{f' ({why})' if why else ''}")
    for said in story["overrides"]:
        typer.echo(printable(f"  override: {said}"))


def _plain(found: Plan) -> dict[str, Any]:
    stages = {
        name: {"clips": stage.missing, "calls": stage.calls, "why": dict(stage.why), "seconds": stage.seconds}
        for name, stage in found.stages.items()
    }
    told = {"inputs": found.inputs, "states": found.states, "stages": stages, "is_done": found.is_done}
    if found.split is not None:
        split = {name: getattr(found.split, name) for name in ("given", "added", "back", "gone")}
        told["split"] = split
    return told


def _console() -> Console:
    console = Console()
    # A pipe or a log has no width to keep to.
    return console if console.is_terminal else Console(width=160)
