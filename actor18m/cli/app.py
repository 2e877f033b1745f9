"""The commands. They parse, call and print; what they do is in the modules they call."""

from typing import Annotated

import typer
from rich.text import Text

from actor18m import __version__, unexpected
from actor18m.cli.commands import Commands
from actor18m.errors import ActorError, WrongUsage
from actor18m.log import guard
from actor18m.stopping import INTERRUPTED
from actor18m.terminal.say import clean, console, say


class CommandLine(Commands):
    """An ActorError ends any command with one red paragraph and exit code 1; a wrong call ends with 2, as is usual,
    also where only the pipeline or the dataset can tell that it is wrong."""

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            say("Stopped.", err=True)
            raise typer.Exit(INTERRUPTED) from None
        except ActorError as error:
            console(err=True).print(Text(clean(str(error)), "red"), highlight=False, soft_wrap=True)
            raise typer.Exit(2 if isinstance(error, WrongUsage) else 1) from error
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except Exception as error:
            # What has an exit code is a wrong call, which Typer tells itself.
            if hasattr(error, "exit_code") or unexpected.wants_traceback():
                raise
            console(err=True).print(Text(clean(unexpected.told(error)), "red"), highlight=False, soft_wrap=True)
            raise typer.Exit(1) from None


app = typer.Typer(cls=CommandLine, no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)


def _print_version(asked: bool) -> None:
    if asked:
        say(__version__)
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Build identity-consistent, multi-view reference datasets from raw human videos."""
    guard()
