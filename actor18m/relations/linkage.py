"""Which clips are of one identity, by how many of their pairs are close, so that one clip cannot join two people.

Clips come one by one. A clip joins the identity of which it is close to more than `share` of the clips; of several,
the one of which it is close to the greatest share. Two identities become one when more than `share` of all pairs across
them are close. So a clip between two people who are apart joins one of them at most: whatever it is close to, it is one
of at least two clips there, and its pairs are no more than half of all.

Only what was counted decides, so that the same counts tell the same outcome again.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import Field, PositiveFloat

from actor18m.yaml_file import Section


class Same(Section):
    """When clips show one person."""

    stage: str = Field(description="it leaves a template of a clip's face among its restricted files")
    after: str | None = Field(
        default=None, description="clips take part that passed the rules up to this stage; `stage`, if nothing is said"
    )
    within: PositiveFloat = Field(description="Euclidean distance of two templates that are close")
    share: float = Field(default=0.67, ge=0.5, lt=1, description="of the pairs of one person's clips more are close")


@dataclass(frozen=True)
class Near:
    """Of one identity, what a clip is close to."""

    clips: int
    nearest: float
    """How far the nearest one is, by any measure that grows with distance."""

    def __add__(self, other: "Near") -> "Near":
        return Near(self.clips + other.clips, min(self.nearest, other.nearest))


class Linkage:
    """Clips and identities are numbers: a clip's is how many came before it, an identity's that of its first clip."""

    def __init__(self, share: float) -> None:
        self._share = share
        self._parents: list[int] = []
        self._sizes: dict[int, int] = {}
        """Identity -> how many clips it has."""
        self._across: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        """Identity -> another one -> how many pairs across them are close, told of both, where there are any."""
        self.lost: list[int] = []
        """Identities that joined an earlier one, in the order in which they did."""

    def __len__(self) -> int:
        return len(self._parents)

    def identity(self, clip: int) -> int:
        while (parent := self._parents[clip]) != clip:
            self._parents[clip] = self._parents[parent]
            clip = parent
        return clip

    def join(self, near: Mapping[int, Near]) -> None:
        """Takes the next clip, which is close to so many clips of these identities."""
        clip = len(self._parents)
        fitting = [each for each, close in near.items() if close.clips > self._share * self._sizes[each]]
        own = min(fitting, key=lambda each: self._preference(each, near[each]), default=clip)
        self._parents.append(own)
        self._sizes[own] = self._sizes.get(own, 0) + 1
        for other, close in near.items():
            if other != own:
                self._across[own][other] += close.clips
                self._across[other][own] += close.clips
        while (one := self._closest(own)) is not None:
            own = self._merge(*sorted((own, one)))

    def _preference(self, identity: int, close: Near) -> tuple[float, float, int]:
        return -close.clips / self._sizes[identity], close.nearest, identity

    def _closest(self, own: int) -> int | None:
        """The identity that is one with this one: another clip of it may have shown that."""
        shares = {other: pairs / self._sizes[own] / self._sizes[other] for other, pairs in self._across[own].items()}
        one = [other for other, share in shares.items() if share > self._share]
        return min(one, key=lambda other: (-shares[other], other), default=None)

    def _merge(self, first: int, later: int) -> int:
        self._parents[later] = first
        self._sizes[first] += self._sizes.pop(later)
        self.lost.append(later)
        for other, pairs in self._across.pop(later).items():
            del self._across[other][later]
            if other != first:
                self._across[first][other] += pairs
                self._across[other][first] += pairs
        return first
