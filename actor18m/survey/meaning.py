"""What people's words mean for the clips that there are: a word is said of a key or a URI, and holds for content.

To deny a file is to deny what is in it: a copy under another name, a window that is cut otherwise, and what is like it
enough to be a near duplicate. To allow is more careful: it concerns the clips that are named, and no others.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from actor18m.keys import clip_key
from actor18m.ledger.rows import OK
from actor18m.policy.overrides import LastWord
from actor18m.policy.words import ALLOW, DENY, ClipContent, Look, Word, Words
from actor18m.survey.admission import NO_FILE, found
from actor18m.survey.chain import CLIP, CONTENT, DURATION, SIGNATURE
from actor18m.survey.like_denied import Denied, LikeDenied
from actor18m.survey.snapshot import Record

CLIPS = ("uri", "cut", "crop", "clip", "content", "signature", "duration_s")
_ASKED = ("id", "lot", "uri", "cut", "crop")


@dataclass
class Meaning:
    overrides: list[LastWord] = field(default_factory=list)
    found: list[Word] = field(default_factory=list)
    """To be said: what words were found to mean that was not known before."""
    unknown: list[Word] = field(default_factory=list)
    """Words that never meant anything: mistyped, or of what is still to come."""

    @property
    def like_denied(self) -> list[LastWord]:
        return [each for each in self.overrides if each.like is not None]


def meaning(record: Record, words: Words, at: str) -> Meaning:
    """The record is read twice: first for what was meant, then for all that is so."""
    force = [word for word in words.in_force if not word.is_of_image]
    told = Meaning()
    if not force:
        return told
    whole = _whole_files(record, force)
    meant = _meant(record, [_with(word, whole.get(word.of, ())) for word in force])
    for of, windows in whole.items():
        meant.windows[of] = dict.fromkeys([*windows, *meant.windows[of]])
    for word in force:
        windows = [each for each in meant.windows[word.of] if each not in word.windows]
        looks = [each for each in meant.looks[word.of] if each not in word.looks]
        if windows or looks:
            told.found.append(_with(Word(verb="found", of=word.of, who="actor18m", at=at), windows, looks))
        if not windows and not word.windows and word.of not in meant.uris:
            told.unknown.append(word)
    force = [_with(word, meant.windows[word.of], meant.looks[word.of]) for word in force]
    decided = _decided(record, Force(force))
    # of what is not registered yet, the very key holds
    own = {word.of: LastWord(word.of, word.verb, str(word)) for word in force if not word.is_of_uri}
    told.overrides += (own | decided).values()
    return told


def _with(word: Word, windows: Iterable[ClipContent], looks: Iterable[Look] = ()) -> Word:
    return word.model_copy(
        update={
            "windows": tuple(dict.fromkeys([*word.windows, *windows])),
            "looks": tuple(dict.fromkeys([*word.looks, *looks])),
        }
    )


def meant_by(word: Word, row: Mapping[str, Any]) -> ClipContent | None:
    """What a word that was said of a URI or a key means, where this row is about that."""
    if row["clip"] is None or word.of not in (row["uri"], row["clip"]):
        return None
    if word.is_of_uri and word.verb == DENY and row["content"] is not None:
        return ClipContent(clip=row["clip"], content=row["content"])
    return ClipContent(clip=row["clip"], content=row["content"], cut=_pair(row["cut"]), crop=_four(row["crop"]))


def look_of(row: Mapping[str, Any]) -> Look | None:
    """How a clip looks, where it was measured."""
    if row["clip"] is None or not row["signature"]:
        return None
    duration_s = row["duration_s"]
    return Look(
        clip=row["clip"],
        content=row["content"],
        cut=_pair(row["cut"]),
        crop=_four(row["crop"]),
        signature=row["signature"].hex(),
        duration_s=duration_s if duration_s is not None and math.isfinite(duration_s) else None,
    )


class Force:
    """The words that hold, the oldest first, and which of them is the newest about a clip."""

    def __init__(self, words: Sequence[Word]) -> None:
        self.words = words
        self._ranks: dict[str, list[int]] = defaultdict(list)
        """By what a word names: a key, a URI, or a content."""
        for rank, word in enumerate(words):
            names = {word.of, *(name for each in word.windows for name in (each.clip, each.content))}
            for name in names - {None}:
                self._ranks[str(name)].append(rank)

    @property
    def names(self) -> pa.Array:
        return pa.array(self._ranks, pa.string())

    def newest(self, row: Mapping[str, Any]) -> int | None:
        """Its place among the words."""
        names = (row["uri"], row["clip"], row["content"])
        ranks = {rank for name in names for rank in self._ranks.get(name, ())}
        return next((rank for rank in sorted(ranks, reverse=True) if _concerns(self.words[rank], row)), None)

    def denied(self) -> list[Denied]:
        """All that was measured of clips of which the newest word denies them."""
        found = []
        for look in dict.fromkeys(look for word in self.words for look in word.looks):
            row = {"uri": None, "clip": look.clip, "content": look.content, "cut": look.cut, "crop": look.crop}
            rank = self.newest(row)
            if rank is not None and self.words[rank].verb == DENY:
                found.append(Denied(look, rank))
        return found


@dataclass
class _Meant:
    windows: dict[str, dict[ClipContent, None]]
    """By what the word is of."""
    looks: dict[str, dict[Look, None]]
    """Likewise."""
    uris: set[str]
    """Those that are registered, measured or not."""


def _whole_files(record: Record, force: Sequence[Word]) -> dict[str, list[ClipContent]]:
    """By the key that is denied, the file of which it is the key, uncut. A key that was denied before its file was ever
    measured whole says what it means no other way, when the file is split from the first.
    """
    keys = {word.of for word in force if word.verb == DENY and not word.is_of_uri and not word.windows}
    found: dict[str, list[ClipContent]] = {}
    if keys:
        for clips in _clips(record):
            for content in pc.unique(clips["content"]).drop_null().to_pylist():
                if (key := clip_key(content, None, None)) in keys:
                    found[key] = [ClipContent(clip=key, content=content)]
    return found


def _meant(record: Record, words: Sequence[Word]) -> _Meant:
    force = Force(words)
    found = _Meant({word.of: {} for word in words}, {word.of: {} for word in words}, set())
    for clips in _clips(record):
        for row in _concerned(clips, force).to_pylist():
            found.uris.add(row["uri"])
            for word in words:
                if (window := meant_by(word, row)) is not None:
                    found.windows[word.of].setdefault(window)
            rank, look = force.newest(row), look_of(row)
            if rank is not None and look is not None and words[rank].verb == DENY:
                found.looks[words[rank].of].setdefault(look)
    return found


def _decided(record: Record, force: Force) -> dict[str, LastWord]:
    """By clip: the newest word counts, whether it is said of the clip or of what the clip is like."""
    like = LikeDenied(record.surveyor.duplicates.rule, force.denied())
    own: dict[str, tuple[int, LastWord]] = {}
    alike: dict[str, Denied] = {}
    for clips in _clips(record):
        for row in _concerned(clips, force).to_pylist():
            rank = force.newest(row)
            if rank is not None and row["clip"] is not None:
                word = force.words[rank]
                own[row["clip"]] = rank, LastWord(row["clip"], word.verb, _as_said(word, row))
        for clip, denied in zip(clips["clip"].to_pylist(), like.of(clips), strict=True):
            if denied is not None:
                alike[clip] = denied
    decided = {clip: said for clip, (_, said) in own.items()}
    for clip, denied in alike.items():
        rank, said = own.get(clip, (-1, None))
        if said is None or (said.verdict == ALLOW and rank < denied.rank):
            since = "" if said is None else f" (before: {said})"
            why = f"near duplicate of {denied.look.clip}, which is denied{since}"
            decided[clip] = LastWord(clip, DENY, why, denied.look.clip)
    return decided


def _concerns(word: Word, row: Mapping[str, Any]) -> bool:
    if word.of in (row["uri"], row["clip"]):
        return True
    if word.verb == ALLOW:
        return any(window.clip == row["clip"] for window in word.windows)
    return any(
        window.clip == row["clip"] or window.overlaps(row["content"], row["cut"], row["crop"])
        for window in word.windows
    )


def _as_said(word: Word, row: Mapping[str, Any]) -> str:
    if word.of in (row["uri"], row["clip"]):
        return str(word)
    return f"{word} (said of {word.of})"


def _concerned(clips: pa.Table, force: Force) -> pa.Table:
    """Rows that a word may be about."""
    names = force.names
    return clips.filter(reduce(pc.or_, (pc.is_in(clips[each], names) for each in ("uri", "clip", "content"))))


def _clips(record: Record) -> Iterator[pa.Table]:
    """CLIPS of all that is registered, in order; what is not measured yet has no clip."""
    first = record.surveyor.chain[0]
    for block in record.blocks(_ASKED):
        known = block.known[first.name]
        rows = found(known, block.inputs["id"], pc.fill_null(block.inputs["version"], NO_FILE))
        is_ok = pc.fill_null(pc.equal(rows["state"], OK), False)
        told = {name: block.inputs[name] for name in ("uri", "cut", "crop")}
        measured = {"clip": CLIP, "content": CONTENT, "signature": SIGNATURE, "duration_s": DURATION}
        told |= {name: pc.if_else(is_ok, rows[f"_{column}"], None) for name, column in measured.items()}
        yield pa.table(told).select(CLIPS)


def _pair(given: Sequence[int] | None) -> tuple[int, int] | None:
    return None if given is None else (given[0], given[1])


def _four(given: Sequence[int] | None) -> tuple[int, int, int, int] | None:
    return None if given is None else (given[0], given[1], given[2], given[3])
