"""What a caption of a clip says, whoever writes it: seven elements, a few moments, and one text for training."""

from pyarrow import field, float32, int32, list_, string, struct

from actor18m.stage import schema

NOT_VISIBLE = "not visible"
"""The element is looked for and not there, or nothing of it is shown: an accessory that nobody wears, a face from
behind."""
NOT_TOLD = "not told"
"""It may well be there, but who writes cannot tell: says nothing of it, and neither does the caption."""

ELEMENTS = ("shot_type", "hairstyle", "clothing", "accessory", "expression", "action", "background")
"""AnyID's. Each has a text of its own, NOT_VISIBLE or NOT_TOLD; none is empty."""

MOMENT = struct(
    [
        field("time_s", float32(), nullable=False),
        field("view", string(), nullable=False),
        field("face_view", string(), nullable=False),
        field("expression", string(), nullable=False),
        field("action", string(), nullable=False),
    ]
)
"""What changes, in one frame: from where the body is seen (front, side, back), where the face looks (front: into the
camera; left and right: to the person's own; up, down), and two of the elements. Or NOT_VISIBLE, or NOT_TOLD."""

CAPTION = schema(
    "captions",
    shot_type=string(),
    hairstyle=string(),
    clothing=string(),
    accessory=string(),
    expression=string(),
    action=string(),
    background=string(),
    people=int32(),
    moments=list_(MOMENT),
    caption=string(),
    written_by=string(),
)
"""`people` is how many are seen at once; `moments` are in order of time, at least one; `caption` is composed of what
stands in the others; `written_by` is `template`, or the model that was asked."""
