"""What a scene is made of: textured surfaces, light, and the air between them.

World axes: z up, metres, the floor is z = 0. Actors play around the origin; the camera stands at negative y and looks
towards positive y, so x grows to the image's right.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Surface:
    """A textured triangle mesh that does not move."""

    positions: Floats  # [V, 3] metres
    normals: Floats  # [V, 3] unit length, towards the viewer's side
    uv: Floats  # [V, 2] repeats outside [0, 1]
    triangles: Ints  # [F, 3]
    texture: Pixels  # [H, W, 3] sRGB
    gloss: float = 0.1  # 0 matt to 1 polished
    emission: float = 0.0  # share of the texture's colour that glows whatever the light
    casts_shadow: bool = True


@dataclass(frozen=True)
class Lighting:
    """One key light that casts shadows, and light from above and below. Colours are linear RGB."""

    key_direction: Floats  # [3] unit vector from the scene to the light
    key_colour: Floats  # [3]
    sky_colour: Floats  # [3] ambient that reaches upward-facing surfaces
    ground_colour: Floats  # [3] ambient that reaches downward-facing surfaces
    exposure: float = 1.0


@dataclass(frozen=True)
class Scene:
    """Everything the camera sees apart from the actors."""

    name: str
    surfaces: tuple[Surface, ...]
    lighting: Lighting
    backdrop: Floats  # [3] linear RGB of what lies behind all surfaces
