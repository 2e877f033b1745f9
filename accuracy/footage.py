"""What people saw in the real footage, frame by frame: how bodies are turned, and where shots change."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from accuracy.figures import Figures, Span, f1, matched, ratio, share
from accuracy.moments import SAMPLE_S, cuts_found
from accuracy.read import Seen
from actor18m.media.views import body_view

VIEWS = ("front", "side", "back")
"""Three-quarter views are labelled too, and are no bin of ours."""


def figures(seen: Sequence[Seen], folder: Path) -> Figures:
    views = [pair for each in seen for pair in _views(each, _labels(folder / "body_orientation_ranges.tsv"))]
    told = [(found, true) for found, true in views if found is not None]
    cuts = _cuts(folder / "cut_frames.tsv")
    moved = [each for each in seen if "motion" in each.rows and each.filmed.name in cuts]
    true = {each.filmed.name: [_moment(each, frame) for frame in cuts[each.filmed.name]] for each in moved}
    hits = sum(matched(cuts_found(each), true[each.filmed.name], SAMPLE_S, SAMPLE_S) for each in moved)
    count = sum(map(len, true.values()))
    return {
        "body view as people see it": share(found == true for found, true in told),
        **{f"body view as people see it: {v}": share(f == t for f, t in told if t == v) for v in VIEWS},
        "body yaw known": share(found is not None for found, _ in views),
        "labelled cuts F1": f1(hits, sum(len(cuts_found(each)) for each in moved), count),
        "labelled cuts found": ratio(hits, count),
    }


def _views(seen: Seen, labels: Mapping[str, list[tuple[int, int, str]]]) -> Iterator[tuple[str | None, str]]:
    """(told, true) of each sample in a range that is labelled."""
    if "pose" not in seen.rows:
        return
    fps = seen.rows["intake"]["fps"]
    yaws = {pose["sample"]: pose["body_yaw_deg"] for pose in seen.rows["pose"]["poses"]}
    for sample, time_s in enumerate(seen.times_s):
        frame = int(time_s * fps + 1e-3)
        for first, last, view in labels.get(seen.filmed.name, ()):
            if first <= frame <= last and view in VIEWS:
                yaw = yaws.get(sample)
                yield (None if yaw is None else body_view(yaw)), view


def _moment(seen: Seen, frame: int) -> Span:
    at = frame / seen.rows["intake"]["fps"]
    return at, at


def _labels(path: Path) -> dict[str, list[tuple[int, int, str]]]:
    labels: dict[str, list[tuple[int, int, str]]] = {}
    for row in _rows(path):
        labels.setdefault(row["file"], []).append((int(row["first_frame"]), int(row["last_frame"]), row["orientation"]))
    return labels


def _cuts(path: Path) -> dict[str, list[int]]:
    cuts: dict[str, list[int]] = {}
    for row in _rows(path):
        cuts.setdefault(row["file"], []).append(int(row["first_frame_of_new_shot"]))
    return cuts


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
