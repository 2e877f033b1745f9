"""How many clips and images are likely to come to each stage, as far as it is known what became of others there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from actor18m.survey.chain import Branch, Chain, Link
from actor18m.survey.shares import Shares

Number = float | None
"""None: nobody knows."""


@dataclass(frozen=True)
class Waiting:
    """What is known to wait."""

    clips: Mapping[str, float]
    """By stage of clips, those whose row is missing."""
    images: Mapping[tuple[str, str, str], float] = field(default_factory=dict)
    """By the stage that asks, maker, and the stage at which they stand, of those that are asked for."""
    again: Mapping[str, float] = field(default_factory=dict)
    """By stage, those of `clips` that it measured before it was changed: what others asked for of them was made."""


@dataclass(frozen=True)
class Foreseen:
    units: Mapping[str, Number]
    """By stage, how many clips, images or attempts it will measure."""
    kept: Mapping[str, Number]
    """By maker, how many more of its images will be kept."""


def if_all_pass(shares: Shares, chain: Chain) -> Shares:
    """The same if nothing is rejected and nothing fails, and images take all attempts that they may."""
    words = {link.stage_class.requests.source for link in chain.links if link.stage_class.requests is not None}
    passing = {(link.name, word): 1.0 for link in chain.links for word in (words if link.unit == "images" else ("",))}
    by_gate = {(branch.subset, link.name): 1.0 for branch in chain.branches for link in (chain.clips[0], *branch.way)}
    attempts = {(link.name, word): float(link.step.candidates) for link in chain.images for word in words}
    return replace(shares, passing=passing, by_gate=by_gate, attempts=attempts)


def foresee(chain: Chain, waiting: Waiting, shares: Shares) -> Foreseen:
    """Follows those that wait, stage by stage, as a survey follows what was measured."""
    units: dict[str, Number] = {link.name: 0.0 for link in chain.links}
    accepted = _through(chain.clips, 0.0, waiting, {name: shares.passing.get((name, "")) for name in units}, units)
    admitted, new = dict[str, Number](), dict[str, Number]()
    fresh = Waiting({name: count - waiting.again.get(name, 0.0) for name, count in waiting.clips.items()})
    for branch in chain.branches:
        entered = accepted
        if branch.gate is not None:
            gate = {name: shares.by_gate.get((branch.subset, name)) for name in units}
            entered = _through((chain.clips[0], *branch.way), 0.0, waiting, gate, units)
        own = {name: shares.passing.get((name, "")) for name in units}
        admitted[branch.subset] = _through(branch.links, entered, waiting, own, units)
        new[branch.subset] = _through(branch.links, entered, fresh, own, dict.fromkeys(units, 0.0))
    kept = _images(chain, waiting, shares, (admitted, new), units)
    return Foreseen(units, kept)


def _through(
    links: Sequence[Link], come: Number, waiting: Waiting, passing: Mapping[str, Number], units: dict[str, Number]
) -> Number:
    """How many come through these stages, of those that come to the first one and those that wait at one of them. Two
    ways may lead through one stage: the wider one counts there."""
    for link in links:
        come = _sum(come, waiting.clips.get(link.name, 0.0))
        before = units[link.name]
        units[link.name] = None if come is None or before is None else max(before, come)
        come = _times(come, passing[link.name])
    return come


def _images(
    chain: Chain,
    waiting: Waiting,
    shares: Shares,
    admitted: tuple[Mapping[str, Number], Mapping[str, Number]],
    units: dict[str, Number],
) -> dict[str, Number]:
    """Counts images at their makers and at those who look at them; how many are kept, by maker."""
    askers = {link.name: link for link in chain.links if link.stage_class.requests is not None}
    kept = dict[str, Number]()
    for maker in (link for link in chain.images if link.stage_class.of == "requests"):
        kept[maker.name] = 0.0
        for asker in (askers[name] for name in maker.of if name in askers):
            requests = asker.stage_class.requests
            assert requests is not None
            new = _new(chain, maker, asker, admitted)
            come, word = _times(new, shares.asking.get(asker.name)), requests.source
            there = waiting.images.get((asker.name, maker.name, maker.name), 0.0)
            tried = _sum(_times(come, shares.attempts.get((maker.name, word), 1.0)), there)
            units[maker.name] = _sum(units[maker.name], tried)
            come = _times(_sum(come, there), shares.passing.get((maker.name, word)))
            for link in chain.images:
                if link.stage_class.of == "images" and maker.name in link.of:
                    come = _sum(come, waiting.images.get((asker.name, maker.name, link.name), 0.0))
                    units[link.name] = _sum(units[link.name], come)
                    come = _times(come, shares.passing.get((link.name, word)))
            kept[maker.name] = _sum(kept[maker.name], come)
    return kept


def _new(chain: Chain, maker: Link, asker: Link, admitted: tuple[Mapping[str, Number], Mapping[str, Number]]) -> Number:
    """Clips to come of which images are asked for: of two subsets that take in the same ones, the one with more.
    `admitted` are by subset all that come, and those of which nothing was asked for yet by stages that all clips meet.
    """
    found: Number = 0.0
    every, new = admitted
    for branch in chain.branches:
        if maker.name in (*branch.makers, *branch.also) and _meets(chain, branch, asker):
            more = (every if asker in branch.links else new)[branch.subset]
            found = None if found is None or more is None else max(found, more)
    return found


def _meets(chain: Chain, branch: Branch, asker: Link) -> bool:
    return asker in branch.links or asker in (chain.clips if branch.gate is None else branch.way)


def _sum(one: Number, other: Number) -> Number:
    return None if one is None or other is None else one + other


def _times(number: Number, share: Number) -> Number:
    """Of none is none, whatever the share is."""
    if number == 0:
        return 0.0
    return None if number is None or share is None else number * share
