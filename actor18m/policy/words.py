"""What people said of clips, images and inputs: kept in the store for ever, and the newest word counts.

`words/000003.json` holds what one command said, in order. Nothing in it is ever changed: who takes a word back says so
in a file of its own. The numbers have no gap, and the mark `words/000003.mark` is written right after the file, so that
one that was lost is noticed, and the last one, too; a digest tells of damage.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from getpass import getuser
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError

from actor18m import keys
from actor18m.log import printable
from actor18m.redact import without_secrets
from actor18m.storage.lease import Lease
from actor18m.storage.store import Store, StoreError
from actor18m.yaml_file import Section, problems_of

FOLDER = "words"
DENY, ALLOW = "deny", "allow"
Cut = tuple[int, int]
Crop = tuple[int, int, int, int]
_FILE = re.compile(rf"{FOLDER}/(\d{{6,}})\.(json|mark)")
_IMAGE = re.compile(rf"[0-9a-f]{{{keys.KEY_DIGITS}}}(-[a-z0-9]+)+")


class ClipContent(Section):
    """A clip by what is in it, wherever its file lies and however it is cut the next time."""

    clip: str
    content: str | None = Field(default=None, description="the SHA-256 of the whole file; none where it is not known")
    cut: Cut | None = None
    crop: Crop | None = None

    def overlaps(self, content: str | None, cut: Sequence[int] | None, crop: Sequence[int] | None) -> bool:
        """Shows a moment of the same file, and a part of the same picture."""
        if content is None or content != self.content:
            return False
        sides = [(self.cut, cut)]
        if self.crop is not None and crop is not None:
            sides += [(self.crop[:2], crop[:2]), (self.crop[2:], crop[2:])]
        return all(a is None or b is None or (a[0] < b[1] and b[0] < a[1]) for a, b in sides)


class Look(ClipContent):
    """How a denied clip looks over time, by which what is like it is known when nothing else is left of it."""

    signature: str = Field(pattern=r"^([0-9a-f]{2})+$", description="in hexadecimal digits")
    duration_s: float | None = None


def plainly(told: str) -> str:
    """What a person says in words of their own, which is published: on one line, without secrets, and nothing in it
    steers a terminal.
    """
    return printable(without_secrets(" ".join(told.split())))


Told = Annotated[str, AfterValidator(plainly)]


class Word(Section):
    """One thing that a person said, or (`found`) what a word was found to mean since."""

    verb: Literal["deny", "allow", "undo", "remove", "restore", "relicense", "found"]
    of: str = Field(description="a clip's key, an image's, or a URI; of a list that was given, its name")
    who: Told
    why: Told | None = None
    at: str = Field(description="when")
    windows: tuple[ClipContent, ...] = Field(
        default=(), description="of clips that are allowed or denied: what was meant"
    )
    looks: tuple[Look, ...] = Field(default=(), description="of clips that are denied, once they were measured")
    images: tuple[str, ...] = Field(default=(), description="of an image that is denied: digests of its content")
    inputs: tuple[str, ...] = Field(default=(), description="ids, of what is removed or restored")

    def __str__(self) -> str:
        return f"{self.verb} by {self.who}" + (f": {self.why}" if self.why else "")

    def and_means(self, other: "Word") -> "Word":
        """What the other one was found to mean, too."""
        windows = tuple(dict.fromkeys([*self.windows, *other.windows]))
        looks = tuple(dict.fromkeys([*self.looks, *other.looks]))
        return self.model_copy(update={"windows": windows, "looks": looks})

    @property
    def is_of_image(self) -> bool:
        return is_image(self.of)

    @property
    def is_of_uri(self) -> bool:
        return "://" in self.of


@dataclass(frozen=True)
class Words:
    """All that was said, the oldest first."""

    said: tuple[Word, ...] = ()
    files: int = 0
    """In how many files it stands."""
    since: Mapping[int, int] = field(default_factory=dict)
    """How many words there were when there were so many files."""
    digests: Mapping[int, str] = field(default_factory=lambda: {0: ""})
    """Of all that was said when there were so many files: who knows one has heard the same."""

    @cached_property
    def in_force(self) -> tuple[Word, ...]:
        """What is allowed and denied, the oldest word first; each with all that it was found to mean. What is denied
        again means at least what it meant before: nothing else may be left of that.
        """
        force: dict[str, Word] = {}
        denied: dict[str, Word] = {}
        for word in self.said:
            if word.verb in (DENY, ALLOW, "undo"):
                force.pop(word.of, None)
            if word.verb == DENY and word.of in denied:
                force[word.of] = word.and_means(denied[word.of])
            elif word.verb in (DENY, ALLOW):
                force[word.of] = word
            elif word.verb == "found" and word.of in force:
                force[word.of] = force[word.of].and_means(word)
            if word.of in force and force[word.of].verb == DENY:
                denied[word.of] = force[word.of]
        return tuple(force.values())

    @cached_property
    def denied_images(self) -> frozenset[str]:
        """Keys of images, and digests of what is in them."""
        denied = (word for word in self.in_force if word.is_of_image and word.verb == DENY)
        return frozenset(each for word in denied for each in (word.of, *word.images))

    @cached_property
    def removed(self) -> dict[str, Word]:
        """Input's id -> the word by which it was removed."""
        found: dict[str, Word] = {}
        for word in self.said:
            if word.verb == "remove":
                found |= dict.fromkeys(word.inputs, word)
            elif word.verb == "restore":
                for each in word.inputs:
                    found.pop(each, None)
        return found

    def of(self, name: str) -> Word | None:
        """The word in force that was said of just this."""
        return next((word for word in self.in_force if word.of == name), None)

    def is_newer(self, one: Word, other: Word) -> bool:
        """Of two that were said, by what each is of."""

        def last(word: Word) -> int:
            return max(
                (n for n, each in enumerate(self.said) if (each.verb, each.of) == (word.verb, word.of)), default=-1
            )

        return last(one) > last(other)

    def and_then(self, more: Iterable[Word]) -> "Words":
        """As if these had been said, too."""
        return replace(self, said=(*self.said, *more))

    def later_than(self, files: int) -> tuple[Word, ...]:
        """What was said when there were so many files already."""
        return self.said[self.since.get(files, 0) :]


NOTHING_SAID = Words()


def read_words(store: Store) -> Words:
    said: list[Word] = []
    since, digests = {0: 0}, {0: ""}
    numbers = _whole(store)
    for number in numbers:
        words, digest = _read(store, number)
        said += words
        since[number], digests[number] = len(said), keys.digest(digests[number - 1], digest)
    return Words(tuple(said), len(numbers), since, digests)


def keep(lease: Lease, words: Sequence[Word]) -> None:
    """For ever."""
    if words:
        told = [word.model_dump(mode="json", exclude_defaults=True) for word in words]
        before = read_words(lease.store).files
        if before:
            _mark(lease, before)  # its writer may have died in between
        lease.create(_path(before + 1), _spelt(told))
        _mark(lease, before + 1)


def is_image(name: str) -> bool:
    """A reference's key."""
    return _IMAGE.fullmatch(name) is not None


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def whoever(given: str | None) -> str:
    """Who says it: by default the user of this machine."""
    try:
        return given or getuser()
    except (OSError, KeyError):
        return "somebody"


def _whole(store: Store) -> range:
    """The numbers of all files that were written."""
    there, last = _listed(store)
    if len(there) < last:  # what is written during a look may be seen in part
        there, last = _listed(store)
    for number in range(1, last + 1):
        if number not in there:
            known_by = "later ones are" if max(there, default=0) > number else "its mark is"
            raise StoreError(
                f"{store.url}/{_path(number)} is not there ({known_by}), and what a person denied may stand in it. "
                "Restore it from a backup."
            )
    return range(1, last + 1)


def _listed(store: Store) -> tuple[set[int], int]:
    """The numbers of the files that are there, and the last one that was ever written."""
    found = [(int(match[1]), match[2]) for path in store.names(FOLDER) if (match := _FILE.fullmatch(path))]
    return {number for number, kind in found if kind == "json"}, max((number for number, _ in found), default=0)


def _mark(lease: Lease, number: int) -> None:
    lease.create(f"{FOLDER}/{number:06d}.mark", f"{_path(number)}\n".encode())


def _read(store: Store, number: int) -> tuple[list[Word], str]:
    """What it says, and its digest."""
    path = _path(number)
    try:
        content = store.read(path)
        fields = json.loads(content)
        if _spelt(fields["words"]) != content:
            raise ValueError("its bytes are not those that its digest says")
        return [Word.model_validate(each) for each in fields["words"]], str(fields["digest"])
    except ValidationError as error:
        place, cause = problems_of(error)[0]
        raise _damaged(store, path, f"{place}: {cause}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(store, path, str(error)) from error


def _spelt(told: object) -> bytes:
    """With a digest: nothing else knows what was said."""
    digest = keys.digest("words", json.dumps(told))
    return (json.dumps({"words": told, "digest": digest}, indent=1) + "\n").encode()


def _damaged(store: Store, path: str, cause: str) -> StoreError:
    return StoreError(
        f"{store.url}/{path} is damaged ({cause}), and what a person denied may stand in it. Restore it from a backup."
    )


def _path(number: int) -> str:
    return f"{FOLDER}/{number:06d}.json"
