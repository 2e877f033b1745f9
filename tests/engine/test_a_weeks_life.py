"""A week with one store, as a user would live it: every step by command, and nothing that was said is forgotten."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.engine.films import film
from tests.engine.site import Site, films
from tests.engine.steady import PIPELINE

pytestmark = pytest.mark.slow
GOOD, MIDDLING = (0.6, 1.0), (0.4, 0.6)
REFUSED = 3
OWN = """\
from pyarrow import int32
from actor18m.stage import Row, Stage, schema
from tests.engine.steady import Read


class Own(Stage):
    version = 1
    needs = {Read: ("text",)}
    writes = schema("own", letters=int32())

    def measure(self, clips):
        for clip in clips:
            yield Row(clip.key, {"letters": lenght(clip.upstream["read"]["text"])})
"""


@dataclass(frozen=True)
class Week:
    """Commands in a folder, each in a process of its own."""

    site: Site

    def say(self, command: str, *, code: int = 0, tracebacks: int = 0) -> str:
        """What the command printed."""
        root = self.site.root
        ran = subprocess.run(
            [sys.executable, "-m", "actor18m", *command.split()],
            cwd=root,
            env={"PYTHONPATH": f"{Path(__file__).parents[2]}", "PATH": "", "HOME": str(root), "COLUMNS": "80"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
        )
        told = ran.stdout + ran.stderr
        assert ran.returncode == code, f"{command}\n{told}"
        assert told.count("Traceback") == tracebacks, told
        return told

    def published(self) -> set[str]:
        """Names of the films that the latest version has."""
        rows = pq.read_table(self.site.dataset / "latest" / "metadata" / "clips").to_pylist()
        return {Path(uri).stem for row in rows if row["shard"] is not None for uri in row["uris"]}

    def table(self, name: str) -> list[dict[str, object]]:
        rows: list[dict[str, object]] = pq.read_table(self.site.dataset / "latest" / "metadata" / name).to_pylist()
        return rows


@pytest.fixture
def week(site: Site) -> Week:
    (site.root / "pipeline.yaml").write_text(PIPELINE)
    site.put(films("good", 6, *GOOD) | films("middling", 2, *MIDDLING))
    names = [f"good{n}" for n in range(6)] + ["middling0", "middling1"]
    lines = [f"videos/{name}.mp4,CC-BY-NC-4.0,signed" for name in names]
    (site.root / "list.csv").write_text("\n".join(["path,licence,consent", *lines]) + "\n")
    return Week(site)


def test_a_week(week: Week) -> None:
    site, say = week.site, week.say
    good = {f"good{n}" for n in range(6)}
    everyone = good | {"middling0", "middling1"}

    # Monday: the first build
    assert "(new; 1 shard made" in say("build pipeline.yaml --input list.csv")
    assert week.published() == everyone

    # Tuesday: somebody asks to be left out; the next builds need no flag for it, whatever else they are given
    say("deny videos/good0.mp4 --why withdrawn --who ann")
    say("build pipeline.yaml")
    assert week.published() == everyone - {"good0"}
    (site.videos / "another.mp4").write_bytes((site.videos / "good0.mp4").read_bytes())
    (site.videos / "good0.mp4").touch()
    say("build pipeline.yaml --input videos")
    assert week.published() == everyone - {"good0"}
    assert "withdrawn" in say("explain pipeline.yaml videos/another.mp4")

    # Wednesday: the contract of two films was another one
    shards = site.shards()
    (site.root / "contracts.csv").write_text(
        "path,licence,consent\nvideos/good1.mp4,CC-BY-4.0,signed\nvideos/good2.mp4,CC0,\nvideos/nobody.mp4,CC0,\n"
    )
    assert "2 inputs corrected, 1 row not registered" in say("relicense --input contracts.csv --why contract")
    say("build pipeline.yaml")
    assert site.shards() == shards
    licences = {Path(str(row["uri"])).stem: row["licence"] for row in week.table("inputs")}
    assert (licences["good1"], licences["good2"], licences["good3"]) == ("CC-BY-4.0", "CC0", "CC-BY-NC-4.0")
    told = say("diff 000002 latest")
    assert "1 clip, licence: CC-BY-NC-4.0 -> CC-BY-4.0" in told
    assert "given with another licence or consent than is registered" in say("build pipeline.yaml --input list.csv")

    # Thursday: one file was given by mistake
    say("remove videos/good5.mp4 --why mistake")
    say("build pipeline.yaml")
    assert week.published() == everyone - {"good0", "good5"}
    assert "3 rows and 0 files beside them, of 1 removed input" in say("gc --keep 1 --dry-run")
    assert "removed 3 rows" in say("gc --keep 1")
    assert "since they were removed" in say("build pipeline.yaml --input videos --sync")
    assert week.published() == everyone - {"good0", "good5"}
    assert "they add up" in say("status pipeline.yaml")

    # Friday: another threshold, tried by a flag, forgotten, and back by a word
    assert "look.score at_least: 0.4 -> 0.6" in say("build pipeline.yaml --set look.score=0.6")
    assert week.published() == good - {"good0", "good5"}
    refused = say("build pipeline.yaml", code=1)
    assert "was built with --set look.score=0.6" in refused
    assert "--yes" in refused
    assert "look.score at_least: 0.6 -> 0.4" in say("plan pipeline.yaml")
    say("build pipeline.yaml --yes")
    assert week.published() == everyone - {"good0", "good5"}
    assert "nothing was missing" in say("build pipeline.yaml")

    # Saturday: the old version as it is, as the input and as the pipeline of a new build
    before = site.published()
    say("build dataset/latest/pipeline.yaml --input dataset/latest/metadata/inputs/part-000000.parquet")
    assert week.published() == everyone - {"good0", "good5"}
    assert len(week.table("inputs")) == 9, "no second input of any file"
    assert {name: content for name, content in site.published().items() if name.startswith("videos/")} == {
        name: content for name, content in before.items() if name.startswith("videos/")
    }

    # also on Saturday: a bug in a stage of one's own, and a disk of which most is not there
    before = site.published()
    (site.root / "own.py").write_text(OWN)
    (site.root / "own.yaml").write_text(PIPELINE.replace("duplicates:", "  - stage: own:Own\nduplicates:"))
    assert "NameError: name 'lenght' is not defined" in say("build own.yaml", code=1, tracebacks=1)
    assert site.published() == before
    (site.root / "own.py").write_text(OWN.replace("lenght", "len"))
    assert "stages: read, look, deep -> read, look, deep, own" in say("build own.yaml")
    assert week.published() == everyone - {"good0", "good5"}
    say("build pipeline.yaml")
    (site.root / "short.csv").write_text("path\nvideos/good1.mp4\n")
    assert "--sync would supersede" in say("build pipeline.yaml --input short.csv --sync", code=REFUSED)
    assert week.published() == everyone - {"good0", "good5"}
    assert "they add up" in say("status pipeline.yaml")

    # Sunday: all of it is there to be read; what was denied comes back by a word alone, and so does what was removed
    said = say("words --all")
    assert [line.split()[1] for line in said.splitlines()] == ["deny", "relicense", "remove"]
    say("undo videos/good0.mp4 --who ann")
    say("undo videos/good5.mp4")
    say("build pipeline.yaml")
    assert week.published() == everyone | {"another"}
    (site.videos / "new.mp4").write_bytes(film(films("new", 1, *GOOD)["new0"]))
    say("build pipeline.yaml --input videos")
    assert week.published() == everyone | {"another", "new"}
    assert "they add up" in say("status pipeline.yaml")
