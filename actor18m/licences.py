"""Which of several licences binds most: a clip that came from two sources keeps the terms of both."""

from collections.abc import Sequence

_OPEN = ("cc0", "public domain", "pd", "mit", "bsd", "apache", "unlicense")
_CONDITIONS = (
    ("all rights reserved", 64),
    ("proprietary", 64),
    ("nd", 16),
    ("nc", 8),
    ("sa", 4),
    ("gpl", 4),
    ("by", 1),
)
_UNKNOWN = 128


def strictest(licences: Sequence[str | None]) -> str | None:
    """An input without a licence binds most: nothing is known to be allowed. Of equals, the first in the alphabet."""
    return min(licences, key=lambda licence: (-_weight(licence), licence or ""), default=None)


def _weight(licence: str | None) -> int:
    if not licence:
        return _UNKNOWN
    text = licence.lower()
    words = text.replace("-", " ").replace("_", " ").split()
    weight = sum(weight for name, weight in _CONDITIONS if name in words or (" " in name and name in text))
    if weight:
        return weight
    return 0 if any(text.startswith(each) for each in _OPEN) else 32
