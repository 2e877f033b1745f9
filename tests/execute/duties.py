"""Duties and tasks of the poison stage, as a driver would hand them out."""

import itertools
from dataclasses import replace
from typing import Any

from actor18m.config.stage_config import Run, Step
from actor18m.execute.messages import Duty, Task, Todo
from actor18m.ledger.index import Values
from actor18m.ledger.ledger import Ledger
from actor18m.storage.lease import Lease
from tests.execute.poison_stages import PoisonParameters, nothing_kept

_numbers = itertools.count()


def duty(lease: Lease, ready: str = "", stage: str = "poison", **run: Any) -> Duty:
    step = Step(stage="tests.execute.poison_stages:Poison", parameters=PoisonParameters(ready=ready), run=Run(**run))
    return Duty(stage, step, Ledger(lease.store, stage, "f1"), {}, {}, Values("none", (), nothing_kept), lease)


def edits(lease: Lease, stage: str, model: object = "tests.execute.sharing_models:Large", **run: object) -> Duty:
    """Of a stage that has a model on a GPU."""
    given = duty(lease, stage=stage)
    roles = {"editor": model, "beside": "tests.execute.sharing_models:Beside"}
    of = {"stage": "tests.execute.sharing_models:Edits", "roles": roles, "run": {"gpus": 1, **run}}
    return replace(given, step=Step.model_validate(of))


def task(*names: str, stage: str = "poison") -> Task:
    number = next(_numbers)
    todos = [Todo(f"{number:010x}{at:010x}", "d", f"/clips/{name}.mp4") for at, name in enumerate(names)]
    return Task(number, stage, 0, tuple(todos), {})


def committed(duty: Duty) -> set[str]:
    """Keys of rows in the ledger."""
    return {key for _, rows in duty.ledger.read() for key in rows["key"].to_pylist()}
