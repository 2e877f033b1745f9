"""Where heads look that no mesh tells: a model of head poses, asked beside the face's own five points.

Five points end at a profile: of heads that are turned farther, they say that they are seen from the side. A body's ears
and nose do not, but they jitter about a profile, and a head that looks around on a still body they see turned too
little. So a model counts where both say that a head is turned far, and it alone can say how far.
"""

from collections.abc import Sequence

from actor18m.arrays import Box, Frame
from actor18m.models.roles import Face, Head, HeadPose, Mesh

_FAR_DEG = 70.0
"""Of the points. On rendered heads they never say less of one that is turned by 90 degrees and more."""
_PAST_A_PROFILE_DEG = 90.0
"""Of the model."""


def heads_without_mesh(
    model: HeadPose | None,
    frames: Sequence[Frame],
    people: Sequence[Box],
    faces: Sequence[Face],
    meshes: Sequence[Mesh | None],
) -> list[Head | None]:
    """Of each face; None where a mesh tells more, or where no model is there to ask."""
    lacking = [number for number, mesh in enumerate(meshes) if mesh is None]
    found: list[Head | None] = [None] * len(faces)
    if model is not None and lacking:
        told = model.heads(
            [frames[number] for number in lacking],
            [people[number] for number in lacking],
            [faces[number] for number in lacking],
        )
        for number, head in zip(lacking, told, strict=True):
            found[number] = head
    return found


def farther_yaw_deg(by_points_deg: float, head: Head | None) -> float:
    """The model's, where both say that the head is turned far, and to one side; else that of the points."""
    is_past = head is not None and abs(head.yaw_deg) >= _PAST_A_PROFILE_DEG and abs(by_points_deg) >= _FAR_DEG
    if head is None or not is_past or head.yaw_deg * by_points_deg < 0:
        return by_points_deg
    return head.yaw_deg
