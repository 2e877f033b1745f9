"""How often judges are wrong: what they answered about pairs of which it is known that the two differ."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import comb
from typing import Any

import pyarrow.compute as pc

from actor18m.stage import KnownPairs
from actor18m.survey.admission import joined
from actor18m.survey.snapshot import Record
from actor18m.survey.survey import Surveyed

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


class Judging:
    """Collects the answers that count now, while a survey goes by: of images that are asked for, about their pictures
    as they are. What was judged once and is asked for no more is no evidence of what there is.
    """

    def __init__(self, record: Record) -> None:
        self._record = record
        told = ((link, link.stage_class.known_pairs) for link in record.links.values())
        self._tested = [(link, of) for link, of in told if of is not None]
        self._answers = {link.name: _Answers() for link, _ in self._tested}

    def add(self, surveyed: Surveyed) -> None:
        for link, of in self._tested:
            digests = surveyed.images[f"{link.name}@"]
            images = surveyed.images.filter(pc.is_valid(digests))
            about = joined([images["key"], images[f"{link.name}@"]], "/").combine_chunks()
            ledger = link.ledger(self._record.store)
            for lot in pc.unique(images["lot"]).to_pylist():
                rows = ledger.read_lot(self._record.files[link.name][lot], _columns(of))
                counts = pc.is_in(joined([rows["key"], rows["input_digest"]], "/"), value_set=about)
                self._answers[link.name].add(rows.filter(counts).to_pylist(), of)

    def found(self) -> dict[str, Judged]:
        """Of each stage that is put to the test."""
        return {name: answers.judged() for name, answers in self._answers.items()}


def judged(record: Record) -> dict[str, Judged]:
    """Of each stage that is put to the test."""
    judging = Judging(record)
    for _, surveyed in record.surveyed():
        judging.add(surveyed)
    return judging.found()


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


@dataclass
class _Answers:
    """Of one judge."""

    known: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    images: list[float] = field(default_factory=list)
    accepted: Counter[str] = field(default_factory=Counter)

    def add(self, rows: Sequence[Mapping[str, Any]], of: KnownPairs) -> None:
        for row in rows:
            if row[of.verdict] is None:
                continue  # it failed
            self.images.append(_agreement(row[of.verdict], row[of.confidence], of))
            if (kind := row[of.kind]) is not None:
                self.known[kind].append(_agreement(row[of.known_verdict], row[of.known_confidence], of))
                self.accepted[kind] += row[of.known_verdict] == of.accepts

    def judged(self) -> Judged:
        return Judged(dict(sorted(self.known.items())), self.images, dict(self.accepted))


def _agreement(verdict: str, confidence: float | None, of: KnownPairs) -> float:
    """A judge that tells no confidence is taken at its word."""
    sure = 1.0 if confidence is None else confidence
    return sure if verdict == of.accepts else 1 - sure
