"""Two shares over a bound, drawn: as text of at most 80 columns, and as SVG. Nothing has to be installed for it."""

from collections.abc import Sequence

from actor18m.survey.calibrating import Calibration, Point

_COLUMNS, _ROWS = 51, 12
_KNOWN, _KEPT, _BOTH = "x", "o", "*"
_WIDTH, _HEIGHT, _EDGE = 640, 400, 56


def as_text(found: Calibration) -> list[str]:
    """Lines; x is the share of pairs that differ and are accepted, o that of images that are kept."""
    known, kept = _places([point.accepted for point in found.points]), _places([point.kept for point in found.points])
    lines = []
    for row in range(_ROWS, -1, -1):
        cells = [
            _BOTH if known[column] == kept[column] == row else _KNOWN if known[column] == row
            else _KEPT if kept[column] == row else _line(found, column)
            for column in range(_COLUMNS)
        ]  # fmt: skip
        label = f"{100 * row / _ROWS:4.0f}% " if row % 3 == 0 else "      "
        lines.append((label + "|" + "".join(cells)).rstrip())
    lines.append("      +" + "-" * _COLUMNS)
    lines.append("       0" + "0.5".center(_COLUMNS - 2) + "1   bound")
    lines.append(f"       {_KNOWN} pairs that differ, accepted   {_KEPT} images, kept   : chosen")
    return lines


def as_svg(found: Calibration) -> str:
    """A file of its own."""
    known = _path([(point.bound, point.accepted) for point in found.points])
    kept = _path([(point.bound, point.kept) for point in found.points])
    ticks = "".join(_tick(share / 4) for share in range(5))
    chosen = "" if found.chosen is None else _upright(found.chosen)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        f'font-size="12"><rect width="100%" height="100%" fill="white"/>{ticks}{chosen}'
        f'<path d="{kept}" fill="none" stroke="#1f77b4" stroke-width="2"/>'
        f'<path d="{known}" fill="none" stroke="#d62728" stroke-width="2"/>'
        f'<text x="{_EDGE}" y="20" fill="#d62728">of {found.pairs} pairs that differ, accepted</text>'
        f'<text x="{_WIDTH // 2}" y="20" fill="#1f77b4">of {found.images} images, kept</text>'
        f'<text x="{_WIDTH // 2}" y="{_HEIGHT - 8}">bound</text></svg>\n'
    )


def _places(shares: Sequence[float]) -> list[int]:
    """Rows, counted from below."""
    return [round(share * _ROWS) for share in shares]


def _line(found: Calibration, column: int) -> str:
    return ":" if found.chosen is not None and found.points[column] is found.chosen else " "


def _at(bound: float, share: float) -> tuple[float, float]:
    return _EDGE + bound * (_WIDTH - 2 * _EDGE), _HEIGHT - _EDGE - share * (_HEIGHT - 2 * _EDGE)


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in (_at(*point) for point in points))


def _tick(share: float) -> str:
    """Of both axes."""
    (left, y), (right, _), (x, low) = _at(0, share), _at(1, share), _at(share, 0)
    return (
        f'<path d="M{left:.1f} {y:.1f} H{right:.1f}" stroke="#ddd"/>'
        f'<text x="{left - 8:.1f}" y="{y + 4:.1f}" text-anchor="end">{100 * share:.0f}%</text>'
        f'<text x="{x:.1f}" y="{low + 16:.1f}" text-anchor="middle">{share:g}</text>'
    )


def _upright(chosen: Point) -> str:
    (x, low), (_, high) = _at(chosen.bound, 0), _at(chosen.bound, 1)
    return f'<path d="M{x:.1f} {low:.1f} V{high:.1f}" stroke="#888" stroke-dasharray="4 4"/>'
