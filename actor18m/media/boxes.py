"""Boxes x0, y0, x1, y1: pure functions over numbers."""

from actor18m.models.roles import Box


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
