"""Colours are called what people call them."""

import numpy as np
import pytest

from actor18m.media.colour_names import NAMES, WORDS, counted, lab_of, most, named


def told(*colours: tuple[int, int, int]) -> str | None:
    counts = named(lab_of(np.array(colours, dtype=np.uint8)))
    return most(counts / counts.sum(), 0.6, 0.15, 0.6)


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
    assert told(colour) == f"mostly {name}"


def test_shades_of_one_colour_count_together_and_two_colours_are_both_named() -> None:
    blue, dark_blue, white, green, red = (50, 95, 190), (30, 40, 90), (250, 250, 250), (60, 150, 70), (205, 40, 40)
    assert told(blue, dark_blue, dark_blue, white, red) == "mostly dark blue"
    assert told(blue, dark_blue, (150, 190, 225), white, red) == "mostly blue", "no shade is most of it"
    assert told(white, white, blue, blue, green) == "white, blue and green"
    assert told(*[white] * 3, *[blue] * 3, green, red) == "white and blue"
    assert told(*[white] * 5, *[blue] * 1, green, red, (0, 0, 0), (230, 205, 60)) == "white among other colours"
    assert told(white, blue, green, red, (0, 0, 0), (230, 205, 60), (230, 130, 40)) is None


def test_no_pixels_have_no_colours() -> None:
    lab = lab_of(np.zeros((0, 3), np.uint8))
    assert counted(lab).tolist() == [0] * len(NAMES)
    assert named(lab).tolist() == [0] * len(WORDS)


@pytest.mark.parametrize(
    ("colour", "name"),
    [
        ((74, 100, 125), "blue"),
        ((140, 85, 78), "red"),
        ((150, 132, 110), "beige"),
        ((100, 85, 68), "brown"),
        ((62, 47, 36), "dark brown"),
        ((90, 112, 85), "green"),
        ((128, 126, 122), "grey"),
        ((66, 65, 63), "dark grey"),
    ],
)
def test_what_has_little_colour_is_called_by_it_all_the_same(colour: tuple[int, int, int], name: str) -> None:
    assert told(colour) == f"mostly {name}"
