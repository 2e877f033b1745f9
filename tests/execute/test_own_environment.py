"""Two stages of one build need two versions of a package: each has an environment of its own."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from actor18m.execute.ray_actors import RayWorkers
from actor18m.storage.lease import Lease
from tests.execute.duties import task
from tests.execute.test_ray_cluster import tells, told

PACKAGE, VERSIONS = "six", ("1.15.0", "1.16.0")
NEEDED_BYTES = 10 << 30


@pytest.fixture
def _registry(tmp_path: Path) -> None:
    """The one that pip is configured to ask has both."""
    for version in VERSIONS:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(tmp_path / "wheels")]
        asked = [*command, "--timeout", "15", "--retries", "0", f"{PACKAGE}=={version}"]
        if (done := subprocess.run(asked, capture_output=True, text=True, check=False)).returncode:
            pytest.skip(f"pip has no registry in reach that has {PACKAGE} {version}: {done.stderr.strip()[-200:]}")


@pytest.fixture
def _room(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """For a copy of this environment for each of them, which Ray would leave behind."""
    folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")  # a socket's path below it may be 107 bytes long
    if shutil.disk_usage(folder).free < NEEDED_BYTES:
        pytest.skip(f"there is no room for two copies of this environment in {folder}")
    monkeypatch.setenv("RAY_TMPDIR", folder)
    yield
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
@pytest.mark.usefixtures("_registry", "_room")
def test_two_versions_of_a_package_in_one_build(lease: Lease) -> None:
    stages = {
        f"with_{version[2:4]}": tells(
            lease,
            f"with_{version[2:4]}",
            package=PACKAGE,
            environment={"pip": [f"{PACKAGE}=={version}"], "env_vars": {"TOLD": version}},
        )
        for version in VERSIONS
    }
    plain = tells(lease, "plain", package=PACKAGE)
    workers = RayWorkers({**stages, "plain": plain}, workers=1)
    try:
        for (stage, given), version in zip(stages.items(), VERSIONS, strict=True):
            (row,) = told(workers, given, [task("a", stage=stage)])
            assert (row["package"], row["variable"]) == (version, version)
        (row,) = told(workers, plain, [task("a", stage="plain")])
        assert row["variable"] == ""
    finally:
        workers.close()
