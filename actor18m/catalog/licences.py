"""Which of several licences binds most: a clip that came from two sources keeps the terms of both."""

from collections.abc import Sequence

_OPEN = ("cc0", "public domain", "pd", "mit", "bsd", "apache", "unlicense")
_CONDITIONS = {"nd": 16, "nc": 8, "sa": 4, "gpl": 4, "by": 1}
"""What a licence's name asks for, in words that Creative Commons and others use."""
_OWN_TERMS = 64
_UNKNOWN = 128


def strictest(licences: Sequence[str | None]) -> str | None:
    """An input without a licence binds most: nothing is known to be allowed. A name that says nothing binds more than
    one that says what it asks for. Of equals, the first in the alphabet.
    """
    return min(licences, key=lambda licence: (-weight(licence), licence or ""), default=None)


def weight(licence: str | None) -> int:
    """How much it binds."""
    if not licence:
        return _UNKNOWN
    text = licence.lower()
    words = text.replace("-", " ").replace("_", " ").split()
    conditions = sum(weight for name, weight in _CONDITIONS.items() if name in words)
    if conditions or text.startswith(_OPEN):
        return conditions
    return _OWN_TERMS
