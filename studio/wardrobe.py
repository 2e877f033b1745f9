"""What an actor wears, drawn from a seed."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from studio.fabrics import denim, fabric

Pixels = npt.NDArray[np.uint8]


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


def draw_outfit(rng: np.random.Generator, feminine: bool) -> Outfit:
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
        top=(
            hem if not skirt else 0.19,
            sleeve,
            0.625 if neck_v else float(rng.uniform(0.66, 0.69)),
            1.5 if neck_v else 0.0,
        ),
        top_fabric=fabric(rng, plain=0.12),
        top_flare=float(rng.uniform(0.0, 0.022)) if not skirt else 0.0,
        jacket=jacket,
        jacket_fabric=fabric(rng, plain=0.7),
        legs="skirt" if skirt else "trousers",
        bottom=(
            0.235,
            float(rng.uniform(-0.40, -0.05)) if skirt else (float(rng.uniform(0.7, 0.95)) if short_trousers else 2.03),
        ),
        bottom_fabric=fabric(rng, plain=0.3) if skirt else bottom_fabric,
        shoe_fabric=fabric(rng, plain=0.9),
        sole=(float(rng.choice([0.03, 0.5, 0.75])),) * 3,
    )
