"""Where a judge's bound should lie, so that it accepts at most a given share of the pairs that are known to differ."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from actor18m.errors import ActorError
from actor18m.survey.known_pairs import Judged, at_most

_STEPS = 50
"""A half is where a verdict turns; bounds from 0 to 1 are told in so many steps."""


@dataclass(frozen=True)
class Point:
    """What a bound would do."""

    bound: float
    accepted: float
    """Share of the known pairs that would be accepted."""
    kept: float
    """Share of the images."""


@dataclass(frozen=True)
class Calibration:
    pairs: int
    images: int
    target: float
    points: Sequence[Point]
    chosen: Point | None
    """The lowest bound that accepts no more than the target; None where even the highest accepts more."""

    @property
    def at_most(self) -> float:
        """What so few pairs leave possible of the share that is accepted."""
        return 1.0 if self.chosen is None else at_most(round(self.chosen.accepted * self.pairs), self.pairs)

    def told(self) -> dict[str, Any]:
        return asdict(self) | {"at_most": round(self.at_most, 4)}


def calibrated(judged: Judged, target: float) -> Calibration:
    known, images = judged.every_known, judged.images
    if not known:
        raise ActorError(
            "No pair that is known to differ was judged yet: nothing says how often the judge is wrong. Build with a "
            "larger share of them (known_pairs, a parameter of the judge), and ask again."
        )
    points = [_point(round(step / _STEPS, 4), known, images) for step in range(_STEPS + 1)]
    chosen = next((point for point in points if point.accepted <= target), None)
    return Calibration(len(known), len(images), target, points, chosen)


def _point(bound: float, known: Sequence[float], images: Sequence[float]) -> Point:
    return Point(bound, _share(bound, known), _share(bound, images))


def _share(bound: float, values: Sequence[float]) -> float:
    return round(sum(value >= bound for value in values) / len(values), 4) if values else 0.0
