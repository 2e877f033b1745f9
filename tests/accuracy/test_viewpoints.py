"""What is counted in rows of the table of references."""

import io
from typing import Any

from rich.console import Console

from accuracy.viewpoints import ALL, Obtained, Share, obtained, shares, show, together


def row(number: int, region: str, source: str | None, viewpoint: str | None, **other: Any) -> dict[str, Any]:
    told = {"state": "kept", "seen_viewpoint": viewpoint, "seen_yaw_deg": 0.0, "view": None, "how": None}
    return {"key": f"clip-{region}-x-{number:02d}", "subset": "A", "source": source, **told, **other}


ROWS = [
    row(1, "face", "self-crop", "front"),
    row(2, "face", "self-crop", "front"),
    row(3, "face", "view-aug", "left", view="left", how="mesh"),
    row(4, "face", "view-aug", "front", view="right", how="mesh"),
    row(5, "face", "view-aug", None, view="top_down", how="harvest"),
    row(6, "face", None, None, view="left", state="unavailable"),
    row(7, "body", "self-crop", "front"),
    row(8, "body", "view-aug", "side", view="left", how="harvest", seen_yaw_deg=80.0),
    row(9, "body", "view-aug", "side", view="left", how="harvest", seen_yaw_deg=-80.0),
]


def test_viewpoints_are_counted_before_and_after() -> None:
    nothing = dict.fromkeys(("front", "left", "right", "up", "down", "not told"), 0)
    assert shares(ROWS)[:3] == [
        Share("A", "face", "self-crop", 2, nothing | {"front": 2}),
        Share("A", "face", "view-aug", 3, nothing | {"front": 1, "left": 1, "not told": 1}),
        Share("A", "face", ALL, 5, nothing | {"front": 3, "left": 1, "not told": 1}),
    ]


def test_a_view_is_obtained_where_it_is_seen() -> None:
    assert obtained(ROWS) == [
        Obtained("face", "left", 2, {"mesh": 1}, {}, {"unavailable": 1}),
        Obtained("face", "right", 1, {}, {"mesh": 1}, {}),
        Obtained("face", "top_down", 1, {}, {"harvest": 1}, {}),
        Obtained("body", "left", 2, {"harvest": 1}, {"harvest": 1}, {}),
    ]
    assert together(obtained(ROWS), "face") == Obtained(
        "face", ALL, 4, {"mesh": 1}, {"mesh": 1, "harvest": 1}, {"unavailable": 1}
    )


def test_both_are_printed() -> None:
    printed = io.StringIO()
    show(ROWS, Console(file=printed, width=160))
    assert "Viewpoints of kept images: face, in %" in printed.getvalue()
    assert "25.0%" in printed.getvalue()
