"""Which stages a clip and its images meet, by pipelines over films and drawings of their words."""

import pytest

from actor18m.config.pipeline import parse_pipeline
from actor18m.errors import WrongUsage
from actor18m.survey.chain import Chain, Link, chain_of, requests_of, sources_of, upstream_of
from tests.engine.drawing import FRAMED
from tests.engine.steady import PIPELINE

LOOK = '  - stage: tests.engine.steady:Look\n    roles: {meter: "tests.engine.steady:Steady"}\n'
GATED = FRAMED.replace("B: {stages", "B: {gate: [read.words], stages")


def chain(text: str = FRAMED, until: str | None = None, only: str | None = None) -> Chain:
    return chain_of(parse_pipeline(text, "given"), until, only)


def names(links: tuple[Link, ...]) -> list[str]:
    return [link.name for link in links]


def test_clips_meet_the_stages_that_are_no_subset_s_own() -> None:
    whole = chain()
    assert names(whole.clips) == ["read", "ask"]
    assert {branch.subset: names(branch.links) for branch in whole.branches} == {"A": [], "B": ["frames"]}
    assert names(whole.images) == ["draw", "frame", "describe", "judge"]
    assert names(whole.links) == ["read", "ask", "frames", "draw", "frame", "describe", "judge"], "clips first"


def test_one_subset_alone_meets_nothing_of_the_others() -> None:
    alone = chain(only="A")
    assert names(alone.links) == ["read", "ask", "draw", "describe"]
    (described,) = (link for link in alone.images if link.name == "describe")
    assert described.of == ("draw",), "there are no frames to describe"


def test_makers_of_the_images_that_its_own_are_made_from_belong_to_it() -> None:
    alone = chain(only="B")
    assert names(alone.links) == ["read", "ask", "frames", "draw", "frame", "describe", "judge"]
    (branch,) = alone.branches
    assert (branch.makers, branch.also) == (("frame",), ("draw",))
    (described,) = (link for link in alone.images if link.name == "describe")
    assert described.of == ("frame",), "source images are made, and looked at for subsets that publish them only"
    assert sources_of({link.name: link for link in chain().links}, "frame") == ("draw",)
    assert sources_of({link.name: link for link in chain().links}, "draw") == ()


def test_a_gate_leads_past_the_stages_that_its_subset_does_not_need() -> None:
    asks = "  - stage: tests.engine.drawing:Ask\n"
    way = chain(GATED.replace(asks, LOOK + asks))
    assert names(way.clips) == ["read", "look", "ask"]
    (gated,) = (branch for branch in way.branches if branch.subset == "B")
    assert gated.gate is not None
    assert list(gated.gate) == ["read"]
    assert names(gated.way) == ["ask"], "look is neither read by what is B's nor asked by its gate"


def test_until_keeps_the_stages_up_to_it() -> None:
    assert names(chain(PIPELINE, until="look").links) == ["read", "look"]
    with pytest.raises(WrongUsage, match="has no stage lok; did you mean look"):
        chain(PIPELINE, until="lok")


def test_who_is_given_requests_and_all_that_a_stage_reads() -> None:
    links = {link.name: link for link in chain().links}
    every = [*links.values()]
    assert requests_of(links["draw"], every) == {"ask": "words"}, "a maker, those of its stages"
    assert requests_of(links["judge"], every) == {"frames": "frames"}, "who looks and says so, those of the makers"
    assert requests_of(links["describe"], every) == {}
    assert upstream_of(links["frame"], every) == ["frames", "draw", "frame"]
    assert upstream_of(links["ask"], every) == ["read"]


def test_the_fingerprint_and_what_is_kept_follow_what_they_are_made_of() -> None:
    def of(text: str, name: str) -> tuple[str, str]:
        (link,) = (link for link in chain(text).links if link.name == name)
        return link.fingerprint, link.values.name

    before = of(PIPELINE, "look")
    assert of(PIPELINE.replace("at_least: 0.4", "at_least: 0.5"), "look") == before, "a bound changes neither"
    model = of(PIPELINE.replace("steady:Steady", "steady:Other"), "look")
    assert model[0] != before[0]
    assert model[1] == before[1]
    other = of(PIPELINE.replace("score: {at_least: 0.4}", 'score: {value: "scores[0]", at_least: 0.4}'), "look")
    assert other[0] == before[0], "another value of the same rows is computed, not measured"
    assert other[1] != before[1]
