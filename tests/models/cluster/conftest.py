"""Backends of the cluster's models with their real libraries and architectures, small and with random weights.

A small model is saved as its authors save theirs, pulled from there as from a mirror, and loaded as a stage would.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actor18m.arrays import Frame
from actor18m.media.video import frames_at
from actor18m.models.snapshots import pull_snapshot
from actor18m.samples.shipped import SHIPPED
from tests.models.torchvision_kernels import stand_in


def pytest_configure() -> None:
    stand_in()


@pytest.fixture(scope="session")
def needs() -> Callable[[str], Any]:
    """A library, or the test is skipped and says what is missing."""
    return lambda module: pytest.importorskip(module, reason=f"{module} is not installed (extra `cluster`)")


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Callable[[Path], None]], None]:
    """Saves a small model as a snapshot of the lock's, which is pulled from there: then its backend can be loaded."""
    monkeypatch.setenv("ACTOR18M_MODELS", str(tmp_path / "models"))

    def pulled(name: str, save: Callable[[Path], None]) -> None:
        place = tmp_path / "mirror" / name
        place.mkdir(parents=True)
        save(place)
        pull_snapshot(name, mirror=tmp_path / "mirror")

    return pulled


@pytest.fixture(scope="session")
def pictures() -> list[Frame]:
    """Frames of two sizes, with a person in each."""
    return [
        frame
        for name in ("talk_yaw_1", "low_resolution_1")
        for frame in frames_at(str(SHIPPED / f"{name}.mp4"), (0.0, 1.0))
    ]
