"""Sheets of small versions: two sample clips as publish writes them, and the references that a shard of them holds."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from actor18m.dataset import Version
from actor18m.dataset.manifest import NAME, describe
from actor18m.publish import publish
from actor18m.report.sheets import STILLS, clips_sheet, references_sheet
from actor18m.report.tiles import GREY, LABEL_WIDTH, RED, TILE_HEIGHT, TILE_WIDTH, masked, seen_in, text, wanted
from actor18m.stage import Row
from stages.crops import Crops
from tests.publish.material import FACTS, PIPELINE, key_of, lot, sample, video
from tests.stages.shot_by_truth import wanted_images

Pixels = npt.NDArray[np.uint8]
GAP = 4
PAPER = 24


@pytest.fixture
def version(tmp_path: Path) -> Path:
    """With an accepted and a rejected clip, whose files lie in the same folder."""
    kept, dropped = tmp_path / "kept.mp4", tmp_path / "dropped.mp4"
    shutil.copy(sample("one_second_1"), kept)
    shutil.copy(sample("low_resolution_1"), dropped)
    blocks = [lot(0, [video(kept), video(dropped)], rejected=[key_of(dropped)])]
    return Path(publish(tmp_path / "dataset", blocks, PIPELINE, FACTS).path)


def drawn(path: Path) -> Pixels:
    """uint8[H, W, 3]."""
    pixels = cv2.imread(str(path))
    assert pixels is not None
    return np.asarray(pixels, np.uint8)


def tiles(sheet: Pixels, row: int) -> list[Pixels]:
    """Stills of one clip, without its label."""
    line = sheet[row * (TILE_HEIGHT + GAP) : row * (TILE_HEIGHT + GAP) + TILE_HEIGHT, LABEL_WIDTH:]
    return [line[:, x : x + TILE_WIDTH] for x in range(0, line.shape[1], TILE_WIDTH)]


def test_each_clip_has_a_line_of_stills_from_its_beginning_to_its_end(version: Path, tmp_path: Path) -> None:
    assert clips_sheet(Version.open(version), tmp_path / "clips.png", most=10) == 2
    sheet = drawn(tmp_path / "clips.png")
    assert sheet.shape == (2 * (TILE_HEIGHT + GAP), LABEL_WIDTH + STILLS * TILE_WIDTH, 3)
    for row in range(2):
        stills = tiles(sheet, row)
        assert len(stills) == STILLS
        assert all(still.std() > 10 for still in stills)
        assert not np.array_equal(stills[0], stills[-1])


def test_no_more_clips_are_drawn_than_asked_for_and_both_states_are(version: Path, tmp_path: Path) -> None:
    assert clips_sheet(Version.open(version), tmp_path / "clips.png", most=1) == 2
    assert clips_sheet(Version.open(version), tmp_path / "clips.png", most=2) == 2


def test_a_source_that_has_vanished_is_told_and_the_others_are_drawn(version: Path, tmp_path: Path) -> None:
    (tmp_path / "kept.mp4").unlink()
    assert clips_sheet(Version.open(version), tmp_path / "clips.png", most=10) == 2
    sheet = drawn(tmp_path / "clips.png")
    gone, there = tiles(sheet, 0), tiles(sheet, 1)
    assert all(still.std() > 10 for still in there)
    assert gone[0].max() > 100, "what is wrong stands where the stills would be"
    assert all((still == PAPER).all() for still in gone[2:])


def test_references_of_a_clip_are_a_line_with_their_outlines(version: Path, tmp_path: Path) -> None:
    wanted = [("body", 0), ("body", 12), ("face", 0)]
    publish_references(version, "turn_standing_1", wanted)
    assert references_sheet(Version.open(version), tmp_path / "references.png", most=10) == 1
    sheet = drawn(tmp_path / "references.png")
    assert sheet.shape[1] == LABEL_WIDTH + len(wanted) * TILE_WIDTH
    assert sheet.shape[0] > TILE_HEIGHT
    for still in tiles(sheet, 0):
        blue, green, red = (still[:, :, channel].astype(int) for channel in range(3))
        assert ((green > 150) & (green > blue + 60) & (green > red + 60)).sum() > 50
        assert ((red > green + 10) & (red > blue + 10)).mean() > 0.02, "skin, and not only a mask"


def test_what_was_filmed_comes_before_what_was_made(version: Path, tmp_path: Path) -> None:
    def stills(first: str) -> list[Pixels]:
        publish_references(version, "turn_standing_1", [("body", 0), ("face", 0)])
        (table,) = (version / "metadata" / "references").glob("*.parquet")
        rows = pq.read_table(table).to_pylist()
        table.chmod(0o644)
        pq.write_table(pa.Table.from_pylist([rows[0] | {"subset": first}, rows[1]]), table)
        add_to_manifest(version, [str(table.relative_to(version))])
        references_sheet(Version.open(version), tmp_path / "references.png", most=10)
        return tiles(drawn(tmp_path / "references.png"), 0)

    body, face = stills("A")
    assert [np.array_equal(*pair) for pair in zip(stills("B"), (face, body), strict=True)] == [True, True]


def test_a_label_that_disagrees_stands_out(version: Path, tmp_path: Path) -> None:
    def reds(seen: str) -> int:
        publish_references(version, "turn_standing_1", [("body", 0)], seen_viewpoint=seen)
        references_sheet(Version.open(version), tmp_path / "references.png", most=10)
        label = drawn(tmp_path / "references.png")[TILE_HEIGHT:, LABEL_WIDTH:].astype(int)
        return int((label[:, :, 2] > label[:, :, 0] + 60).sum())

    assert reds("front") == 0 < reds("back")


def test_a_made_image_is_titled_by_what_was_wanted_and_a_sheet_by_its_panels() -> None:
    assert wanted({"key": "c-body-view-03", "view": "right"}) == "right"
    assert wanted({"key": "c-face-view-03", "view": "right", "expression": "neutral"}) == "right", "that is its frame's"
    assert wanted({"key": "c-sheet-01", "view": None}) == "sheet-01"
    assert seen_in({"seen_yaw_deg": None, "seen_views": ["front", "side", "back"]}) == "seen front, side, back"


def test_how_an_image_was_made_is_said(version: Path, tmp_path: Path) -> None:
    def inked(**told: object) -> int:
        publish_references(version, "turn_standing_1", [("body", 0)], **told)
        references_sheet(Version.open(version), tmp_path / "references.png", most=10)
        return int((drawn(tmp_path / "references.png")[TILE_HEIGHT:, LABEL_WIDTH:] != PAPER).any(axis=2).sum())

    assert inked(method=None, how=None) < inked(method="real", how=None) < inked(method="composited", how="relit")
    assert inked(method="real", how=None) < inked(method="real", how=None, agreement=0.95)


def test_an_image_says_how_far_its_mask_is_agreed_on_and_whether_it_has_one() -> None:
    published = {"shard": "a.tar", "agreement": 0.951, "mask_offset": 512}
    assert masked(published) == "mask 0.95"
    assert masked({**published, "mask_offset": None}) == "no mask 0.95"
    assert masked({**published, "agreement": None}) == masked({**published, "shard": None}) == ""


def test_what_a_copy_solves_stands_out(version: Path, tmp_path: Path) -> None:
    def yellows(solves: bool) -> int:
        publish_references(version, "turn_standing_1", [("body", 0)], copy_share=0.62, copy_solves=solves)
        references_sheet(Version.open(version), tmp_path / "references.png", most=10)
        label = drawn(tmp_path / "references.png")[TILE_HEIGHT:, LABEL_WIDTH:].astype(int)
        return int((label[:, :, 2] > label[:, :, 0] + 60).sum())

    assert yellows(False) == 0 < yellows(True)


def test_an_image_without_mask_time_or_angles_is_drawn_too(version: Path, tmp_path: Path) -> None:
    """A maker need not tell more than its picture."""
    publish_references(version, "turn_standing_1", [("face", 0), ("face", 8)])
    (table,) = (version / "metadata" / "references").glob("*.parquet")
    rows = pq.read_table(table).to_pylist()
    told = ("key", "clip", "uri", "subset", "shard", "image_offset", "image_size", "sha256")
    bare = [{name: row[name] for name in told} | {"maker": "tint", "mask_offset": None} for row in rows[:1]]
    waiting = [bare[0] | {"shard": None}]
    table.chmod(0o644)
    pq.write_table(pa.Table.from_pylist([*bare, *waiting]), table)
    add_to_manifest(version, [str(table.relative_to(version))])
    assert references_sheet(Version.open(version), tmp_path / "references.png", most=10) == 1
    sheet = drawn(tmp_path / "references.png")
    assert sheet.shape[1] == LABEL_WIDTH + TILE_WIDTH
    assert all(still.std() > 10 for still in tiles(sheet, 0))


def test_without_clips_no_sheet_is_drawn(tmp_path: Path) -> None:
    version = Path(publish(tmp_path / "dataset", [], PIPELINE, FACTS).path)
    assert clips_sheet(Version.open(version), tmp_path / "clips.png", most=10) == 0
    assert not (tmp_path / "clips.png").exists()


def publish_references(version: Path, name: str, wanted: list[tuple[str, int]], **seen: object) -> None:
    """A shard with crops of a sample, and its part of the table, with the columns that a sheet reads."""
    images, _ = wanted_images(name, wanted)
    made = {row.key: row for row in Crops().measure(images) if isinstance(row, Row)}
    shard, rows = b"", list[Mapping[str, Any]]()
    for image in images:
        each = {**image.request, **made[image.key].values}
        places: dict[str, int] = {}
        for member, end in (("image", "webp"), ("mask", "mask.png")):
            content = made[image.key].images[end]
            places |= {f"{member}_offset": len(shard), f"{member}_size": len(content)}
            shard += content
        labels = {"seen_viewpoint": each["viewpoint"], "seen_yaw_deg": 0.0, "seen_pitch_deg": 0.0, "seen_people": 1}
        about = {"key": image.key, "clip": name, "uri": image.uri, "subset": "A", "shard": "shard.tar"}
        rows.append(each | labels | seen | about | places)
    (version / "shard.tar").write_bytes(shard)
    (version / "metadata" / "references").mkdir(exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), version / "metadata" / "references" / "A-000000.parquet")
    add_to_manifest(version, ["shard.tar", "metadata/references/A-000000.parquet"])


def add_to_manifest(version: Path, names: list[str]) -> None:
    """What a manifest does not name is no part of a version."""
    manifest = Version.open(version).manifest
    files = {**manifest.files, **{name: describe(version / name) for name in names}}
    (version / NAME).chmod(0o644)
    (version / NAME).write_bytes(replace(manifest, files=files).to_bytes())


def test_a_number_is_not_broken_at_its_point() -> None:
    folded, in_two = (
        text([(line, GREY) for line in lines], TILE_HEIGHT, TILE_WIDTH, 16)
        for lines in (["consistent 0.97 no mask 0.91"], ["consistent 0.97 no mask", "0.91"])
    )
    assert np.array_equal(folded, in_two)


def test_words_that_do_not_fit_go_on_in_the_next_line() -> None:
    """Each line has a colour of its own, so that it can be found again."""
    short, long, wide = ("kept", GREY), ("rejected attribute_images.clean_cut", RED), ("w" * 40, GREY)
    for told, lines in (([short], 1), ([long], 2), ([short, long], 3), ([wide], 3)):
        drawn = text(told, TILE_HEIGHT, TILE_WIDTH, 16)
        assert (drawn[:, -3:] == PAPER).all(), "nothing is cut off at the edge"
        inked = (drawn != PAPER).any(axis=(1, 2)).reshape(-1)
        assert sum(inked[step : step + 16].any() for step in range(2, TILE_HEIGHT - 16, 16)) == lines
