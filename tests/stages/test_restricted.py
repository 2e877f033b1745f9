"""Embeddings of faces are in the restricted part of the store, and nowhere else."""

from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copy

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from actor18m.cli.app import app
from actor18m.samples.shipped import SHIPPED
from actor18m.stage import TEMPLATE

PIPELINE = """\
name: restricted
profile: embedded
stages:
  - stage: stages.intake:Intake
  - stage: stages.identity:Identity
    roles: {faces: centerface, identity: dlib-face, depiction: efficientnet}
identities: {stage: identity, within: 0.36}
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, pulled: Callable[..., None]) -> Path:
    """A folder with a store and a dataset of a clip with a face and one without."""
    pulled("centerface", "dlib-face", "efficientnet")
    here = tmp_path_factory.mktemp("restricted")
    (here / "in").mkdir()
    for name in ("talk_yaw_1", "nobody_1"):
        copy(SHIPPED / f"{name}.mp4", here / "in")
    (here / "pipeline.yaml").write_text(PIPELINE)
    where = ["--input", here / "in", "--store", here / "store", "--dataset", here / "dataset"]
    ran = CliRunner().invoke(app, ["build", str(here / "pipeline.yaml"), *map(str, where)])
    assert ran.exit_code == 0, ran.output
    return here


def contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file as it is, and what is in the columns of a Parquet file."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.name, path.read_bytes()
            if path.suffix == ".parquet":
                for column in pq.read_table(path).columns:
                    for chunk in column.chunks:
                        yield path.name, b"".join(buffer.to_pybytes() for buffer in chunk.buffers() if buffer)


def embeddings(store: Path) -> list[bytes]:
    found = []
    for path in (store / "restricted" / "identity").rglob("*.parquet"):
        rows = pq.read_table(path).to_pylist()
        found += [row["content"] for row in rows]
        assert {row["name"] for row in rows} == {"embeddings", TEMPLATE}
    return found


def test_a_clip_with_a_face_has_embeddings_and_a_template(built: Path) -> None:
    template, faces = sorted((np.frombuffer(each, "<f4") for each in embeddings(built / "store")), key=len)
    faces = faces.reshape(-1, 128)
    assert len(faces) == 5, "one a second"
    assert template.shape == (128,)
    assert np.linalg.norm(faces - template, axis=1).min() < 0.3


def test_no_part_of_them_is_elsewhere(built: Path) -> None:
    parts = [each[at : at + 16] for each in embeddings(built / "store") for at in range(0, len(each) - 16, 256)]
    assert len(parts) > 5
    assert any(part in content for _, content in contents(built / "store" / "restricted") for part in parts)
    elsewhere = [folder for folder in (built / "store").iterdir() if folder.name != "restricted" and folder.is_dir()]
    for folder in [built / "dataset", *elsewhere]:
        for name, content in contents(folder):
            assert not any(part in content for part in parts), f"{folder.name}/{name}"
