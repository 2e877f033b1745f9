"""An environment of a stage's own: what may be said of it, who can make it, and what it is no part of."""

import sys
from dataclasses import replace

import pytest
from pydantic import ValidationError

from actor18m.config.environment import Environment
from actor18m.config.stage_config import Step
from actor18m.errors import ActorError
from actor18m.execute.crews import SerialCrew
from actor18m.execute.deaths import not_set_up
from actor18m.storage.lease import hold
from actor18m.storage.store import make_store
from actor18m.survey.code import code_of
from tests.execute.duties import duty


def step(**environment: object) -> Step:
    of = {"stage": "tests.execute.poison_stages:Poison", "run": {"environment": environment}}
    return Step.model_validate(of)


def test_it_is_what_ray_takes() -> None:
    told = step(pip=["six==1.16.0"], env_vars={"A": "1", "OMP_NUM_THREADS": "4"}).run.environment
    assert told.for_ray({"OMP_NUM_THREADS": "1", "PYTHONPATH": "/here"}) == {
        "env_vars": {"OMP_NUM_THREADS": "4", "PYTHONPATH": "/here", "A": "1"},
        "pip": ["six==1.16.0"],
    }
    assert Environment().for_ray({"A": "1"}) == {"env_vars": {"A": "1"}}
    no_secrets = {"TOKENIZERS_PARALLELISM": "0", "GOOGLE_APPLICATION_CREDENTIALS": "/keys/gcs.json"}
    assert step(env_vars=no_secrets).run.environment.for_ray({})["env_vars"] == no_secrets
    assert step(conda="depth").run.environment.for_ray({}) == {"env_vars": {}, "conda": "depth"}


@pytest.mark.parametrize(
    ("environment", "cause"),
    [
        ({"pip": ["a"], "conda": "b"}, "pip and conda exclude each other"),
        ({"conda": "gpuenv", "py_executable": "/opt/x/bin/python"}, "conda and py_executable exclude each other"),
        ({"pip": ["a"], "py_executable": "/opt/x/bin/python"}, "pip and py_executable exclude each other"),
        ({"pipp": ["a"]}, "unknown key pipp; did you mean pip"),
        ({"env_vars": {"A": {"b": 1}}}, "string"),
        ({"env_vars": {"AWS_SECRET_ACCESS_KEY": "a"}}, "AWS_SECRET_ACCESS_KEY .* set it on the machines"),
        ({"env_vars": {"HF_TOKEN": "a"}}, "HF_TOKEN"),
    ],
)
def test_what_ray_would_not_take_is_refused(environment: dict[str, object], cause: str) -> None:
    with pytest.raises(ValidationError, match=cause):
        step(**environment)


@pytest.mark.parametrize(
    ("environment", "missing"),
    [
        ({}, None),
        ({"py_executable": sys.executable}, None),
        ({"py_executable": f"{sys.executable} -X dev"}, None),
        ({"py_executable": "/nope/python -X dev"}, "/nope/python"),
        ({"py_executable": "/"}, "/"),
        ({"py_executable": "sh"}, None),
        ({"py_executable": "sh", "env_vars": {"PATH": "/nope"}}, "sh"),
        ({"py_executable": "sh", "env_vars": {"PATH": "/nope:${PATH}"}}, None),
        ({"py_executable": "$NO_SUCH_VARIABLE/bin/python"}, None),
    ],
)
def test_a_python_that_is_not_there_is_seen(environment: dict[str, object], missing: str | None) -> None:
    assert step(**environment).run.environment.missing_program() == missing


def test_who_cannot_be_set_up_is_told_with_its_own_environment() -> None:
    own = step(conda="nosuchenv").run.environment
    assert "(conda nosuchenv): see that `depth.run.environment` is right" in str(not_set_up("depth", "ended", own))
    assert "run.environment" not in str(not_set_up("depth", "ended", step(env_vars={"A": "1"}).run.environment))


def test_without_ray_nobody_makes_one() -> None:
    with hold(make_store("memory://environment")) as lease:
        given = replace(duty(lease), step=step(uv=["six"]))
        with pytest.raises(ActorError, match=r"poison: an environment of its own .* --executor ray"):
            SerialCrew().hire({"poison": given})


def test_a_build_notes_that_packages_were_edited_and_counts_no_variables() -> None:
    def told(**environment: object) -> str | None:
        return code_of(step(**environment)).get("the environment of stage tests.execute.poison_stages:Poison")

    assert told() is None
    assert told(pip=["six==1.16.0"]) != told(pip=["six==1.17.0"])
    assert told(pip=["six==1.16.0"]) == told(pip=["six==1.16.0"], env_vars={"A": "1"})
