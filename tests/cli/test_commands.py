from importlib import import_module
from inspect import cleandoc
from pathlib import Path

import pytest

from actor18m.cli.commands import BY_MODULE, loaded

NAMES = [name for commands in BY_MODULE.values() for name in commands]
FOLDER = Path(__file__).parents[2] / "actor18m" / "cli"


@pytest.mark.parametrize("name", NAMES)
def test_the_list_of_commands_says_what_the_command_s_own_help_begins_with(name: str) -> None:
    said = next(commands[name] for commands in BY_MODULE.values() if name in commands)
    assert said == cleandoc(loaded(name).help or "").partition("\n\n")[0].replace("\n", " ")


def test_no_command_is_left_out() -> None:
    assert BY_MODULE.keys() == {path.stem for path in FOLDER.glob("*.py") if "\n@app.command(" in path.read_text()}
    for module, commands in BY_MODULE.items():
        app = import_module(f"actor18m.cli.{module}").app
        own = [command.name for command in app.registered_commands]
        assert list(commands) == ([app.info.name] if isinstance(app.info.name, str) else own)
