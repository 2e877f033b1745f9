"""What is made and judged again of a real clip when something changes, and what is not: counted in the ledger.

One build of the embedded stages, with a judge that is asked over HTTP, and copies of its store that are built on.
"""

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from actor18m import build
from actor18m.arrays import Frame
from actor18m.models.backends import describe
from actor18m.models.centerface import CenterFace
from actor18m.models.roles import Face
from actor18m.samples.shipped import SHIPPED
from actor18m.stage import Failure, Image, Row
from stages.composites import Composites
from tests.engine.chat_server import ChatServer
from tests.stages.asked.painting import words

ROOT = Path(__file__).parents[2]
JUDGED = """
extends: embedded
name: remade
stages:
  - stage: stages.asked.judge:AskedJudge
    instead_of: stages.judge:Judge
    parameters: {{known_pairs: 0, {judge}}}
    roles: {{chat: {{backend: openai-chat, url: "{url}", model: m}}}}
{more}
publish: {{images: all}}
"""
MAKERS = ("crops", "view_images", "attribute_images", "sheet_images")
VICTIM = "face-attribute-02"

Names = set[tuple[str, str]]
"""Keys and input digests of rows."""


class Nudged(CenterFace):
    """Another detector: about every other face ends a little lower."""

    version = 1
    digest = describe("centerface")[1]

    def detect(self, frames: Sequence[Frame]) -> list[list[Face]]:
        return [[_nudged(face) for face in faces] for faces in super().detect(frames)]


def _nudged(face: Face) -> Face:
    x0, y0, x1, y1 = face.box
    more = 0.05 * (y1 - y0) if int(x0) % 2 else 0.0
    return Face((x0, y0, x1, y1 + more), face.score, face.points)


class Crashing(Composites):
    """Its library dies of one image."""

    version = 1

    def measure(self, images: Sequence[Image]) -> Iterable[Row | Failure]:
        for image in images:
            if image.key.endswith(VICTIM):
                os._exit(139)
            yield from super().measure([image])


@dataclass(frozen=True)
class Built:
    """A folder with a store, the clips, and who answers."""

    folder: Path
    clips: Path
    server: ChatServer

    def again(self, to: Path, judge: str = "", more: str = "") -> "Built":
        """Built on in a copy."""
        shutil.copytree(self.folder, to, symlinks=True)
        copied = Built(to, self.clips, self.server)
        copied.build(judge, more)
        return copied

    def write(self, judge: str = "", more: str = "") -> None:
        (self.folder / "p.yaml").write_text(JUDGED.format(url=self.server.url, judge=judge, more=more))

    def build(self, judge: str = "", more: str = "") -> None:
        self.write(judge, more)
        of = self.folder
        built = build(of / "p.yaml", inputs=[self.clips], store=of / "store", dataset=of / "dataset", yes=True)
        assert built.published is not None

    def rows(self, stage: str) -> Names:
        """All that the ledger has of it, of any fingerprint."""
        files = (self.folder / "store" / "ledger" / stage).glob("*/*.parquet")
        of_prints = ((file.parent.name, row) for file in files for row in pq.read_table(file).to_pylist())
        return {(of_print, f"{row['key']} {row['input_digest']}") for of_print, row in of_prints}

    def references(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = pq.read_table(self.folder / "dataset/latest/metadata/references").to_pylist()
        return found

    def measured_since(self, before: "Built") -> Counter[str]:
        """How many rows each stage wrote."""
        stages = [path.name for path in (self.folder / "store" / "ledger").iterdir()]
        return +Counter({stage: len(self.rows(stage) - before.rows(stage)) for stage in stages})


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory, embedded_models: None) -> Iterator[Built]:
    folder, clips = tmp_path_factory.mktemp("once"), tmp_path_factory.mktemp("clips")
    shutil.copy(SHIPPED / "expressions_2.mp4", clips)
    with ChatServer(lambda asked: words(observed_view="front")) as server:
        built = Built(folder, clips, server)
        built.build()
        yield built


@pytest.mark.slow
def test_another_prompt_judges_again_and_makes_nothing(once: Built, tmp_path: Path) -> None:
    asked = len(once.server.log)
    again = once.again(tmp_path / "again", judge="task: Compare them.")
    judged = len({row["key"] for row in again.references() if row["verdict"]})
    assert judged > 3
    assert again.measured_since(once) == {"judge": judged}
    assert len(once.server.log) - asked == judged


@pytest.mark.slow
def test_another_parameter_of_a_s_maker_makes_a_again_and_nothing_else(once: Built, tmp_path: Path) -> None:
    """As the scale of a LoRA would be."""
    more = "  - {stage: 'stages.harvest:Harvest', parameters: {webp_quality: 90}}"
    again = once.again(tmp_path / "again", more=more)
    of_a = [row for row in again.references() if row["maker"] == "view_images"]
    made = [row for row in of_a if row["sha256"]]
    assert len(made) > 1
    looks = dict.fromkeys(("annotate", "judge", "copies"), len(made))
    assert again.measured_since(once) == {"view_images": len(of_a), **looks}


@pytest.mark.slow
def test_another_detector_makes_again_what_is_made_from_other_pictures(once: Built, tmp_path: Path) -> None:
    faces = "  - {stage: 'stages.faces:Faces', roles: {faces: 'tests.building.test_remade:Nudged'}}"
    again = once.again(tmp_path / "again", more=faces)
    before = {row["key"]: row for row in once.references()}
    after = {row["key"]: row for row in again.references()}
    crops = {key for key, row in after.items() if row["maker"] == "crops"}
    same = {key for key in crops if key in before and before[key]["sha256"] == after[key]["sha256"]}
    assert same, "bodies are cut out as before"
    assert crops - same, "and some faces are not"
    for maker in MAKERS[1:]:
        new = {row.partition(" ")[0] for _, row in again.rows(maker) - once.rows(maker)}
        old = {key for key in after.keys() - new if after[key]["maker"] == maker}
        assert {after[key]["source_key"] for key in old} <= same
        assert not {
            key for key in new if after[key]["source_key"] in same and _asked(before, key) == _asked(after, key)
        }
    assert again.measured_since(once)["attribute_images"] < len(
        [row for row in after.values() if row["maker"] == "attribute_images"]
    )


@pytest.mark.slow
def test_an_image_that_crashes_its_maker_is_quarantined_alone(once: Built, tmp_path: Path) -> None:
    shutil.copytree(once.folder, tmp_path / "again", symlinks=True)
    again = Built(tmp_path / "again", once.clips, once.server)
    again.write(more="  - {stage: 'tests.building.test_remade:Crashing', instead_of: 'stages.composites:Composites',\n"
                "     roles: {encoder: efficientnet, second: selfie-segmenter}}")  # fmt: skip
    command = [sys.executable, "-m", "actor18m", "build", "p.yaml", "--store", "store", "--dataset", "dataset", "--yes"]
    codes: list[int] = []
    while not codes or (codes[-1] == 139 and len(codes) < 4):
        done = subprocess.run(command, cwd=again.folder, env={**os.environ, "PYTHONPATH": str(ROOT)})
        codes.append(done.returncode)
    assert codes == [139, 0], "it killed one build; the next one met it in a process of its own"
    states = {row["key"].partition("-")[2]: row["state"] for row in again.references() if row["maker"] != "crops"}
    assert [name for name, state in states.items() if state == "quarantined"] == [VICTIM]
    others = {row["key"].partition("-")[2]: row["state"] for row in once.references() if row["maker"] != "crops"}
    assert {**states, VICTIM: ""} == {**others, VICTIM: ""}
    made = again.measured_since(once)
    assert made.keys() <= {"attribute_images", "annotate", "judge", "copies"}


def _asked(rows: dict[str, dict[str, Any]], key: str) -> object:
    """What was wanted of an image."""
    wanted = ("view", "source_image", "environment", "lighting", "viewpoint", "yaw_deg")
    return {name: rows[key].get(name) for name in wanted} if key in rows else None
