"""Colours are called what people call them."""

import numpy as np
import pytest

from actor18m.media.colour_names import NAMES, counted, lab_of, most


def named(*colours: tuple[int, int, int]) -> str | None:
    counts = counted(lab_of(np.array(colours, dtype=np.uint8)))
    return most(counts / counts.sum(), 0.5, 0.2)


@pytest.mark.parametrize(
    ("colour", "name"),
    [
        ((0, 0, 0), "black"),
        ((255, 255, 255), "white"),
        ((128, 128, 128), "grey"),
        ((200, 30, 40), "red"),
        ((20, 30, 80), "dark blue"),
        ((120, 80, 50), "brown"),
        ((240, 120, 30), "orange"),
        ((40, 140, 60), "green"),
    ],
)
def test_a_colour_has_the_nearest_name(colour: tuple[int, int, int], name: str) -> None:
    assert named(colour) == f"mostly {name}"


def test_shades_of_one_colour_count_together_and_two_colours_are_both_named() -> None:
    blue, dark_blue, white, green, red = (50, 95, 190), (30, 40, 90), (250, 250, 250), (60, 150, 70), (205, 40, 40)
    assert named(blue, dark_blue, dark_blue, white, red) == "mostly dark blue"
    assert named(white, white, blue, blue, green) == "white and blue"
    assert named(white, blue, green, red, (0, 0, 0)) is None


def test_no_pixels_have_no_colours() -> None:
    lab = lab_of(np.zeros((0, 3), np.uint8))
    assert counted(lab).tolist() == [0] * len(NAMES)
