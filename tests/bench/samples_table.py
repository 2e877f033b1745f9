"""How real face and pose models see the rendered samples: precision beside recall, angle errors, identity distances.

python -m tests.bench.samples_table [--set shipped] [--set DIR ...] [--fps 4] [--workers 2] [--json]
"""

import argparse
import json
import multiprocessing
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

import actor18m
from actor18m.arrays import Floats
from tests.bench.samples_measure import FIT_PX, ClipSeen, Embedded, FaceSeen, Models, clips_in, judge_clip

BURNT_OR_BLACK = ("very_dark", "overexposed")
"""Scripts whose faces are there and cannot be seen: finding none is right, so they do not count as visible."""
BANDS = ((0, 30), (30, 65), (65, 90))
FACE_RECALL_BAR, BODY_YAW_BAR_DEG = 0.95, 12.0

Numbers = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", action="append", dest="sets", help="'shipped' or a folder of clips with truth")
    parser.add_argument("--fps", type=float, default=4.0, help="frames judged a second")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    result = {name: table_of(judge_set(folder_of(name), args.fps, args.workers)) for name in args.sets or ["shipped"]}
    if args.json:
        print(json.dumps(result, indent=2))
        return
    for name, numbers in result.items():
        print("\n".join(report(name, numbers)))


def folder_of(name: str) -> Path:
    return Path(actor18m.__file__).parent / "samples" / "clips" if name == "shipped" else Path(name)


def judge_set(folder: Path, fps: float, workers: int) -> list[ClipSeen]:
    clips = clips_in(folder)
    if not clips:
        raise SystemExit(f"{folder} holds no clip with a truth beside it")
    tasks = [(clip, fps) for clip in clips]
    with multiprocessing.get_context("spawn").Pool(workers, _load) as pool:
        return pool.starmap(_judge, tasks, chunksize=1)


_MODELS: list[Models] = []


def _load() -> None:
    _MODELS.append(Models())


def _judge(clip: Path, fps: float) -> ClipSeen:
    return judge_clip(clip, _MODELS[0], fps)


def table_of(clips: Sequence[ClipSeen]) -> Numbers:
    """Numbers by script, over all, and for identity; every share and median comes with its n."""
    scripts = sorted({clip.script for clip in clips})
    rows = {script: _row([clip for clip in clips if clip.script == script]) for script in scripts}
    total = _row(clips)
    identity = _identity([e for clip in clips for e in clip.embedded])
    return {
        "scripts": rows,
        "total": total,
        "identity": identity,
        "summary": {
            "frontal_face_recall": total["face"]["frontal"],
            "face_precision": total["face"]["precision"],
            "body_yaw_median_deg": total["body"]["yaw_error_deg"],
            "face_yaw_median_deg": total["head"]["yaw_error_deg"][_band(BANDS[0])],
            "identity_auc": identity["auc"],
        },
    }


def _row(clips: Sequence[ClipSeen]) -> Numbers:
    faces = [face for clip in clips for face in clip.faces]
    bodies = [body for clip in clips for body in clip.bodies]
    visible = [face for clip in clips if clip.script not in BURNT_OR_BLACK for face in clip.faces]
    within = _distances([clip.embedded for clip in clips])
    return {
        "clips": len(clips),
        "frames": sum(clip.frames for clip in clips),
        "face": {
            "frontal": _share(face.found for face in visible if _is_frontal(face)),
            "profile": _share(face.found for face in faces if 30 < abs(face.yaw_deg) <= 90),
            "any": _share(face.found for face in faces),
            "precision": _ratio(sum(c.true_detections for c in clips), sum(c.detections for c in clips)),
        },
        "body": {
            "on_crop": _share(body.found for body in bodies),
            "on_frame": _ratio(sum(c.frames_with_body_found for c in clips), sum(c.frames_with_body for c in clips)),
            "without_people": _ratio(
                sum(c.frames_without_people_found for c in clips), sum(c.frames_without_people for c in clips)
            ),
            "yaw_error_deg": _spread([body.yaw_error_deg for body in bodies if body.found]),
        },
        "head": {
            "meshed": _by_band(faces, lambda some: _share(f.meshed for f in some if f.found)),
            "yaw_error_deg": _by_band(faces, lambda some: _spread([f.yaw_error_deg for f in some if f.meshed])),
            "pitch_error_deg": _by_band(faces, lambda some: _spread([f.pitch_error_deg for f in some if f.meshed])),
        },
        "same_person": _spread(within),
    }


def _is_frontal(face: FaceSeen) -> bool:
    return abs(face.yaw_deg) <= 30 and abs(face.pitch_deg) <= 30 and face.width_px > FIT_PX


def _band(band: tuple[int, int]) -> str:
    return f"{band[0]}-{band[1]}"


def _by_band(faces: Sequence[FaceSeen], measure: Callable[[Sequence[FaceSeen]], Numbers]) -> Numbers:
    return {_band((lo, hi)): measure([f for f in faces if lo <= abs(f.yaw_deg) < hi or (hi == 90 == abs(f.yaw_deg))])
            for lo, hi in BANDS}  # fmt: skip


def _distances(groups: Iterable[Sequence[Embedded]]) -> list[float]:
    """Between faces of one identity within each group."""
    return [
        float(np.linalg.norm(a.vector - b.vector))
        for group in groups
        for a, b in combinations(group, 2)
        if a.identity == b.identity
    ]


def _identity(faces: Sequence[Embedded]) -> Numbers:
    """Distances between all pairs, and how well they tell one person from two."""
    within: list[float] = []
    across: list[float] = []
    different: list[float] = []
    for a, b in combinations(faces, 2):
        distance = float(np.linalg.norm(a.vector - b.vector))
        kind = different if a.identity != b.identity else within if a.clip == b.clip else across
        kind.append(distance)
    auc, equal_error, threshold = _separation(np.array(within + across, np.float32), np.array(different, np.float32))
    return {
        "identities": len({face.identity for face in faces}),
        "faces": len(faces),
        "same_within_clip": _spread(within, 95),
        "same_across_clips": _spread(across, 95),
        "different": _spread(different, 5),
        "auc": auc,
        "equal_error": equal_error,
        "equal_error_at": threshold,
    }


def _separation(same: Floats, different: Floats) -> tuple[float | None, float | None, float | None]:
    """Area under the ROC curve, the equal error rate and its threshold; None where one kind of pair is missing."""
    if not len(same) or not len(different):
        return None, None, None
    ordered = np.sort(different)
    closer, tied_or_closer = (np.searchsorted(ordered, same, side=side).mean() for side in ("left", "right"))
    auc = float(1 - (closer + tied_or_closer) / 2 / len(ordered))
    thresholds = np.unique(np.concatenate([same, different]))
    missed = 1 - np.searchsorted(np.sort(same), thresholds, side="right") / len(same)
    wrong = np.searchsorted(ordered, thresholds, side="right") / len(ordered)
    at = int(np.argmin(np.abs(missed - wrong)))
    return round(auc, 4), round(float(missed[at] + wrong[at]) / 2, 4), round(float(thresholds[at]), 3)


def _share(found: Iterable[bool]) -> Numbers:
    values = list(found)
    return _ratio(sum(values), len(values))


def _ratio(part: int, n: int) -> Numbers:
    return {"share": round(part / n, 4) if n else None, "n": n}


def _spread(values: Sequence[float], tail: int = 90) -> Numbers:
    if not values:
        return {"median": None, f"p{tail}": None, "n": 0}
    median, far = np.percentile(values, [50, tail])
    return {"median": round(float(median), 3), f"p{tail}": round(float(far), 3), "n": len(values)}


def report(name: str, numbers: Numbers) -> list[str]:
    """The table as text."""
    rows = {**numbers["scripts"], "TOTAL": numbers["total"]}
    found = [["script", "clips", "frames", f"frontal >{FIT_PX}px", "profile 30-90", "any face", "face precision",
              "pose on crop", "pose on frame", "pose on nobody"]]  # fmt: skip
    angles = [["script", "body yaw", *(f"face yaw {_band(b)}" for b in BANDS), *(f"pitch {_band(b)}" for b in BANDS),
               *(f"mesh {_band(b)}" for b in BANDS), "same person"]]  # fmt: skip
    for script, row in rows.items():
        face, body, head = row["face"], row["body"], row["head"]
        shares = (face["frontal"], face["profile"], face["any"], face["precision"], body["on_crop"], body["on_frame"])
        found.append(
            [script, str(row["clips"]), str(row["frames"]), *map(_text, shares), _text(body["without_people"])]
        )
        errors = body["yaw_error_deg"], *head["yaw_error_deg"].values(), *head["pitch_error_deg"].values()
        angles.append([script, *map(_text, errors), *map(_text, head["meshed"].values()), _text(row["same_person"])])
    identity = numbers["identity"]
    frontal, body_yaw = numbers["summary"]["frontal_face_recall"], numbers["summary"]["body_yaw_median_deg"]
    return [
        f"== {name}: found, share of n; the last column counts poses on frames without people",
        *_columns(found),
        "",
        "== errors in degrees, median / p90 of n; mesh: share of found faces; same person: distance within a clip",
        *_columns(angles),
        "",
        f"== identity: {identity['faces']} fit frontal faces of {identity['identities']} people",
        f"same person, one clip:    {_text(identity['same_within_clip'])}  (median / p95)",
        f"same person, other clip:  {_text(identity['same_across_clips'])}  (median / p95)",
        f"different people:         {_text(identity['different'])}  (median / p5)",
        f"AUC {identity['auc']}, equal error {identity['equal_error']} at distance {identity['equal_error_at']}",
        "",
        f"frontal faces > {FIT_PX} px found: {_text(frontal)} (bar {FACE_RECALL_BAR:.0%}), "
        f"but for {' and '.join(BURNT_OR_BLACK)}, where none can be seen",
        f"body yaw median error: {body_yaw['median']} deg over {body_yaw['n']} (bar {BODY_YAW_BAR_DEG:g})",
        "",
    ]


def _text(cell: Numbers) -> str:
    n = cell["n"]
    if not n:
        return "-"
    if "share" in cell:
        return f"{100 * cell['share']:.1f}% of {n}"
    median, far = (value for key, value in cell.items() if key != "n")
    digits = 2 if median < 2 and far < 2 else 1
    return f"{median:.{digits}f} / {far:.{digits}f} of {n}"


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]


if __name__ == "__main__":
    main()
