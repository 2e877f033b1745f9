"""Images of samples as a perfect choice would ask for them, with the masks of a perfect segmenter: for what is done
with them afterwards."""

from collections.abc import Sequence
from typing import Any

from actor18m.inputs import canonical_uri
from actor18m.media.boxes import square, with_margin
from actor18m.media.views import body_view, face_view
from actor18m.samples.shipped import SHIPPED
from actor18m.samples.truth import Truth
from actor18m.stage import Clip, Image

MARGINS = {"face": 0.4, "body": 0.06}


def wanted_images(name: str, wanted: Sequence[tuple[str, int]]) -> tuple[list[Image], Truth]:
    """Requests for the subject's face or body at these samples."""
    truth = Truth.read(SHIPPED / f"{name}.json")
    clip = Clip(name, uri_of(name), upstream={"intake": {"width": truth.width, "height": truth.height}})
    requests = [_request(truth, number, *each) for number, each in enumerate(wanted, start=1)]
    return [Image(f"{name}-{each['name']}", clip, each) for each in requests], truth


def uri_of(name: str) -> str:
    return canonical_uri(SHIPPED / f"{name}.mp4")


def _request(truth: Truth, number: int, region: str, sample: int) -> dict[str, Any]:
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
        "mask": (actor.body_masks[sample] or "").encode(),
    }
