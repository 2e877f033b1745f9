"""What is told of images adds up, and is the same, wherever it is told: status, a build's end, the tables, the card."""

import json
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from actor18m import build
from actor18m.cli.app import app
from actor18m.samples.shipped import SHIPPED

PIPELINE = """
extends: embedded
name: fragile
stages:
  - stage: fragile:Fragile
    instead_of: stages.attributes:Attributes
    parameters: {draws: [environment, lighting], only_painted: true}
policy:
  judge:
    sure: {value: confidence, at_least: 0.9}
"""
FRAGILE = '''
from stages.attributes import Attributes


class Fragile(Attributes):
    """Raises for one film."""

    def measure(self, clips):
        for clip in clips:
            if "talk_yaw" in clip.uri:
                raise ValueError("nothing is drawn for this one")
            yield from super().measure([clip])
'''
WHY = "failed in attributes: ValueError"


def table(folder: Path, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(folder / "dataset" / "latest" / "metadata" / name).to_pylist()
    return rows


def tables_of_card(section: str) -> dict[str, dict[str, int]]:
    """By the heading of its first column, the counts of each table."""
    found: dict[str, dict[str, int]] = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if len(cells) == 2 and not cells[1].isdecimal() and set(cells[1]) != {"-"}:
            counts = found.setdefault(cells[0], {})
        elif len(cells) == 2 and cells[1].isdecimal():
            counts[cells[0]] = int(cells[1])
    return found


@pytest.mark.slow
@pytest.mark.usefixtures("embedded_models")
def test_what_is_told_of_images_adds_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clips").mkdir()
    for name in ("talk_yaw_1", "turn_standing_1", "two_people_1"):
        shutil.copy(SHIPPED / f"{name}.mp4", tmp_path / "clips")
    (tmp_path / "fragile.py").write_text(FRAGILE)
    (tmp_path / "fragile.yaml").write_text(PIPELINE)
    monkeypatch.syspath_prepend(tmp_path)
    built = build("fragile.yaml", inputs=["clips"])
    assert built.states == {"accepted": 2, "rejected": 1}

    status = json.loads(CliRunner().invoke(app, ["status", "fragile.yaml", "--json"]).stdout)
    assert status["adds_up"]
    rows, clips = table(tmp_path, "references"), table(tmp_path, "clips")
    card = (tmp_path / "dataset" / "latest" / "README.md").read_text()
    states_of_all = set[str]()
    for subset, told in status["images"].items():
        states = told["states"]
        states_of_all |= {*states}
        # asked for = kept + rejected + failed + quarantined + unavailable + pending, each of the others with a reason
        assert told["requested"] == sum(states.values()) == states.get("kept", 0) + sum(told["reasons"].values())
        assert sum(told["stopped"].values()) == sum(told["why_stopped"].values())
        assert built.subsets[subset].told() == told
        assert built.account["images"][subset] == states

        mine = [row for row in rows if row["subset"] == subset]
        assert Counter(row["state"] for row in mine) == states
        assert {row["why"] is None for row in mine if row["state"] == "kept"} <= {True}
        assert {row["why"] is None for row in mine if row["state"] != "kept"} <= {False}
        assert len([row for row in mine if row["shard"] is not None]) == states.get("kept", 0)
        without = Counter(each["why"] for row in clips for each in row["without_images"] if each["subset"] == subset)
        assert without == told["why_stopped"]

        section = card.partition(f"## References of subset {subset}\n")[2].partition("\n## ")[0]
        kept = re.search(r"(\d+) images? of", section)
        assert kept is not None
        assert int(kept[1]) == states.get("kept", 0)
        on_card = tables_of_card(section)
        assert sum(on_card["region and viewpoint"].values()) == states.get("kept", 0)
        if {*states} - {"kept"}:
            assert f"{told['requested']} images that were asked for" in section
            assert Counter(on_card["state"]).total() == told["requested"]
        assert on_card.get("why", {}) == told["why_stopped"]
    assert states_of_all == {"kept", "rejected", "unavailable"}
    accepted = built.states["accepted"]
    assert {s: built.subsets[s].entered for s in "AB"} == {"A": accepted, "B": accepted}
    assert built.subsets["B"].why_stopped == {WHY: 1}

    # of each maker, what it was asked for and came to: nothing that cannot be made is called failed
    tally = built.tally
    for maker in ("view_images", "attribute_images"):
        came_to = tally.measured, tally.unavailable, tally.failed, tally.quarantined
        assert sum(each[maker] for each in came_to) >= len([row for row in rows if row["maker"] == maker])
        assert tally.failed[maker] == 0
    assert tally.unavailable["view_images"] == status["images"]["A"]["states"]["unavailable"]
