"""Nothing is downloaded at run time: every backend of the shipped pipelines is set up where there is no network."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from actor18m.config.pipeline import load_pipeline
from actor18m.config.shipped import shipped
from actor18m.models.lock import read_lock
from actor18m.survey.chain import chain_of

ROOT = Path(__file__).parents[2]
NO_NETWORK = ["unshare", "--net"]
LOADING = """
import socket, sys
try:
    socket.create_connection(("192.0.2.1", 80), timeout=2)
    sys.exit("there is a network")
except OSError as error:
    assert error.errno == 101, error  # network is unreachable: not a server that does not answer
from actor18m.models.backends import load
for name in sys.argv[1:]:
    load(name)
    print("loaded", name)
"""


def backends() -> set[str]:
    steps = [step for path in shipped().values() for step in load_pipeline(path).stages]
    return {backend.name for step in steps for backend in step.roles.values()}


def test_every_backend_is_loaded_without_a_network(pulled: Callable[..., None]) -> None:
    if subprocess.run([*NO_NETWORK, "true"], capture_output=True, check=False).returncode:
        pytest.skip("a process cannot be cut off from the network here: that takes root")
    wanted = sorted(backends())
    for name in wanted:
        if name in read_lock().models:
            pulled(name)
    ran = subprocess.run(
        [*NO_NETWORK, sys.executable, "-c", LOADING, *wanted], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert [line.removeprefix("loaded ") for line in ran.stdout.splitlines()] == wanted


def test_the_digest_of_every_weights_file_is_in_a_fingerprint() -> None:
    """Of the stages that use it: other weights make other rows."""
    for link in chain_of(load_pipeline(shipped()["embedded"])).links:
        for role, (name, _) in link.backends.items():
            before = link.stage_class.fingerprint(link.step.parameters, link.backends)
            other = link.stage_class.fingerprint(link.step.parameters, link.backends | {role: (name, "other weights")})
            assert before == link.fingerprint != other
