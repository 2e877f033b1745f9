import numpy as np
import pytest

from tests.bench.samples_measure import BodySeen, ClipSeen, Embedded, FaceSeen
from tests.bench.samples_table import report, table_of


def clip(script: str, identity: str, at: float) -> ClipSeen:
    """Two frames: a frontal face found and meshed, a profile missed; embeddings 0.1 apart on a line from `at`."""
    return ClipSeen(
        clip=f"{script}-{identity}",
        script=script,
        frames=2,
        faces=[FaceSeen(10, 0, 60, True, True, 3.0, 4.0), FaceSeen(-70, 0, 60, False)],
        detections=2,
        true_detections=1,
        bodies=[BodySeen(90, True, 8.0), BodySeen(180, False)],
        frames_with_body=2,
        frames_with_body_found=1,
        embedded=[Embedded(identity, f"{script}-{identity}", np.array([at + d], np.float32)) for d in (0, 0.1)],
    )


def test_recall_stands_beside_precision_and_every_share_has_its_n() -> None:
    row = table_of([clip("turn", "ann", 0.0), clip("turn", "bob", 1.0)])["scripts"]["turn"]
    assert row["face"] == {
        "frontal": {"share": 1.0, "n": 2},
        "profile": {"share": 0.0, "n": 2},
        "any": {"share": 0.5, "n": 4},
        "precision": {"share": 0.5, "n": 4},
    }
    assert row["body"]["on_crop"] == {"share": 0.5, "n": 4}
    assert row["body"]["without_people"] == {"share": None, "n": 0}
    assert row["body"]["yaw_error_deg"] == {"median": 8.0, "p90": 8.0, "n": 2}
    assert row["head"]["yaw_error_deg"]["0-30"] == {"median": 3.0, "p90": 3.0, "n": 2}
    assert row["head"]["yaw_error_deg"]["65-90"]["n"] == 0


def test_pairs_are_of_one_person_in_a_clip_of_one_across_clips_and_of_two() -> None:
    identity = table_of([clip("turn", "ann", 0.0), clip("walk", "ann", 0.3), clip("turn", "bob", 9.0)])["identity"]
    assert [identity[k]["n"] for k in ("same_within_clip", "same_across_clips", "different")] == [3, 4, 8]
    assert (identity["auc"], identity["equal_error"]) == (1.0, 0.0)
    assert identity["same_across_clips"]["median"] == pytest.approx(0.3)


def test_people_who_cannot_be_told_apart_have_an_area_of_a_half() -> None:
    seen = [clip(script, who, 0.0) for script in ("turn", "walk") for who in ("ann", "bob")]
    assert table_of(seen)["identity"]["auc"] == pytest.approx(0.5, abs=0.1)


def test_the_report_ends_with_the_bars() -> None:
    lines = report("shipped", table_of([clip("turn", "ann", 0.0)]))
    assert any(
        line.startswith("frontal faces > 48 px found: 100.0% of 1 (bar 95%), but for very_dark") for line in lines
    )
    assert "body yaw median error: 8.0 deg over 1 (bar 12)" in lines
