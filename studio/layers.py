"""What is drawn for an actor: layers of skin, eyes, cloth and hair, innermost first."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from studio import body
from studio.actor import Actor, Look
from studio.anatomy import limbs
from studio.wardrobe import Outfit

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
        Layer(
            "feet",
            "cloth",
            dressed
            | {"kind": 3, "offset": 0.008, "sole_colour": outfit.sole, "gloss": 0.35, "folds": 0.15, "gap": 0.0},
            outfit.shoe_fabric,
            True,
        ),
    ]
    cloth = dressed | {"sole_colour": (0.0, 0.0, 0.0), "gloss": 0.06, "gap": 0.0}
    if trousers:
        out.append(
            Layer(
                "lower",
                "cloth",
                cloth | {"kind": 1, "offset": 0.006, "flare": 0.0, "folds": 0.5},
                outfit.bottom_fabric,
                True,
            )
        )
    else:
        out.append(
            Layer("skirt", "cloth", cloth | {"kind": 2, "offset": 0.008, "folds": 0.7}, outfit.bottom_fabric, True)
        )
    out.append(
        Layer(
            "upper",
            "cloth",
            cloth | {"kind": 0, "offset": 0.010, "flare": outfit.top_flare, "folds": 0.6},
            outfit.top_fabric,
            True,
        )
    )
    if outfit.jacket is not None:
        out.append(
            Layer(
                "upper",
                "cloth",
                cloth
                | {
                    "kind": 0,
                    "top": outfit.jacket,
                    "offset": 0.019,
                    "flare": outfit.top_flare + 0.012,
                    "folds": 0.6,
                    "gap": 0.055,
                },
                outfit.jacket_fabric,
                True,
            )
        )
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
        out.append(
            Layer(
                "scalp",
                "hair",
                dict(hair) | {"style": 0, "hair_layer": (length, share), "curl": curl, "lie": lie},
                casts_shadow=k == count // 2,
                only_near=k % 3 != 2,
            )
        )
    if look.hair_style in ("bob", "long"):
        end = 0.80 if look.hair_style == "bob" else 0.62
        out.append(
            Layer(
                "hair",
                "hair",
                dict(hair) | {"style": 1, "hull_end": end, "offset": 0.004, "hair_layer": (0.0, 0.9)},
                casts_shadow=True,
            )
        )
    if look.beard:
        for k in range(6):
            out.append(
                Layer(
                    "beard",
                    "hair",
                    dict(hair) | {"style": 2, "hair_layer": (look.beard, (k + 1) / 6), "lie": 0.3},
                    only_near=k % 2 == 0,
                )
            )
    return out


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
