"""Reading a dataset: its versions, their tables, and one sample by its key, wherever they lie."""

from actor18m.dataset.manifest import Manifest
from actor18m.dataset.root import Dataset, DatasetError
from actor18m.dataset.version import Version

__all__ = ["Dataset", "DatasetError", "Manifest", "Version"]
