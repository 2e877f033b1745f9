import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from actor18m.storage import remote
from tests.engine.faulty import Faulty, faulty
from tests.engine.killing import Project, undisturbed
from tests.engine.s3 import environment, s3_server
from tests.engine.site import Site
from tests.engine.steady import CALLS


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """An empty one, whose calls of models are counted."""
    (tmp_path / "calls").mkdir()
    monkeypatch.setenv(CALLS, str(tmp_path / "calls"))
    monkeypatch.setattr(sys, "path", sys.path[:])  # commands put a pipeline's folder there
    return Site(tmp_path)


@pytest.fixture(scope="session")
def few(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Two lots."""
    return undisturbed(tmp_path_factory.mktemp("few"), 270)


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Three lots."""
    return undisturbed(tmp_path_factory.mktemp("many"), 600)


@pytest.fixture(scope="module")
def behind() -> Iterator[int]:
    """The port of a server of S3."""
    with s3_server() as port:
        yield port


@pytest.fixture
def proxy(behind: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Faulty]:
    """Before that server, for this process and those that it starts."""
    s3fs = pytest.importorskip("s3fs", reason="s3fs is not installed")
    monkeypatch.setattr(remote, "_gave_up", {})
    with faulty(behind) as made:
        for name, value in environment(made.port).items():
            monkeypatch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()
        yield made
