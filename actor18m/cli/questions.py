"""`actor18m plan`, `status`, `explain`, `what-if`: what is known, what would be done, and why. They change nothing."""

from pathlib import Path
from typing import Annotated

import typer

from actor18m.building.changes import Changes, changes, flags_of
from actor18m.building.measuring import planned
from actor18m.catalog.register import Register
from actor18m.catalog.sources import find_inputs
from actor18m.catalog.sources.left_out import FilesLeftOut
from actor18m.cli import answers, assumed_story, plan_story, unpublished
from actor18m.cli.arguments import AsJson, For, Settings, pipeline_file
from actor18m.cli.bill_story import print_bills
from actor18m.cli.build import Overrides, Pipe, Profile, Split, StoreUrl, project_of
from actor18m.cli.story import print_story
from actor18m.config import licensed, shipped
from actor18m.config.licensed import Licence
from actor18m.config.loading import load
from actor18m.config.pipeline import Pipeline
from actor18m.errors import WrongUsage
from actor18m.publish.lookup import places
from actor18m.storage.lease import unended
from actor18m.storage.store import open_store, store_or_empty
from actor18m.survey import explain as explaining
from actor18m.survey import whatif
from actor18m.survey.assumed import rates_file
from actor18m.survey.assumed_price import price
from actor18m.survey.code import edited
from actor18m.survey.project import Project
from actor18m.survey.runs import accounts
from actor18m.survey.spending import spent_in_all
from actor18m.survey.status import status
from actor18m.survey.survey import ACCEPTED
from actor18m.terminal.say import say, say_json

app = typer.Typer()

_YAML = (".yaml", ".yml")


@app.command("plan")
def plan_command(
    pipeline: Pipe = None,
    profile: Profile = "embedded",
    inputs: Annotated[
        list[str] | None, typer.Option("--input", help="As if these were given to the build; may be repeated.")
    ] = None,
    sync: Annotated[bool, typer.Option("--sync", help="As if the inputs given were all there are.")] = False,
    store: StoreUrl = "store",
    settings: Settings = None,
    split: Split = None,
    overrides: Overrides = None,
    licence: For = Licence.any,
    assume: Annotated[
        Path | None,
        typer.Option(
            metavar="RATES.YAML",
            help="Price a size by these numbers alone, without a store or weights; `rates` ships: the paper's.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What a build would measure, and why: of what is registered, and of inputs that are not."""
    if assume is not None:
        if inputs or sync or overrides:
            raise typer.BadParameter("--assume tells how many clips come in: no --input, --sync or --overrides with it")
        loaded = load(pipeline_file(pipeline or profile), flags_of(settings, split))
        to_decide, priced = licensed.check(loaded, licence), price(loaded, rates_file(assume))
        if as_json:
            say_json(assumed_story.priced_as_json(priced) | {"to_decide": to_decide})
            return
        assumed_story.print_priced(priced)
        for said in to_decide:
            say(f"note: {said}")
        return
    if sync and not inputs:
        raise typer.BadParameter("--sync needs --input: it says that what is given is all there is")
    opened = store_or_empty(store) if inputs else open_store(store)
    project = project_of(pipeline or profile, opened, settings, split, overrides)
    to_decide = licensed.check(project.pipeline, licence)
    left_out = FilesLeftOut()
    given = Register(opened).register(None, find_inputs(inputs, left_out), sync) if inputs else None
    found, notes = planned(project, plan_story.new_inputs(given)), edited(project.links, accounts(opened))
    differ = changes(pipeline or profile, project.pipeline, opened, flags_of(settings, split), project.words)
    if as_json:
        told = {"edited": notes, "to_decide": to_decide, "left_out": vars(left_out)}
        say_json(plan_story.plan_as_json(found, given) | told | _as_json(differ))
        return
    _tell(differ)
    if left_out.counts:
        say(str(left_out))
    plan_story.print_plan(found, given)
    for said in [*notes, *to_decide]:
        say(f"note: {said}")


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
    build, left_out, told = unended(opened), unpublished.known(opened), accounts(opened)
    if as_json:
        building = str(build.holder) if build is not None and build.is_alive else None
        did_not_end = str(build.holder) if build is not None and not build.is_alive else None
        spent = {stage: vars(each) for stage, each in spent_in_all(told).items()}
        about = {"building": building, "did_not_end": did_not_end, "not_published": left_out}
        say_json(found.told() | about | {"spent": spent})
        return
    answers.print_status(found)
    print_bills(told)
    unpublished.tell_known(left_out)
    if build is not None:
        say(str(build))


@app.command("explain")
def explain_command(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="[PIPELINE] CLIP", help="A clip's key, an input's id, a path or a URI; before it, the pipeline."
        ),
    ],
    profile: Profile = "embedded",
    store: StoreUrl = "store",
    dataset: Annotated[str, typer.Option(help="Where it may be published.")] = "dataset",
    settings: Settings = None,
    split: Split = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """The whole story of a clip: values, rules, verdicts, errors, and where it is published."""
    pipeline, name = _pipeline_and_clip(names)
    opened = open_store(store)
    stories = explaining.explain(project_of(pipeline or profile, opened, settings, split, overrides), name)
    left_out = unpublished.known(opened)
    for story in stories:
        named = story.get("image") or story.get("clip")
        story["published"] = places(dataset, named) if named else []
        if story["state"] == ACCEPTED and story["clip"] in left_out:
            story["not_published"] = left_out[story["clip"]]
    if as_json:
        say_json(stories)
        return
    for story in stories:
        print_story(story)


@app.command("what-if")
def what_if_command(
    pipeline: Pipe = None,
    profile: Profile = "embedded",
    store: StoreUrl = "store",
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="STAGE.RULE=VALUE", help="May be repeated.")
    ] = None,
    sweep: Annotated[
        str | None,
        typer.Option(metavar="STAGE.RULE=FIRST:LAST:STEP", help="How many are accepted with each of these bounds."),
    ] = None,
    split: Split = None,
    overrides: Overrides = None,
    listed: Annotated[bool, typer.Option("--list", help="Name each input that would move, with its margin.")] = False,
    as_json: AsJson = False,
) -> None:
    """Which inputs would change their state under other rules or words. Runs no model."""
    opened = open_store(store)
    name = pipeline or profile

    def project(given: list[str] | None, is_said: bool = True) -> Project:
        return project_of(name, opened, given, split, overrides if is_said else None)

    if sweep is not None:
        rows = whatif.sweep(sweep, lambda setting: project([*(settings or ()), setting]))
        say_json(rows) if as_json else answers.print_sweep(rows)
        return
    after = project(settings)
    differ = changes(name, after.pipeline, opened, flags_of(settings, split), after.words)
    if settings or overrides is not None:
        before = project(None, is_said=bool(settings))
    elif differ is not None and differ.settings:
        # the file itself was edited: it is held against what the latest version was built with
        before = Project(Pipeline.model_validate(differ.last.pipeline), opened, after.words)
    else:
        raise typer.BadParameter(
            "says nothing else than now: give --set, --sweep, --overrides, or another file than the latest version's"
        )
    moves = whatif.moves(before, after)
    if as_json:
        say_json(answers.moves_as_json(moves) | _as_json(differ))
    else:
        _tell(differ)
        answers.print_moves(moves, listed)


def _pipeline_and_clip(names: list[str]) -> tuple[str | None, str]:
    """In either order: one of two names is a pipeline's, and the other no YAML file and no shipped pipeline."""
    if len(names) == 1:
        return None, names[0]
    pipelines = [name for name in names if name in shipped.shipped() or name.endswith(_YAML)]
    if len(names) != 2 or len(pipelines) != 1:
        raise WrongUsage(f"explain takes a pipeline and one clip, not {' '.join(names)}")
    return pipelines[0], next(name for name in names if name != pipelines[0])


def _as_json(differ: Changes | None) -> dict[str, list[str]]:
    return {"differs": differ.lines if differ is not None else []}


def _tell(differ: Changes | None) -> None:
    if differ is not None:
        for line in differ.told():
            say(line)
