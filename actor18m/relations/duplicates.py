"""Who repeats whom: found in order of registration, so that neither arrival nor parallelism changes it.

What was found is kept (cache.py). A lot's digest covers its members and those of all lots before: where the digest
is the one that was kept, so is the outcome.
"""

import math
from collections.abc import Iterator
from hashlib import sha256
from itertools import chain, pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from actor18m import stopping
from actor18m.keys import SHORT_DIGITS
from actor18m.relations.cache import MEMBERS, OF, Relation
from actor18m.relations.signature_search import NONE, DuplicateRule, Durations, Shelves, Signatures
from actor18m.storage.lease import Lease
from actor18m.storage.store import Store

_AT_ONCE = 2048
"""Clips are looked up together; then each is compared with those of them that came before."""


class Duplicates:
    """Give it lots in order: the earliest of the clips that are alike stands, and the others repeat it."""

    def __init__(self, store: Store, rule: DuplicateRule | None) -> None:
        self.rule = rule
        self._relation = Relation(store, "duplicates", rule.model_dump(mode="json") if rule else {})
        self._digest = ""
        self._search: _Search | None = None
        """None as long as all lots were kept."""
        self._last = MEMBERS.empty_table()
        self._last_digests: dict[int, str] = {}

    def repeated(self, members: pa.Table) -> pa.Array:
        """For each member (`lot`, `clip`, `signature`, `duration_s`) the clip that it repeats: itself, when its bytes
        were given before; null for a clip that stands. Whole lots, in order.
        """
        outcomes, done = [pa.array([], pa.string())], 0
        self._last_digests = {}
        for lot, some in _by_lot(members):
            self._digest = self._last_digests[lot] = _digest(self._digest, some)
            if self._search is None:
                if (kept := self._relation.kept(lot, self._digest)) is None:
                    self._search = _Search(self.rule, self._relation.taken())
                else:
                    outcomes.append(kept)
                    done += len(kept)
        if self._search is not None:
            outcomes.append(self._search.repeated(members.slice(done)))
        repeated = pa.concat_arrays(outcomes)
        self._last = members.append_column(OF, repeated)
        return repeated

    def keep(self, lease: Lease) -> None:
        """Writes what was found of the lots that were given last, a block of them."""
        self._relation.keep(lease, self._last, self._last_digests)


class _Search:
    """Goes on where the lots that were kept end."""

    def __init__(self, rule: DuplicateRule | None, before: Iterator[pa.Table]) -> None:
        self._shelves = Shelves(rule) if rule else None
        self._repeats: dict[str, str] = {}
        """Clip -> the one that it repeats; itself, if it stands."""
        self._standing: list[str] = []
        for table in before:
            clips, of = table["clip"].to_pylist(), table["of"].to_pylist()
            for clip, repeated in zip(clips, of, strict=True):
                self._repeats.setdefault(clip, repeated or clip)
            stands = table.filter(pc.is_null(table["of"]))
            self._stand(stands["clip"].to_pylist(), stands["signature"].to_pylist(), _durations(stands))

    def repeated(self, members: pa.Table) -> pa.Array:
        tables = (members.slice(start, _AT_ONCE) for start in range(0, members.num_rows, _AT_ONCE))
        return pa.array(list(chain.from_iterable(map(self._next, tables))), pa.string())

    def _next(self, members: pa.Table) -> list[str | None]:
        stopping.check()
        clips = members["clip"].to_pylist()
        first: dict[str, int] = {}
        for at, clip in enumerate(clips):
            if clip not in self._repeats:
                first.setdefault(clip, at)
        new = members.take(pa.array(first.values(), pa.int64()))
        self._judge(list(first), new["signature"].to_pylist(), _durations(new))
        return [
            None if first.get(clip) == at and self._repeats[clip] == clip else self._repeats[clip]
            for at, clip in enumerate(clips)
        ]

    def _judge(self, clips: list[str], signatures: Signatures, durations: Durations) -> None:
        """Clips that were not given before."""
        start = 0
        if self._shelves is not None:
            number, own = np.arange(len(clips)), Shelves(self._shelves.rule)
            own.add(signatures, durations, number)
            earliest = self._shelves.earliest(signatures, durations)
            for at in np.flatnonzero((earliest != NONE) | (own.earliest(signatures, durations) < number)).tolist():
                self._stand(clips[start:at], signatures[start:at], durations[start:at])
                start, like = at, earliest[at]
                if like == NONE:  # it is like an earlier one of these, which stands now, or repeats another
                    (like,) = self._shelves.earliest(signatures[at : at + 1], durations[at : at + 1])
                if like != NONE:
                    self._repeats[clips[at]] = self._standing[like]
                    start = at + 1
        self._stand(clips[start:], signatures[start:], durations[start:])

    def _stand(self, clips: list[str], signatures: Signatures, durations: Durations) -> None:
        if self._shelves is not None:
            self._shelves.add(signatures, durations, np.arange(len(self._standing), len(self._standing) + len(clips)))
        self._standing += clips
        self._repeats.update(zip(clips, clips, strict=True))


def _by_lot(members: pa.Table) -> Iterator[tuple[int, pa.Table]]:
    lots = members["lot"].to_numpy()
    starts = np.flatnonzero(np.diff(lots, prepend=-1)).tolist()
    for start, stop in pairwise([*starts, len(lots)]):
        yield int(lots[start]), members.slice(start, stop - start)


def _digest(before: str, members: pa.Table) -> str:
    signatures = members["signature"]
    hashed = sha256(f"{before} {members['clip'].to_pylist()}".encode())
    hashed.update(pc.fill_null(pc.binary_length(signatures), -1).to_numpy().tobytes())
    hashed.update(b"".join(signatures.drop_null().to_pylist()))
    hashed.update(_durations(members).tobytes())
    return hashed.hexdigest()[:SHORT_DIGITS]


def _durations(members: pa.Table) -> Durations:
    """NaN where there is none."""
    durations: Durations = pc.fill_null(members["duration_s"], math.nan).to_numpy().astype(np.float32)
    return durations
