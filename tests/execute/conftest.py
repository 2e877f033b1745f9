from collections.abc import Iterator
from pathlib import Path

import pytest

from actor18m.storage.lease import Lease, hold
from actor18m.storage.store import make_store


@pytest.fixture
def lease(tmp_path: Path) -> Iterator[Lease]:
    """On disk: other processes write there too."""
    with hold(make_store(tmp_path / "store")) as held:
        yield held
