"""The shipped pipelines for clusters over small models: where a test's build finds the model that is asked and a user's
checkout, and what of the rules does not hold where models are random.
"""

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pyarrow.parquet as pq

from actor18m.samples.shipped import SHIPPED
from tests.cluster.own_checkout import OwnCheckout
from tests.engine.chat_server import Asked, ChatServer
from tests.engine.killing import Project
from tests.stages.asked.painting import words
from tests.stages.asked.test_captions import described

PIPELINE = """\
extends: {base}
name: whole
stages:
{points}
  # faces have any parts, and bodies face anywhere: so that there are faces, and clips that show all three views
  - {{stage: "stages.pose:Pose", parameters: {{median_of: 0}}}}
  - {{stage: "stages.select:Select", parameters: {{anchor_within_deg: 45, min_face_visibility: 0}}}}
  - {{stage: "stages.views:Views", parameters: {{min_face_visibility: 0}}}}
  - {{stage: "stages.asked.captions:AskedCaptions", roles: {{chat: {{url: "{url}"}}}}}}
  - {{stage: "stages.asked.judge:AskedJudge", roles: {{chat: {{url: "{url}"}}}}, parameters: {{known_pairs: 0.3}}}}
  - {{stage: "stages.edited.views:EditedViews", parameters: {{side_px: 64}}}}
  - {{stage: "stages.edited.attributes:EditedAttributes", parameters: {{side_px: 64}}}}
  - {{stage: "stages.edited.sheets:EditedSheets", parameters: {{height_px: 64, width_px: 96, max_px: 128}}}}
policy:
  # what a random model paints is like nobody: at this bound some attempts pass and some do not
  attribute_images: {{same_person: {{value: person_similarity, at_least: {alike}}}}}
  # and a sheet of it shows nobody whole, nor from any side
  sheet_images: null
  annotate: null
"""
CLIPS = ("expressions_1", "near_duplicate_2", "talk_yaw_1", "from_behind_1")
"""Two who are accepted, one that repeats the second, and one without a face."""


@dataclass(frozen=True)
class Cluster:
    """What a user has before the first build."""

    own: OwnCheckout
    cotracker: Path | None


def project(root: Path, cluster: Cluster, asked: ChatServer, clips: Sequence[str], base: str = "cluster") -> Project:
    """Nothing of it is built yet."""
    (root / "whole.yaml").write_text(pipeline(base, asked.url, cluster.cotracker))
    return Project(
        root / "built",
        put_clips(root / "in", clips),
        root / "whole.yaml",
        patience_s=3600,
        checkout=cluster.own.folder,
        environment=cluster.own.environment,
    )


def pipeline(base: str, url: str, checkout: Path | None, alike: float = 0.3) -> str:
    """Points are followed by CoTracker where its code is there and its licence allows it."""
    told = "lucas-kanade" if checkout is None else f'{{backend: cotracker3, checkout: "{checkout}"}}'
    points = f'  - {{stage: "stages.motion:Motion", roles: {{points: {told}}}}}'
    return PIPELINE.format(base=base, url=url, points="" if base == "commercial" else points, alike=alike)


def put_clips(folder: Path, names: Sequence[str], frames: int = 48) -> Path:
    """A list of the first two seconds of each, and of what is no video."""
    folder.mkdir()
    for name in names:
        shutil.copy(SHIPPED / f"{name}.mp4", folder)
    (folder / "broken.mp4").write_bytes(b"no video at all")
    rows = [f"{name}.mp4,0,{frames}" for name in (*names, "broken")]
    (folder / "clips.csv").write_text("\n".join(["path,cut_start,cut_end", *rows]) + "\n")
    return folder / "clips.csv"


def says(asked: Asked) -> object:
    """Always the same of the same pictures; of some made ones that they are somebody else's."""
    mark = sha256(b"".join(asked.pictures)).hexdigest()
    if asked.body["response_format"]["json_schema"]["name"] == "Described":
        return described(caption=f"Somebody is seen: {mark[:16]}.")
    if int(mark, 16) % 8 == 0:
        return words(face="inconsistent", verdict="inconsistent", observed_view="front", reason=f"Another: {mark[:8]}.")
    return words(observed_view="front", reason=f"The same: {mark[:8]}.")


def images(latest: Path) -> Counter[tuple[str, str]]:
    """How many of each subset are in each state."""
    table = pq.read_table(latest / "metadata" / "references", columns=["subset", "state"])
    return Counter(zip(*(table[name].to_pylist() for name in ("subset", "state")), strict=True))


def differing(one: Mapping[str, bytes], other: Mapping[str, bytes]) -> int:
    """Bytes of files that both have, and those of files that only one has."""
    count = 0
    for name in one.keys() | other.keys():
        a, b = one.get(name, b""), other.get(name, b"")
        count += abs(len(a) - len(b)) + sum(x != y for x, y in zip(a, b, strict=False))
    return count
