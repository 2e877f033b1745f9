"""Which commands there are, and what each is for: the module of one that is called is imported, and no other one."""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from actor18m.stopping import loading

BY_MODULE = {
    "samples": {
        "samples": "Short clips of digital actors whose truth is known.",
    },
    "models": {
        "models": "Model weights: list, fetch and check them.",
    },
    "build": {
        "build": (
            "Register inputs, measure what is missing, and publish a version of the dataset. Run it again to go on."
        ),
    },
    "questions": {
        "plan": "What a build would measure, and why: of what is registered, and of inputs that are not.",
        "status": "Where every input stands, now: also of a store that is being built.",
        "explain": "The whole story of a clip: values, rules, verdicts, errors, and where it is published.",
        "what-if": "Which inputs would change their state under other rules or words. Runs no model.",
    },
    "calibrate": {
        "calibrate": (
            "Choose a judge's bound by what it answered about pairs that are known to differ, and draw the curve. Runs "
            "no model."
        ),
    },
    "words": {
        "deny": "Leave clips or single images out of the dataset, from the next build on and for ever.",
        "allow": "Take clips whatever the rules say of them, from the next build on and for ever.",
        "undo": "Take back what was denied, allowed or removed. What was said stays to be seen.",
        "remove": (
            "Take out inputs that were given by mistake, with the clips that they were split into. `gc` takes their "
            "bytes."
        ),
        "relicense": (
            "Correct licence or consent of inputs that are registered: what the list says counts from the next build "
            "on."
        ),
        "words": "What people said of clips, images and inputs: who, why, when.",
    },
    "dataset": {
        "diff": "What changed between two versions of the dataset.",
        "versions": "List the versions of the dataset: when they were made, what is in them, and what they are called.",
        "tag": "Call a version by a name: `dataset/NAME` leads to it, commands take it, and `gc` keeps it.",
        "restore": (
            "Make an older version the latest again, as a new one that shares its files. The next build goes its own "
            "way."
        ),
        "runs": (
            "List the builds of a store: when they ran, how they ended, what they were asked, and what they came to "
            "and took."
        ),
        "sheet": (
            "Draw contact sheets: clips with what became of them, references with what was measured of each, and "
            "subsets beside what they are made from."
        ),
        "gc": (
            "Remove old versions of the dataset, files of the store that a newer file covers, and what was measured "
            "of inputs that were removed. No other row is lost."
        ),
    },
    "pipeline": {
        "init": "Write a commented pipeline to start from: small real models that run on a CPU.",
        "validate": (
            "Check a pipeline, and name everything that is wrong with it. It imports the stages that the pipeline "
            "names: a pipeline is code, so check only those that you would run."
        ),
        "render": "Print a pipeline with everything filled in, as a dataset built with it carries it.",
    },
    "doctor": {
        "doctor": "Check this machine before a build, and say what to mend; exit code 1 if a build could not run.",
    },
    "preflight": {
        "preflight": (
            "Measure memory and speed of a pipeline's models and stages on this machine, over sample clips, and plan "
            "how many workers each stage should have."
        ),
    },
    "try_stage": {
        "try": "Run a stage on one video in this process, and print its row and those before; or the traceback.",
    },
    "verify": {
        "verify": "Read every file, and tell which are damaged, missing, or not theirs. Exit code 1 if there are any.",
    },
}
"""Module -> command -> the beginning of what its `--help` says."""


class Commands(TyperGroup):
    """Tells of all commands without importing any."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        told = {name: line for commands in BY_MODULE.values() for name, line in commands.items()}
        self.commands = {name: TyperCommand(name, help=line) for name, line in told.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        return name, command and loaded(command.name), rest


def loaded(name: str | None) -> TyperCommand | TyperGroup:
    """The command itself."""
    module = next(module for module, commands in BY_MODULE.items() if name in commands)
    with loading():
        found: typer.Typer = import_module(f"{__package__}.{module}").app
    alone = typer.Typer(pretty_exceptions_show_locals=False)
    alone.add_typer(found)
    command = get_group(alone).commands[name or ""]
    assert isinstance(command, TyperCommand | TyperGroup)
    return command
