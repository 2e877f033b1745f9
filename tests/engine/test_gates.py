"""A subset takes in the clips that its gate lets through, and has measured what it needs of them, and no more."""

from dataclasses import replace

from tests.engine.drawing import FRAMED, PIPELINE
from tests.engine.drawn import WORDS, images, key_of, references
from tests.engine.site import Site


def test_only_what_a_subset_needs_is_measured(site: Site) -> None:
    site = replace(site, pipeline=FRAMED)
    site.put(WORDS)
    site.build("--only", "subset-A")
    assert site.called() == {"read": 3, "ask": 3, "draw": 12, "describe": 12}
    assert images(site, "B")["why_stopped"] == {"pending in frames": 3}, "nobody asked for images of B yet"
    assert {str(row["without_images"]) for row in site.table("clips")} == {"[]"}, "which is no failure"
    site.build("--only", "subset-B")
    assert site.called() == {"frames": 3, "frame": 2, "describe": 2, "judge": 2}
    site.build()
    assert site.called() == {}
    fresh = replace(site, root=site.root / "fresh")
    fresh.root.mkdir()
    fresh.build("--only", "subset-B", given=site.videos)
    needed = {"read": 3, "ask": 3, "draw": 12, "frames": 3, "frame": 2, "describe": 2, "judge": 2}
    assert site.called() == needed, "images that B's are made from, too, and nobody looks at those"


def test_a_subset_of_which_nothing_is_kept_yet_is_measured_without_a_version(site: Site) -> None:
    """Its clips are not measured to the end, so nobody knows yet whether they are accepted."""
    ask = "  - stage: tests.engine.drawing:Ask"
    look = '  - stage: tests.engine.steady:Look\n    roles: {meter: "tests.engine.steady:Steady"}\n'
    none = '  describe: {long: {value: "length(seen)", at_least: 1000}}\nsubsets:\n  C: {gate: [read], '
    site = replace(site, pipeline=PIPELINE.replace(ask, look + ask).replace("subsets:\n  A: {", none))
    site.put(WORDS)
    said = site.run("build", str(site.root / "steady.yaml"), "--input", str(site.videos), "--only", "subset-C")
    assert said.exit_code == 0
    assert "nothing is published yet: no image of subset C is kept" in " ".join(said.stderr.split())
    assert "subset C: 12 rejected images" in said.output
    assert not site.dataset.exists() or not list(site.dataset.glob("0*"))
    site.build()
    assert site.states() == dict.fromkeys(WORDS, "accepted")


def test_a_gate_asks_of_rows_and_not_of_acceptance(site: Site) -> None:
    """A subset may take in clips that the chain rejects, and then has what it needs measured of them."""
    look = '  - stage: tests.engine.steady:Look\n    roles: {meter: "tests.engine.steady:Steady"}\n'
    ask = "  - stage: tests.engine.drawing:Ask"
    pipeline = PIPELINE.replace(ask, look + ask)
    pipeline = pipeline.replace("subsets:\n  A: {", "  look: {score: {above: 2}}\nsubsets:\n  C: {gate: [read], ")
    site = replace(site, pipeline=pipeline)
    site.put(WORDS | {"one": "short"})
    site.build()
    assert site.called() == {"read": 4, "look": 3, "ask": 3, "draw": 12, "describe": 12}
    assert site.states() == dict.fromkeys([*WORDS, "one"], "rejected")
    assert images(site, "C")["states"] == {"kept": 12}
    assert len(references(site, "C")) == 12
    assert site.table("clips")[0]["shard"] is None
    site.run("deny", key_of(site, "pears"), "--why", "she asked")
    site.build()
    assert len(references(site, "C")) == 8, "what a person denied is in no subset"
    fresh = replace(site, root=site.root / "fresh")
    fresh.root.mkdir()
    fresh.build("--only", "subset-C", given=site.videos)
    assert site.called() == {"read": 4, "ask": 3, "draw": 12, "describe": 12}, "the chain's own stages are left out"


def test_a_gate_may_name_rules_of_stages_that_are_not_measured_yet(site: Site) -> None:
    """In a new store, where nothing is there to be judged."""
    look = '  - stage: tests.engine.steady:Look\n    roles: {meter: "tests.engine.steady:Steady"}\n'
    ask = "  - stage: tests.engine.drawing:Ask"
    rules = (
        "  look: {known: {value: score, at_least: 0}, score: {above: 2}}\nsubsets:\n  C: {gate: [read, look.known], "
    )
    pipeline = PIPELINE.replace(ask, look + ask).replace("subsets:\n  A: {", rules)
    site = replace(site, pipeline=pipeline)
    site.put(WORDS | {"one": "short"})
    site.build()
    assert site.called() == {"read": 4, "look": 3, "ask": 3, "draw": 12, "describe": 12}
    assert images(site, "C")["states"] == {"kept": 12}
