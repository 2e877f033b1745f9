"""Lots of sample clips, as the engine would hand them to publish."""

import hashlib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from actor18m import keys
from actor18m.dataset.hashes import NAME as HASHES
from actor18m.dataset.schemas import DECISIONS, INPUTS
from actor18m.inputs import Input, canonical_uri
from actor18m.publish import AcceptedClip, Block
from actor18m.samples.shipped import SHIPPED

PIPELINE = "policy:\n  identity.mean_similarity: {at_least: 0.4}\n"
FACTS = {"intake": "0123456789abcdef"}

Crop = tuple[int, int, int, int]


def sample(name: str) -> Path:
    return SHIPPED / f"{name}.mp4"


def key_of(path: Path, cut: tuple[int, int] | None = None, crop: Crop | None = None) -> str:
    return keys.clip_key(hashlib.sha256(path.read_bytes()).hexdigest(), cut, crop)


def video(path: Path, cut: tuple[int, int] | None = None, crop: Crop | None = None, score: float = 1.0) -> AcceptedClip:
    facts = {"clip": key_of(path, cut, crop), "codec": "h264", "duration_s": 4.0, "frames": 96, "score": score}
    return AcceptedClip(key_of(path, cut, crop), canonical_uri(path), cut, crop, facts)


def lot(number: int, videos: Sequence[AcceptedClip], rejected: Collection[str] = ()) -> Block:
    """Those rejected, by clip, failed a rule; the others are published."""
    rows = [_rows(number, each, each.clip in rejected) for each in sorted(videos, key=lambda each: each.clip)]
    clips = pa.Table.from_pylist([clip for _, clip, _ in rows])
    return Block(
        lots=range(number, number + 1),
        inputs=pa.Table.from_pylist([given for given, _, _ in rows], schema=INPUTS),
        clips=clips.cast(pa.schema([field.with_type(_typed(field)) for field in clips.schema])),
        decisions=pa.Table.from_pylist([decision for _, _, decision in rows], schema=DECISIONS),
        videos=[each for each in sorted(videos, key=lambda each: each.clip) if each.clip not in rejected],
    )


def _typed(field: pa.Field) -> pa.DataType:
    return pa.int32() if field.name in ("lot", "width") else pa.string() if field.type == pa.null() else field.type


def _rows(number: int, each: AcceptedClip, is_rejected: bool) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    given = Input(each.uri, each.cut, each.crop, licence="CC0")
    rule = {"stage": "identity", "rule": "mean_similarity", "value": 0.25}
    missed = rule | {"bound": 0.4, "why": "identity.mean_similarity: 0.25, must be at_least 0.4"}
    verdict = {"state": "rejected", **missed} if is_rejected else {"state": "accepted"} | dict.fromkeys(missed)
    rights = {"licence": "CC0", "consent": None}
    about = {"clip": each.clip, "lot": number, **verdict, **rights}
    judged = {"clip": each.clip, **rule, "at_least": 0.4, "margin": -0.15, "passed": not is_rejected}
    row = {"id": given.id, "uri": each.uri, "given": "{}", **about}
    told = {"uris": [each.uri], "identity_id": None, "source_caption": None, "without_images": [], "width": 320}
    return row, about | told, judged


def tree(root: Path) -> dict[str, bytes | str]:
    """All files with their bytes but the cache of hashes, and links with what they point to."""
    return {
        path.relative_to(root).as_posix(): str(path.readlink()) if path.is_symlink() else path.read_bytes()
        for path in root.rglob("*")
        if (path.is_symlink() or path.is_file()) and path.name != HASHES
    }
