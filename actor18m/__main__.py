"""`python -m actor18m`: the commands, where a checkout is not installed."""

from actor18m.cli import app

app(prog_name="actor18m")
