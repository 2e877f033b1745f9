"""A digital actor drawn from a seed: who they are (body and face) and what they wear."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from actor18m.samples.studio import body, occlusion
from actor18m.samples.studio.fabrics import colour, denim, fabric

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Layer:
    """One draw call: a part of the mesh, the shader that paints it and what the shader is told."""

    part: str
    shader: str
    uniforms: Mapping[str, Any]
    fabric: Pixels | None = None
    casts_shadow: bool = False
    only_near: bool = False  # detail that nobody sees from afar


@dataclass(frozen=True)
class Actor:
    """An identity with a wardrobe. The same seed is the same person in the same clothes."""

    identity: str
    shape: body.Shape
    occlusion: Floats  # [V] share of the sky that a vertex sees
    look: "Look"
    outfit: "Outfit"


@dataclass(frozen=True)
class Look:
    """Colours are linear RGB."""

    feminine: bool
    skin: Floats
    lips: Floats
    hair: Floats
    iris: Floats
    hair_style: str  # cropped, short, curly, bob, long, bun, bald
    hairline: tuple[float, ...]
    brow: tuple[float, float, float, float]
    beard: float
    stubble: float
    freckles: float
    makeup: float
    age: float


@dataclass(frozen=True)
class Outfit:
    """What is worn; the numbers are template coordinates (see garment.glsl)."""

    top: tuple[float, float, float, float]
    top_fabric: Pixels
    top_flare: float
    jacket: tuple[float, float, float, float] | None
    jacket_fabric: Pixels
    legs: str  # trousers or skirt
    bottom: tuple[float, float]
    bottom_fabric: Pixels
    shoe_fabric: Pixels
    sole: tuple[float, float, float]


SKIN_SRGB = ((224, 186, 164), (212, 168, 140), (194, 144, 112), (168, 116, 84), (130, 86, 60), (94, 60, 44))
HAIR_SRGB = ((22, 18, 18), (45, 30, 22), (82, 52, 32), (122, 82, 48), (178, 134, 82), (206, 172, 120), (112, 46, 26), (150, 146, 142))
IRIS_SRGB = ((82, 52, 30), (56, 36, 22), (98, 112, 74), (96, 124, 150), (120, 96, 60))
HAIRLINE = (0.974, 0.972, 0.955, 0.912, 0.906, 0.866, 0.842, 0.832, 0.828)


def draw_actor(seed: int) -> Actor:
    """The person and the clothes of this seed."""
    rng = np.random.default_rng([18, seed])
    feminine = bool(rng.random() < 0.5)
    ancestry = dict(zip(("african", "asian", "caucasian"), rng.dirichlet([0.6, 0.6, 0.6]), strict=True))
    phenotypes = {
        "gender": float(rng.uniform(0.85, 1.0) if feminine else rng.uniform(0.0, 0.15)),
        "age": float(rng.uniform(0.67, 0.93)),
        "muscle": float(rng.uniform(0.35, 0.75)),
        "weight": float(rng.uniform(0.35, 0.68)),
        "height": float(rng.uniform(0.4, 0.65)),
        "proportions": float(rng.uniform(0.4, 0.8)),
        "cupsize": float(rng.uniform(0.25, 0.6)),
        "firmness": float(rng.uniform(0.4, 0.7)),
    } | {k: float(v) for k, v in ancestry.items()}
    shape = _hang_cloth(body.shape(phenotypes, _face_changes(rng)))
    look = _draw_look(rng, feminine, ancestry["african"], phenotypes["age"])
    outfit = _draw_outfit(rng, feminine)
    skin = body.mesh().triangles["skin"]
    vertex_triangles = body.mesh().corner_vertex[np.concatenate([skin, body.mesh().triangles["tights"]])]
    share = occlusion.sky_share(shape.vertices, normals(shape.vertices), vertex_triangles)
    # Garment hulls lie just above the skin: they take its shade from the whole body too, but keep more light.
    return Actor(f"actor-{seed:06d}", shape, 0.25 + 0.75 * share, look, outfit)


def _hang_cloth(shape: body.Shape) -> body.Shape:
    """Garments bridge the hollows of a body: the hulls they are made of are smoothed (Taubin's way, without shrinking)."""
    mean = _cloth_neighbours()
    cloth = np.unique(body.mesh().corner_vertex[body.mesh().triangles["tights"]])
    cloth = cloth[limbs()[cloth, 1] < 1.9]
    vertices = shape.vertices.copy()
    for _ in range(14):
        for step in (0.6, -0.61):
            vertices[cloth] += step * ((mean @ vertices)[cloth] - vertices[cloth])
    return replace(shape, vertices=vertices)


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


def layers(actor: Actor) -> list[Layer]:
    """What to draw for an actor, innermost first."""
    look, outfit = actor.look, actor.outfit
    trousers = outfit.legs == "trousers"
    dressed = {"top": outfit.top, "bottom": (*outfit.bottom, 1.0 if trousers else 0.0)}
    hair = {"hair_colour": look.hair, "hairline": look.hairline, "crown": (0.0, 0.01, 1.02), "lie": 0.75, "curl": 0.0}
    bald = look.hair_style == "bald"
    out = [
        Layer(
            "bare skin",
            "skin",
            dressed
            | {
                "skin_colour": look.skin,
                "lip_colour": look.lips,
                "brow_colour": look.hair * 0.7,
                "hair_colour": look.hair,
                "brow": look.brow,
                "stubble": look.stubble,
                "freckles": look.freckles,
                "makeup": look.makeup,
                "age": look.age,
                "hairline": look.hairline,
                "shaved": 0.25 if bald else 0.97,
            },
            casts_shadow=True,
        ),
        Layer("eyes", "eye", {"iris_colour": look.iris}),
        Layer("teeth", "plain", {"colour": (0.72, 0.68, 0.60), "gloss": 0.6}),
        Layer("mouth", "plain", {"colour": (0.45, 0.16, 0.15), "gloss": 0.5}),
        Layer("feet", "cloth", dressed | {"kind": 3, "offset": 0.008, "sole_colour": outfit.sole, "gloss": 0.35, "folds": 0.15, "gap": 0.0}, outfit.shoe_fabric, True),
    ]
    cloth = dressed | {"sole_colour": (0.0, 0.0, 0.0), "gloss": 0.06, "gap": 0.0}
    if trousers:
        out.append(Layer("lower", "cloth", cloth | {"kind": 1, "offset": 0.006, "flare": 0.0, "folds": 0.5}, outfit.bottom_fabric, True))
    else:
        out.append(Layer("skirt", "cloth", cloth | {"kind": 2, "offset": 0.008, "folds": 0.7}, outfit.bottom_fabric, True))
    out.append(Layer("upper", "cloth", cloth | {"kind": 0, "offset": 0.010, "flare": outfit.top_flare, "folds": 0.6}, outfit.top_fabric, True))
    if outfit.jacket is not None:
        out.append(Layer("upper", "cloth", cloth | {"kind": 0, "top": outfit.jacket, "offset": 0.019, "flare": outfit.top_flare + 0.012, "folds": 0.6, "gap": 0.055}, outfit.jacket_fabric, True))
    out.extend(_hair_layers(look, hair))
    return out


def _hair_layers(look: Look, hair: Mapping[str, Any]) -> list[Layer]:
    lengths = {"cropped": 0.012, "short": 0.034, "curly": 0.048, "bob": 0.030, "long": 0.030, "bun": 0.018, "bald": 0.0}
    length = lengths[look.hair_style]
    curl = 1.0 if look.hair_style == "curly" else 0.0
    lie = 0.25 if curl else (0.55 if look.hair_style in ("cropped", "short") else 0.8)
    out = []
    count = 14 if length else 0
    for k in range(count):
        share = (k + 1) / count
        out.append(Layer("scalp", "hair", dict(hair) | {"style": 0, "hair_layer": (length, share), "curl": curl, "lie": lie}, casts_shadow=k == count // 2, only_near=k % 3 != 2))
    if look.hair_style in ("bob", "long"):
        end = 0.80 if look.hair_style == "bob" else 0.62
        out.append(Layer("hair", "hair", dict(hair) | {"style": 1, "hull_end": end, "offset": 0.004, "hair_layer": (0.0, 0.9)}, casts_shadow=True))
    if look.beard:
        for k in range(6):
            out.append(Layer("beard", "hair", dict(hair) | {"style": 2, "hair_layer": (look.beard, (k + 1) / 6), "lie": 0.3}, only_near=k % 2 == 0))
    return out


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


def bare_skin(outfit: Outfit) -> Ints:
    """The skin that clothes may show; what lies deep under cloth need not be drawn."""
    mesh, (arm, leg) = body.mesh(), limbs().T
    z = mesh.template[:, 2]
    sleeve = outfit.top[1]
    bare = (z > 0.56) | (arm > min(sleeve, 1.9) - 0.15) & (arm > -0.4)
    if outfit.legs == "skirt":
        bare |= (leg > 0.2) & (leg < 2.15)
    else:
        bare |= (leg > outfit.bottom[1] - 0.15) & (leg < 2.15)
    triangles = mesh.triangles["skin"]
    return np.ascontiguousarray(triangles[bare[mesh.corner_vertex[triangles]].any(axis=1)])


def _above_hairline(at: Floats) -> npt.NDArray[np.bool_]:
    around = np.arctan2(np.abs(at[:, 0]), -(at[:, 1] + 0.045)) / np.pi * 8
    return np.asarray(at[:, 2] > np.interp(around, np.arange(9), HAIRLINE) - 0.012)


@cache
def limbs() -> Floats:
    """[V, 2] position along the arm (0 shoulder, 1 elbow, 2 wrist) and the leg (0 hip, 1 knee, 2 ankle, 3 sole)."""
    mesh = body.mesh()
    heads = dict(zip(mesh.bone_names, body.shape(_average(), {}).bone_heads, strict=True))

    def weight(*starts: str) -> Floats:
        return mesh.bone_weights[:, [n.startswith(starts) for n in mesh.bone_names]].sum(axis=1)

    def along(at: Floats, joints: list[Floats]) -> Floats:
        spans = [b - a for a, b in zip(joints, joints[1:], strict=False)]
        first, second = (((at - a) @ s) / (s @ s) for a, s in zip(joints, spans, strict=False))
        return np.where(second > 0, 1 + second, np.minimum(first, 1.0))

    mirrored = mesh.template * np.where(mesh.template[:, :1] < 0, np.array([-1, 1, 1]), 1)
    arm = along(mirrored, [heads["upperarm01.L"], heads["lowerarm01.L"], heads["wrist.L"]])
    arm_weight = weight("upperarm", "lowerarm", "wrist", "finger", "metacarpal")
    leg = along(mirrored, [heads["upperleg01.L"], heads["lowerleg01.L"], heads["foot.L"]])
    foot_weight = weight("foot", "toe")
    ankle = heads["foot.L"][2]
    leg = (1 - foot_weight) * np.minimum(leg, 2.0) + foot_weight * (2.0 + (ankle - mesh.template[:, 2]) / 0.1)
    leg_weight = weight("upperleg", "lowerleg", "foot", "toe")
    return np.stack([arm * arm_weight - (1 - arm_weight), leg * leg_weight - (1 - leg_weight)], axis=1).astype(np.float32)


def _average() -> dict[str, float]:
    return dict.fromkeys(body.shape_labels()[0], 0.5) | {"age": 0.7}


@cache
def face_map() -> Pixels:
    masks = [cv2.imread(str(body.texture_folder() / f"mpfb_{n}.jpg"), cv2.IMREAD_GRAYSCALE) for n in ("lips", "face", "eyelids")]
    return np.ascontiguousarray(np.stack(masks, axis=-1))


def _face_changes(rng: np.random.Generator) -> dict[str, float]:
    """Local changes of face and build, the two sides in pairs: faces are near symmetric."""
    face = ("nose", "chin", "cheek", "head-", "forehead", "eye", "mouth", "ear", "neck-scale", "neck-back")
    skull = ("head-", "forehead", "neck", "nose-scale", "ear")  # a little goes a long way
    build = ("torso-scale", "torso-vshape", "hip-scale", "measure-shoulder", "measure-waist")
    lopsided = ("trans-out", "nose-trans", "head-trans", "head-angle", "asym", "pregnant", "head-age")
    out: dict[str, float] = {}
    for label in body.shape_labels()[1]:
        name = label.removeprefix("l-").removeprefix("r-")
        if any(word in name for word in lopsided):
            continue
        strength = 0.22 if name.startswith(skull) else 0.45 if name.startswith(face) else 0.25 if name.startswith(build) else 0.0
        if not strength:
            continue
        twin = f"l-{name}"
        value = out[twin] if label.startswith("r-") and twin in out else float(np.clip(rng.normal(0, strength), -0.9, 0.9))
        out[label] = value
    return out


def _draw_look(rng: np.random.Generator, feminine: bool, african: float, age: float) -> Look:
    tone = float(np.clip(0.15 + 0.75 * african + rng.normal(0, 0.12), 0, 1)) * (len(SKIN_SRGB) - 1)
    low = min(int(tone), len(SKIN_SRGB) - 2)
    skin_srgb = np.array(SKIN_SRGB[low]) + (tone - low) * (np.array(SKIN_SRGB[low + 1]) - SKIN_SRGB[low])
    skin = _linear(skin_srgb + rng.normal(0, 4, 3))
    dark = tone > 2.6
    hair = _linear(np.array(HAIR_SRGB[rng.integers(3 if dark else len(HAIR_SRGB))]) * rng.uniform(0.8, 1.2))
    if age > 0.88 and rng.random() < 0.6:
        hair = _linear(np.array(HAIR_SRGB[7]) * rng.uniform(0.7, 1.2))
    styles = ["long", "bob", "bun", "short", "curly"] if feminine else ["cropped", "short", "short", "curly", "bald"]
    receding = 0.0 if feminine else float(rng.uniform(0, 0.012))
    line = [h + rng.normal(0, 0.002) + (receding if k < 3 else 0) for k, h in enumerate(HAIRLINE)]
    beard = not feminine and rng.random() < 0.35
    lips = skin * (np.array([0.92, 0.50, 0.50]) if not feminine else np.array([0.95, 0.42, 0.44]))
    return Look(
        feminine=feminine,
        skin=skin,
        lips=np.asarray(lips, np.float32),
        hair=hair,
        iris=_linear(np.array(IRIS_SRGB[rng.integers(2 if dark else len(IRIS_SRGB))])),
        hair_style=styles[rng.integers(len(styles))],
        hairline=tuple(float(h) for h in line),
        brow=(0.9215 + float(rng.normal(0, 0.0012)), float(rng.uniform(0.0042, 0.0068) * (0.8 if feminine else 1.1)), float(rng.uniform(0.001, 0.005)), float(rng.uniform(0.7, 0.95))),
        beard=float(rng.uniform(0.006, 0.016)) if beard else 0.0,
        stubble=0.0 if feminine else (0.75 if beard else float(rng.uniform(0.05, 0.4))),
        freckles=float(rng.uniform(0, 0.8)) if tone < 1.5 and rng.random() < 0.4 else 0.0,
        makeup=float(rng.uniform(0, 0.8)) if feminine else 0.0,
        age=float((age - 0.67) / 0.26),
    )


def _draw_outfit(rng: np.random.Generator, feminine: bool) -> Outfit:
    sleeve = float(rng.choice([0.0, 0.45, 0.55, 1.2, 1.93]))
    neck_v = bool(rng.random() < 0.35)
    hem = float(rng.uniform(0.06, 0.13))
    skirt = feminine and rng.random() < 0.45
    jacket = None
    if rng.random() < 0.3:
        jacket = (hem - float(rng.uniform(0.0, 0.08)), 1.95, 0.690, 0.0)
    short_trousers = not skirt and rng.random() < 0.2
    bottom_fabric = denim(rng) if rng.random() < 0.5 else fabric(rng, plain=0.6)
    return Outfit(
        top=(hem if not skirt else 0.19, sleeve, 0.625 if neck_v else float(rng.uniform(0.66, 0.69)), 1.5 if neck_v else 0.0),
        top_fabric=fabric(rng, plain=0.12),
        top_flare=float(rng.uniform(0.0, 0.022)) if not skirt else 0.0,
        jacket=jacket,
        jacket_fabric=fabric(rng, plain=0.7),
        legs="skirt" if skirt else "trousers",
        bottom=(0.235, float(rng.uniform(-0.40, -0.05)) if skirt else (float(rng.uniform(0.7, 0.95)) if short_trousers else 2.03)),
        bottom_fabric=fabric(rng, plain=0.3) if skirt else bottom_fabric,
        shoe_fabric=fabric(rng, plain=0.9),
        sole=tuple(float(c) for c in np.repeat(rng.choice([0.03, 0.5, 0.75]), 3)),
    )


def _linear(srgb: npt.NDArray[np.floating]) -> Floats:
    return np.asarray((np.clip(srgb, 2, 255) / 255.0) ** 2.2, dtype=np.float32)


__all__ = ["Actor", "Layer", "Look", "Outfit", "colour", "draw_actor", "layers", "normals"]
