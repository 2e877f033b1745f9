"""Where tests find what the repository does not hold."""

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from actor18m.errors import ActorError
from actor18m.models.lock import read_lock
from actor18m.models.weights import pull
from actor18m.storage.lease import Lease, hold
from actor18m.storage.store import Store, make_store

os.environ.setdefault("RAY_worker_niceness", "0")
"""Ray's workers give way to every other process: on a busy machine, tests would wait for them until they time out."""


@pytest.fixture(params=["file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store, on disk and as objects."""
    return make_store(tmp_path / "store" if request.param == "file" else f"memory://{uuid.uuid4().hex}")


@pytest.fixture
def lease(store: Store) -> Iterator[Lease]:
    with hold(store) as held:
        yield held


@pytest.fixture(scope="session")
def footage() -> Path:
    """Folder of real videos, with a CATALOG.tsv."""
    return _folder("ACTOR18M_FOOTAGE", "real footage")


@pytest.fixture(scope="session")
def weights() -> Path:
    """Folder of model weights that no package carries, with a CATALOG.tsv."""
    return _folder("ACTOR18M_WEIGHTS", "model weights")


@pytest.fixture(scope="session")
def pulled() -> Callable[..., None]:
    """Have the weights of models in place."""

    def have(*models: str) -> None:
        for model in models:
            try:
                pull([model])
            except ActorError as error:
                pytest.skip(f"weights of {model} cannot be had here: {error}")

    return have


@pytest.fixture(scope="session")
def embedded_models(pulled: Callable[..., None]) -> None:
    """The weights of all models of the profile are in place."""
    pulled(*read_lock().named(profile="embedded"))


def _folder(variable: str, what: str) -> Path:
    value = os.environ.get(variable)
    if not value:
        pytest.skip(f"{variable} does not name a folder of {what}")
    if not Path(value).is_dir():
        pytest.fail(f"{variable} names {value}, which is not a folder")
    return Path(value)
