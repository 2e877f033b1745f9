"""References of samples as a perfect choice would name them, and the masks of a perfect segmenter: for what is done
with them afterwards."""

from collections.abc import Sequence
from typing import Any

from actor18m.inputs import canonical_uri
from actor18m.media.boxes import square, with_margin
from actor18m.media.views import body_view, face_view
from actor18m.samples.shipped import SHIPPED
from actor18m.samples.truth import Truth
from actor18m.stage import Clip

MARGINS = {"face": 0.4, "body": 0.06}


def with_references(name: str, wanted: Sequence[tuple[str, int]]) -> tuple[Clip, Truth]:
    """The subject's face or body at these samples."""
    truth = Truth.read(SHIPPED / f"{name}.json")
    samples = sorted({sample for _, sample in wanted})
    masks = [(truth.actors[0].body_masks[sample] or "").encode() for sample in samples]
    upstream: dict[str, dict[str, Any]] = {
        "intake": {"width": truth.width, "height": truth.height},
        "bodies": {"bodies": [{"sample": sample} for sample in samples], "masks": masks},
        "select": {"references": [_reference(truth, number, *each) for number, each in enumerate(wanted, start=1)]},
    }
    return Clip(name, canonical_uri(SHIPPED / f"{name}.mp4"), upstream=upstream), truth


def _reference(truth: Truth, number: int, region: str, sample: int) -> dict[str, Any]:
    actor, frame = truth.actors[0], truth.mask_frames[sample]
    box = (actor.face_box if region == "face" else actor.body_box)[frame]
    head = actor.head_yaw_deg[frame], actor.head_pitch_deg[frame], actor.head_roll_deg[frame]
    body_yaw = actor.body_yaw_deg[frame]
    assert box is not None
    assert head[0] is not None
    assert head[1] is not None
    assert body_yaw is not None
    cut = (square if region == "face" else with_margin)(box, MARGINS[region], truth.width, truth.height)
    angles = head if region == "face" else (body_yaw, None, None)
    return {
        "name": f"{region}-self-{number:02d}",
        "region": region,
        "sample": sample,
        "time_s": sample / 8,
        "viewpoint": face_view(head[0], head[1]) if region == "face" else body_view(body_yaw),
        **dict(zip(("yaw_deg", "pitch_deg", "roll_deg"), angles, strict=True)),
        "visibility": 1.0,
        "quality": 0.5,
        "expression": None,
        "others_share": 0.0,
        **cut,
        "is_clearest": False,
        "anchor": "",
    }
