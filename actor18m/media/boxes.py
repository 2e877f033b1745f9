"""Boxes x0, y0, x1, y1: pure functions over numbers."""

from actor18m.arrays import Box

Sides = dict[str, int]
"""x0, y0, x1, y1 in whole pixels, the end exclusive."""


def size(box: Box) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def centre(box: Box) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def moved(box: Box, by: tuple[float, float]) -> Box:
    return box[0] + by[0], box[1] + by[1], box[2] + by[0], box[3] + by[1]


def shared(one: Box, other: Box) -> float:
    """The area that lies in both."""
    width, height = min(one[2], other[2]) - max(one[0], other[0]), min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, width) * max(0.0, height)


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    both = shared(one, other)
    return both / (size(one) + size(other) - both) if both > 0 else 0.0


def inside(box: Box, other: Box) -> float:
    """The share of a box that lies in the other."""
    return shared(box, other) / size(box) if size(box) > 0 else 0.0


def around(one: Box, other: Box) -> Box:
    """The smallest box that holds both."""
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])


def shrunk(box: Box, share: float) -> Box:
    """Without a margin of this share of each side."""
    dx, dy = (box[2] - box[0]) * share, (box[3] - box[1]) * share
    return box[0] + dx, box[1] + dy, box[2] - dx, box[3] - dy


def square(box: Box, margin: float, width: int, height: int) -> Sides:
    """Around a box, moved into the frame, and smaller only where the frame is."""
    x0, y0, x1, y1 = box
    side = round(min(max(x1 - x0, y1 - y0) * (1 + 2 * margin), width, height))
    left = min(max(0, round((x0 + x1 - side) / 2)), width - side)
    top = min(max(0, round((y0 + y1 - side) / 2)), height - side)
    return {"x0": left, "y0": top, "x1": left + side, "y1": top + side}


def with_margin(box: Box, margin: float, width: int, height: int) -> Sides:
    """A box with a margin, as far as the frame goes."""
    x0, y0, x1, y1 = box
    more = max(x1 - x0, y1 - y0) * margin
    left, top = max(0, round(x0 - more)), max(0, round(y0 - more))
    return {"x0": left, "y0": top, "x1": min(width, round(x1 + more)), "y1": min(height, round(y1 + more))}
