"""What an image costs that is kept, with all that was tried in vain for it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from actor18m.config.costs import SECONDS
from actor18m.survey.chain import Branch, Chain, Link
from actor18m.survey.foreseen import Foreseen, Number, Waiting, foresee
from actor18m.survey.rates import Rate
from actor18m.survey.shares import Shares

Costs = Mapping[str, float]
"""seconds of one worker, gpu_seconds, dollars."""
_MANY = 1_000_000.0


@dataclass(frozen=True)
class KeptPrice:
    """Of one image of a subset that is kept, on average."""

    subset: str
    maker: str | None
    """None: over all makers of the subset."""
    per_input: Number
    """How many such images an input comes to."""
    kept: Number
    """The share that is kept, of the images that are asked for."""
    own: Costs
    """By the subset's stages and those of images: what an image more costs where its clip is measured already."""
    whole: Costs
    """With the stages that every clip meets, of the clips that are not accepted, too: as if nothing else were made of
    them."""
    unknown: Sequence[str]
    """Stages of which nobody knows what they cost in time."""


def kept_prices(chain: Chain, shares: Shares, rates: Mapping[str, Rate]) -> Iterator[KeptPrice]:
    """Of each subset, and of its makers, where it has several."""
    for branch in chain.branches:
        makers = [branch.makers, *((maker,) for maker in branch.makers)] if len(branch.makers) > 1 else [branch.makers]
        for some in makers:
            if some:
                yield _kept_price(chain, branch, some, shares, rates)


def _kept_price(
    chain: Chain, branch: Branch, makers: Sequence[str], shares: Shares, rates: Mapping[str, Rate]
) -> KeptPrice:
    alone = _alone(chain, branch, makers)
    found = foresee(alone, Waiting({chain.clips[0].name: _MANY}), shares)
    kept = _total(found.kept[maker] for maker in makers)
    shared = {link.name for link in alone.clips} | {link.name for branch in alone.branches for link in branch.way}
    own = [link for link in alone.links if link.name not in shared]
    return KeptPrice(
        branch.subset,
        makers[0] if len(makers) < len(branch.makers) else None,
        None if kept is None else kept / _MANY,
        _share(kept, found, alone, makers, shares),
        _costs(own, found, rates, kept),
        _costs(alone.links, found, rates, kept),
        [link.name for link in alone.links if link.name not in rates or rates[link.name].seconds is None],
    )


def _alone(chain: Chain, branch: Branch, makers: Sequence[str]) -> Chain:
    """What these makers' images need, and nothing else."""
    made = {link.name: link for link in chain.images if link.name in (*makers, *branch.also)}
    askers = {name for link in made.values() for name in link.of}
    own = tuple(link for link in branch.links if link.name in askers or _is_read(link, branch.links, askers))
    images = [*made.values()]
    for link in chain.images:
        if link.stage_class.of == "images" and (seen := tuple(name for name in link.of if name in makers)):
            images.append(replace(link, of=seen))
    clips = chain.clips if branch.gate is None else chain.clips[:1]
    return Chain(clips, (replace(branch, links=own, makers=tuple(makers)),), tuple(images))


def _is_read(link: Link, links: Iterable[Link], askers: Iterable[str]) -> bool:
    return any(link.name in each.needs for each in links if each.name in askers)


def _share(kept: Number, found: Foreseen, chain: Chain, makers: Sequence[str], shares: Shares) -> Number:
    """Of the images that are asked for."""
    asked: Number = 0.0
    for link in (link for link in chain.images if link.name in makers):
        tried, words = found.units[link.name], _words(link, chain)
        attempts = max([shares.attempts.get((link.name, word), 1.0) for word in words], default=1.0)
        asked = None if tried is None or asked is None else asked + tried / attempts
    return kept / asked if kept is not None and asked else None


def _words(link: Link, chain: Chain) -> list[str]:
    requests = [each.stage_class.requests for each in chain.links if each.name in link.of]
    return [each.source for each in requests if each is not None]


def _costs(links: Iterable[Link], found: Foreseen, rates: Mapping[str, Rate], kept: Number) -> dict[str, float]:
    """For each kept image; without those of which nothing is known."""
    if not kept:
        return {}
    costs = dict[str, float]()
    for link in links:
        units, rate = found.units[link.name], rates.get(link.name)
        if units and rate is not None:
            each = {**rate.costs} | ({SECONDS: rate.seconds} if rate.seconds is not None else {})
            for name, value in each.items():
                costs[name] = costs.get(name, 0.0) + units * value / kept
    return costs


def _total(numbers: Iterable[Number]) -> Number:
    found: Number = 0.0
    for number in numbers:
        found = None if found is None or number is None else found + number
    return found
