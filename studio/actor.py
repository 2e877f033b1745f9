"""A digital actor drawn from a seed: who they are, and what they wear."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from studio import body, occlusion
from studio.anatomy import HAIRLINE, hang_cloth, normals
from studio.wardrobe import Outfit, draw_outfit

Floats = npt.NDArray[np.float32]

SKIN_SRGB = ((224, 186, 164), (212, 168, 140), (194, 144, 112), (168, 116, 84), (130, 86, 60), (94, 60, 44))
HAIR_SRGB = (
    (22, 18, 18),
    (45, 30, 22),
    (82, 52, 32),
    (122, 82, 48),
    (178, 134, 82),
    (206, 172, 120),
    (112, 46, 26),
    (150, 146, 142),
)
IRIS_SRGB = ((82, 52, 30), (56, 36, 22), (98, 112, 74), (96, 124, 150), (120, 96, 60))


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
class Actor:
    """An identity with a wardrobe. The same seed is the same person in the same clothes."""

    identity: str
    shape: body.Shape
    occlusion: Floats  # [V] share of the sky that a vertex sees
    look: Look
    outfit: Outfit


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
    bare = body.shape(phenotypes, _face_changes(rng))
    shape = replace(bare, vertices=hang_cloth(bare.vertices))
    look = _draw_look(rng, feminine, ancestry["african"], phenotypes["age"])
    outfit = draw_outfit(rng, feminine)
    skin = body.mesh().triangles["skin"]
    vertex_triangles = body.mesh().corner_vertex[np.concatenate([skin, body.mesh().triangles["tights"]])]
    share = occlusion.sky_share(shape.vertices, normals(shape.vertices), vertex_triangles)
    # Garment hulls lie just above the skin: they take its shade from the whole body too, but keep more light.
    return Actor(f"actor-{seed:08x}", shape, 0.25 + 0.75 * share, look, outfit)


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
        strength = (
            0.22
            if name.startswith(skull)
            else 0.45
            if name.startswith(face)
            else 0.25
            if name.startswith(build)
            else 0.0
        )
        if not strength:
            continue
        twin = f"l-{name}"
        value = (
            out[twin] if label.startswith("r-") and twin in out else float(np.clip(rng.normal(0, strength), -0.9, 0.9))
        )
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
        brow=(
            0.9215 + float(rng.normal(0, 0.0012)),
            float(rng.uniform(0.0042, 0.0068) * (0.8 if feminine else 1.1)),
            float(rng.uniform(0.001, 0.005)),
            float(rng.uniform(0.7, 0.95)),
        ),
        beard=float(rng.uniform(0.006, 0.016)) if beard else 0.0,
        stubble=0.0 if feminine else (0.75 if beard else float(rng.uniform(0.05, 0.4))),
        freckles=float(rng.uniform(0, 0.8)) if tone < 1.5 and rng.random() < 0.4 else 0.0,
        makeup=float(rng.uniform(0, 0.8)) if feminine else 0.0,
        age=float((age - 0.67) / 0.26),
    )


def _linear(srgb: npt.NDArray[np.floating]) -> Floats:
    return np.asarray((np.clip(srgb, 2, 255) / 255.0) ** 2.2, dtype=np.float32)
