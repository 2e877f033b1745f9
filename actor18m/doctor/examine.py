"""All looks, one after the other."""

from functools import partial
from pathlib import Path

from actor18m.doctor import machine, models, places
from actor18m.doctor.check import Check, Look, carried_out


def examine(store: str | None = None, dataset: str | None = None, pipeline: Path | None = None) -> list[Check]:
    """What a build with these would meet; what is not named is not looked at, but for the weights of all models."""
    looks: list[tuple[str, Look]] = [
        ("python", machine.python),
        ("codecs", machine.codecs),
        ("opencv", machine.opencv),
        ("ray", machine.ray),
        ("gpus", machine.gpus),
        ("open files", machine.open_files),
        ("shared memory", machine.shared_memory),
        ("temporary files", machine.temp),
        ("pipeline", partial(models.pipeline, pipeline)) if pipeline else ("weights", models.all_models),
    ]
    if store is not None:
        looks.append(("store", partial(places.store, store)))
    if dataset is not None:
        looks.append(("dataset", partial(places.dataset, dataset)))
    return [check for name, look in looks for check in carried_out(name, look)]
