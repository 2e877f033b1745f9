"""Which target a URL or a path asks for: a folder or an object store."""

from pathlib import Path

from actor18m.dataset.root import Dataset
from actor18m.publish.on_disk import OnDisk
from actor18m.publish.on_objects import OnObjects
from actor18m.publish.target import Target
from actor18m.storage.disk import Disk


def target_of(dataset: str | Path | Dataset) -> Target:
    found = dataset if isinstance(dataset, Dataset) else Dataset.at(dataset)
    return OnDisk(found.place.root) if isinstance(found.place, Disk) else OnObjects(found)
