"""A checkout with small models, made once, and a model behind HTTP that is asked."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster.lent import lend
from tests.cluster.own_checkout import make_checkout
from tests.cluster.small_models import EMBEDDED, LIBRARIES, save_mirror, unpack_checkout
from tests.cluster.whole import CLIPS, Cluster, project, says
from tests.engine.chat_server import ChatServer
from tests.engine.killing import Project


@pytest.fixture(scope="session")
def mirror(pulled: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path | None]:
    """And CoTracker's checkout, where it can be had."""
    lend()
    for library in LIBRARIES:
        pytest.importorskip(library, reason=f"{library} is not installed (extra `cluster`)")
    pulled(*EMBEDDED, "centerface")
    place = tmp_path_factory.mktemp("mirror")
    checkout = unpack_checkout(tmp_path_factory.mktemp("cotracker"))
    return save_mirror(place, checkout), checkout


@pytest.fixture(scope="session")
def cluster(mirror: tuple[Path, Path | None], tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    place, checkout = mirror
    own = make_checkout(tmp_path_factory.mktemp("own"), place)
    for pipeline in ("cluster", "commercial"):
        own.pull(pipeline, place)
    return Cluster(own, checkout)


@pytest.fixture(scope="session")
def asked() -> Iterator[ChatServer]:
    """One for all builds: where it is stands in what they publish."""
    with ChatServer(says) as server:
        yield server


@pytest.fixture(scope="session")
def whole(cluster: Cluster, asked: ChatServer, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A build in one process that nobody disturbed."""
    built = project(tmp_path_factory.mktemp("whole"), cluster, asked, CLIPS)
    print(built.finish())
    return built
