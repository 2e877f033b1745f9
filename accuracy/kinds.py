"""What a picture that a judge is shown may be: the right one, or one of which it is known what is wrong."""

TRUE, STRANGER, GARMENT, PATTERN, MIRRORED, OTHER_VIEW, TWO = (
    "right ones", "another person", "another garment", "another pattern", "mirrored", "another view", "two people",
)  # fmt: skip
WRONG = (STRANGER, GARMENT, PATTERN, MIRRORED, OTHER_VIEW, TWO)
