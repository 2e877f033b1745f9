"""How often judges are wrong: what they answered about pairs of which it is known that the two differ."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb
from typing import Any

from actor18m.stage import KnownPairs
from actor18m.survey.snapshot import Record

_SURE = 0.05
"""Bounds of shares are exceeded with this likelihood."""


@dataclass(frozen=True)
class Judged:
    """How likely a judge holds it that two pictures agree, 0 to 1: its confidence, or what is left of it where its
    verdict is that they differ."""

    known: Mapping[str, Sequence[float]]
    """Of pairs that differ, by kind."""
    images: Sequence[float]
    """Of images and their sources."""
    accepted: Mapping[str, int]
    """How many of the known pairs it took for one person's, by kind."""

    @property
    def every_known(self) -> list[float]:
        return [each for of_kind in self.known.values() for each in of_kind]

    def told(self) -> dict[str, Any]:
        """Shares of pairs that are accepted, as a status has them."""
        pairs, accepted = len(self.every_known), sum(self.accepted.values())
        return {
            "pairs": pairs,
            "accepted": accepted,
            "false_accept_rate": round(accepted / pairs, 4) if pairs else None,
            "at_most": round(at_most(accepted, pairs), 4),
            "kinds": {name: {"pairs": len(s), "accepted": self.accepted[name]} for name, s in self.known.items()},
        }


def judged(record: Record) -> dict[str, Judged]:
    """Of each stage that is put to the test, over all rows that it wrote as it is."""
    return {
        link.name: _judged(
            [
                row
                for files in record.files[link.name].values()
                for row in link.ledger(record.store).read_lot(files, _columns(link.stage_class.known_pairs)).to_pylist()
            ],
            link.stage_class.known_pairs,
        )
        for link in record.links.values()
        if link.stage_class.known_pairs is not None
    }


def at_most(hits: int, n: int) -> float:
    """The share of which more than `hits` of n would come in all but one of twenty cases: what so few cases leave
    possible. 1 of no case."""
    if hits >= n:
        return 1.0
    low, high = hits / n, 1.0
    for _ in range(40):
        share = (low + high) / 2
        fewer = sum(comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(hits + 1))
        low, high = (low, share) if fewer < _SURE else (share, high)
    return high


def _columns(of: KnownPairs) -> list[str]:
    return [of.verdict, of.confidence, of.kind, of.known_verdict, of.known_confidence]


def _judged(rows: Sequence[Mapping[str, Any]], of: KnownPairs) -> Judged:
    known, accepted = defaultdict[str, list[float]](list), defaultdict[str, int](int)
    images = []
    for row in rows:
        if row[of.verdict] is None:
            continue  # it failed
        images.append(_agreement(row[of.verdict], row[of.confidence], of))
        if (kind := row[of.kind]) is not None:
            known[kind].append(_agreement(row[of.known_verdict], row[of.known_confidence], of))
            accepted[kind] += row[of.known_verdict] == of.accepts
    return Judged(dict(sorted(known.items())), images, dict(accepted))


def _agreement(verdict: str, confidence: float | None, of: KnownPairs) -> float:
    """A judge that tells no confidence is taken at its word."""
    sure = 1.0 if confidence is None else confidence
    return sure if verdict == of.accepts else 1 - sure
