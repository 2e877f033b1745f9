"""What people's words mean for the clips that there are: a word is said of a key or a URI, and holds for content.

To deny a file is to deny what is in it: a copy under another name, a window that is cut otherwise, and what is like it
enough to be a near duplicate. To allow is more careful: it concerns the clips that are named, and no others.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from actor18m.chain import CLIP, CONTENT, DURATION, SIGNATURE
from actor18m.entry import NO_FILE, found
from actor18m.keys import clip_key
from actor18m.near import NONE, Likeness, Shelves
from actor18m.overrides import LastWord
from actor18m.record import Record
from actor18m.rows import OK
from actor18m.words import ALLOW, DENY, Window, Word, Words

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
    force = [word.model_copy(update={"windows": (*word.windows, *whole.get(word.of, ()))}) for word in force]
    meant = _meant(record, force)
    for of, windows in whole.items():
        meant.windows[of] = list(dict.fromkeys([*windows, *meant.windows[of]]))
    for word in force:
        known = () if word.of in whole else word.windows
        new = [each for each in meant.windows[word.of] if each not in known]
        if new:
            more = Word(verb="found", of=word.of, who="actor18m", at=at, windows=tuple(new))
            told.found.append(more)
        if not new and not word.windows and word.of not in meant.uris:
            told.unknown.append(word)
    force = [word.model_copy(update={"windows": (*word.windows, *meant.windows[word.of])}) for word in force]
    decided = _decided(record, force, meant.denied(record.surveyor.duplicates.likeness))
    # of what is not registered yet, the very key holds
    own = {word.of: LastWord(word.of, word.verb, str(word)) for word in force if not word.is_of_uri}
    told.overrides += (own | decided).values()
    return told


def meant_by(word: Word, row: Mapping[str, Any]) -> Window | None:
    """What a word that was said of a URI or a key means, where this row is about that."""
    if row["clip"] is None or word.of not in (row["uri"], row["clip"]):
        return None
    if word.is_of_uri and word.verb == DENY and row["content"] is not None:
        return Window(clip=row["clip"], content=row["content"])
    return Window(clip=row["clip"], content=row["content"], cut=_pair(row["cut"]), crop=_four(row["crop"]))


@dataclass
class _Meant:
    windows: dict[str, list[Window]]
    """By what the word is of."""
    uris: set[str]
    """Those that are registered, measured or not."""
    signatures: dict[str, tuple[bytes, float]]
    """Of clips that are denied as they are."""

    def denied(self, likeness: Likeness | None) -> "_Like":
        return _Like(likeness, self.signatures)


class _Like:
    """Finds what is like a denied clip."""

    def __init__(self, likeness: Likeness | None, signatures: Mapping[str, tuple[bytes, float]]) -> None:
        self._clips = list(signatures)
        self._shelves = Shelves(likeness) if likeness is not None and signatures else None
        if self._shelves is not None:
            durations = np.array([duration for _, duration in signatures.values()], np.float32)
            self._shelves.add([each for each, _ in signatures.values()], durations, np.arange(len(signatures)))

    def of(self, clips: pa.Table) -> list[str | None]:
        """For each row of CLIPS the denied clip that it is like."""
        if self._shelves is None:
            return [None] * clips.num_rows
        durations = pc.fill_null(clips["duration_s"], np.nan).to_numpy().astype(np.float32)
        numbers = self._shelves.earliest(clips["signature"].to_pylist(), durations)
        return [None if number == NONE else self._clips[number] for number in numbers.tolist()]


def _whole_files(record: Record, force: Sequence[Word]) -> dict[str, list[Window]]:
    """By the key that is denied, the file of which it is the key, uncut. A key that was denied before its file was ever
    measured whole says what it means no other way, when the file is split from the first.
    """
    keys = {word.of for word in force if word.verb == DENY and not word.is_of_uri and not word.windows}
    found: dict[str, list[Window]] = {}
    if keys:
        for clips in _clips(record):
            for content in pc.unique(clips["content"]).drop_null().to_pylist():
                if (key := clip_key(content, None, None)) in keys:
                    found[key] = [Window(clip=key, content=content)]
    return found


def _meant(record: Record, force: Sequence[Word]) -> _Meant:
    found = _Meant({word.of: [] for word in force}, set(), {})
    for clips in _clips(record):
        for row in _concerned(clips, force).to_pylist():
            found.uris.add(row["uri"])
            for word in force:
                window = meant_by(word, row)
                if window is not None and window not in found.windows[word.of]:
                    found.windows[word.of].append(window)
            last = _last_word(force, row)
            if last is not None and last.verb == DENY and row["signature"] is not None:
                found.signatures.setdefault(row["clip"], (row["signature"], row["duration_s"] or np.nan))
    return found


def _decided(record: Record, force: Sequence[Word], like: _Like) -> dict[str, LastWord]:
    """By clip."""
    decided: dict[str, LastWord] = {}
    for clips in _clips(record):
        for row in _concerned(clips, force).to_pylist():
            word = _last_word(force, row)
            if word is not None and row["clip"] is not None:
                decided[row["clip"]] = LastWord(row["clip"], word.verb, _as_said(word, row))
        for clip, denied in zip(clips["clip"].to_pylist(), like.of(clips), strict=True):
            if denied is not None and clip not in decided:
                decided[clip] = LastWord(clip, DENY, f"near duplicate of {denied}, which is denied", denied)
    return decided


def _last_word(force: Sequence[Word], row: Mapping[str, Any]) -> Word | None:
    """The newest one that concerns this clip."""
    return next((word for word in reversed(force) if _concerns(word, row)), None)


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


def _concerned(clips: pa.Table, force: Sequence[Word]) -> pa.Table:
    """Rows that a word may be about."""
    windows = [window for word in force for window in word.windows]
    names = pa.array([word.of for word in force], pa.string())
    keys = pa.array([window.clip for window in windows], pa.string())
    contents = pa.array([window.content for window in windows if window.content is not None], pa.string())
    is_named = pc.or_(pc.is_in(clips["uri"], names), pc.is_in(clips["clip"], pa.concat_arrays([names, keys])))
    return clips.filter(pc.or_(is_named, pc.is_in(clips["content"], contents)))


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
