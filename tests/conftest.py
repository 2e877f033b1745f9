"""Where tests find what the repository does not hold."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def footage() -> Path:
    """Folder of real videos, with a CATALOG.tsv."""
    return _folder("ACTOR18M_FOOTAGE", "real footage")


@pytest.fixture(scope="session")
def weights() -> Path:
    """Folder of model weights that no package carries, with a CATALOG.tsv."""
    return _folder("ACTOR18M_WEIGHTS", "model weights")


def _folder(variable: str, what: str) -> Path:
    value = os.environ.get(variable)
    if not value:
        pytest.skip(f"{variable} does not name a folder of {what}")
    if not Path(value).is_dir():
        pytest.fail(f"{variable} names {value}, which is not a folder")
    return Path(value)
