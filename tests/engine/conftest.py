import sys
from pathlib import Path

import pytest

from tests.engine.killing import Project, undisturbed
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
