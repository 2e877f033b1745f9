"""Places as a lens sees them behind a person, by name.

No place is a photograph. What is painted lies well behind the person, is out of focus, and needs no more detail than
that leaves; places that only detail makes (a crowd, a kitchen) have no painter.
"""

from collections.abc import Callable, Sequence

import numpy as np

from actor18m.arrays import Floats
from stages.painting import indoors, outdoors
from stages.painting.painter import Painter
from stages.painting.textures import light
from stages.painting.view import View

SCENES: dict[str, Callable[[Painter], Floats]] = {
    each.__name__: each
    for each in (
        outdoors.shore, outdoors.meadow, outdoors.woodland, outdoors.foliage, outdoors.dunes, outdoors.lake,
        outdoors.night, outdoors.city, indoors.lights, indoors.bricks, indoors.tiles, indoors.planks, indoors.plaster,
        indoors.studio, indoors.curtain, indoors.shelves, indoors.corridor, indoors.window,
    )
}  # fmt: skip


def painted(view: View, scene: str, palette: Sequence[str], density: float, seed: int) -> Floats:
    """float32[H, W, 3] in linear light."""
    return SCENES[scene](Painter(view, [light(each) for each in palette], density, np.random.default_rng(seed)))
