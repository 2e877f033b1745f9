"""People who are nobody's: pictures of digital actors, each with its mask. A judge that takes one for the person of a
source image is wrong. `python -m accuracy.strangers` renders them.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from actor18m.keys import seed

FOLDER = Path(__file__).parent / "looks" / "strangers"


def stranger(region: str, number: int) -> Mapping[str, bytes]:
    """Files of one, by suffix, as an image has them. Any number names one; sheets are compared with bodies."""
    every = _of("face" if region == "face" else "body")
    return every[number % len(every)]


def stranger_of(region: str, key: str) -> Mapping[str, bytes]:
    """The one that an image is compared with, drawn so that one more stranger is drawn for few images."""
    every = _of("face" if region == "face" else "body")
    return max(enumerate(every), key=lambda each: seed(key, f"stranger {each[0]}"))[1]


@cache
def _of(region: str) -> tuple[Mapping[str, bytes], ...]:
    return tuple(
        {"webp": path.read_bytes(), "mask.png": path.with_suffix(".mask.png").read_bytes()}
        for path in sorted(FOLDER.glob(f"{region}-*.webp"))
    )
