"""Clips of one person get one identity, in whatever order they are measured, and no shard is written for it."""

from dataclasses import replace
from pathlib import Path
from shutil import rmtree

import pytest

from actor18m.ledger import index
from actor18m.publish import diff
from actor18m.relations import identities
from actor18m.survey import snapshot as record
from tests.engine.people import PIPELINE
from tests.engine.site import Site

ANN, BOB = "face 0.00 0.00", "face 0.90 0.90"
LIKE_ANN, FAR_FROM_ANN = "face 0.07 0.00", "face 0.16 0.00"
"""The second is like the first, and not like Ann."""
BETWEEN = {f"d{number}": f"take {number} {LIKE_ANN}" for number in range(1, 6)}
"""With two of Ann's clips these have five of seven pairs that are like the one far from her."""


@pytest.fixture
def people(site: Site) -> Site:
    site = replace(site, pipeline=PIPELINE)
    site.put({"a1": f"one {ANN}", "a2": f"two {ANN}", "b1": f"three {BOB}", "empty": "nobody is here"})
    site.build()
    return site


def identity_of(site: Site) -> dict[str, str | None]:
    """Film -> its identity, by the name of the film whose clip it is called by."""
    rows = site.table("clips")
    name = {row["clip"]: Path(row["uris"][0]).stem for row in rows}
    return {name[row["clip"]]: row["identity_id"] and name[row["identity_id"]] for row in rows}


def aliases(site: Site) -> dict[str, str]:
    name = {row["clip"]: Path(row["uris"][0]).stem for row in site.table("clips")}
    return {name[row["alias"]]: name[row["identity_id"]] for row in site.table("aliases")}


def test_one_person_has_one_identity(people: Site) -> None:
    assert identity_of(people) == {"a1": "a1", "a2": "a1", "b1": "b1", "empty": None}
    assert aliases(people) == {}


def test_a_clip_between_two_people_does_not_join_them(people: Site) -> None:
    people.put({"c1": f"four {FAR_FROM_ANN}", "d1": f"five {LIKE_ANN}"})
    people.build()
    assert identity_of(people) == {"a1": "a1", "a2": "a1", "b1": "b1", "c1": "c1", "d1": "a1", "empty": None}
    assert aliases(people) == {}


def test_many_clips_between_two_identities_make_them_one_and_rewrite_no_shard(people: Site) -> None:
    people.put({"c1": f"four {FAR_FROM_ANN}"})
    people.build()
    assert identity_of(people)["c1"] == "c1"
    shards = people.shards()
    people.put(BETWEEN)
    people.build()
    assert identity_of(people) == {"b1": "b1", "empty": None} | dict.fromkeys(["a1", "a2", "c1", *BETWEEN], "a1")
    assert aliases(people) == {"c1": "a1"}
    assert shards.items() <= people.shards().items()


def test_a_clip_that_was_rejected_takes_no_part(people: Site) -> None:
    people.put({"a3": f"other {ANN}"})
    people.build()
    assert people.states()["a3"] == "rejected"
    assert identity_of(people) == {"a1": "a1", "a2": "a1", "a3": None, "b1": "b1", "empty": None}


def test_another_bound_of_a_rule_changes_who_takes_part(people: Site) -> None:
    """The clips between make one of two people, as long as they take part; what was kept does not outlive the bound."""
    people.put({"c1": f"four {FAR_FROM_ANN}"})
    people.build()
    people.put({name: f"other {text}" for name, text in BETWEEN.items()})
    people.build()
    people.put({"c2": f"six {FAR_FROM_ANN}"})
    people.build()
    strict = {"a1": "a1", "a2": "a1", "b1": "b1", "c1": "c1", "c2": "c1", "empty": None} | dict.fromkeys(BETWEEN)
    assert identity_of(people) == strict
    loose = replace(people, pipeline=people.pipeline.replace("others: {at_most: 0}", "others: {at_most: 1}"))
    loose.build()
    assert identity_of(loose) == {"b1": "b1", "empty": None} | dict.fromkeys(["a1", "a2", "c1", "c2", *BETWEEN], "a1")
    kept = loose.published()
    rmtree(people.root / "store" / "restricted" / "identities")
    rmtree(people.dataset)
    loose.build()
    assert loose.published() == kept, "found from nothing it is the same"
    people.build()
    assert identity_of(people) == strict


def test_a_changed_identity_is_told(people: Site) -> None:
    people.put({"c1": f"four {FAR_FROM_ANN}"})
    people.build()
    assert diff(people.dataset, "000001", "000002")["identities"] == {}
    wide = replace(people, pipeline=people.pipeline.replace("within: 0.1", "within: 0.2"))
    wide.build()
    assert diff(people.dataset, "000002", "000003")["identities"] == {"changed": 1}
    none = replace(people, pipeline=people.pipeline.partition("identities:")[0])
    none.build()
    assert diff(people.dataset, "000003", "000004")["identities"] == {"lost": 4}
    assert diff(people.dataset, "000004", "000003")["identities"] == {"found": 4}


def test_neither_order_nor_kept_relations_change_it(people: Site) -> None:
    people.put({"c1": f"four {FAR_FROM_ANN}"})
    people.build()
    people.put(BETWEEN)
    people.build()
    kept = people.published()
    rmtree(people.root / "store" / "restricted" / "identities")
    people.put({"e1": f"six {BOB}"})
    people.build()
    (people.videos / "e1.mp4").unlink()
    people.build("--sync")
    again = {name: content for name, content in people.published().items() if name.startswith("metadata/aliases")}
    assert again.items() <= kept.items()
    assert identity_of(people) == {"b1": "b1", "empty": None} | dict.fromkeys(["a1", "a2", "c1", *BETWEEN], "a1")


def test_clips_in_other_blocks_of_lots_are_compared_too(people: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (identities, index, record):
        monkeypatch.setattr(module, "LOTS_PER_SEGMENT", 1)
    for name, text in {"c1": f"four {FAR_FROM_ANN}", **BETWEEN}.items():
        people.put({name: text})
        people.build()
    assert identity_of(people) == {"b1": "b1", "empty": None} | dict.fromkeys(["a1", "a2", "c1", *BETWEEN], "a1")
    assert aliases(people) == {"c1": "a1"}


def test_when_its_earliest_clip_goes_an_identity_is_called_by_the_next(people: Site) -> None:
    people.put({"a3": f"four {ANN}"})
    people.build()
    (people.videos / "a1.mp4").unlink()
    people.build("--sync")
    assert identity_of(people) == {"a2": "a2", "a3": "a2", "b1": "b1", "empty": None}


def test_what_was_found_is_not_searched_again(people: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[int] = []
    search = identities.Identities._searched

    def seen(self: identities.Identities, members: object, *rest: object) -> object:
        searched.append(len(members))  # type: ignore[arg-type]
        return search(self, members, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(identities.Identities, "_searched", seen)
    people.build()
    assert searched == []
    people.put({"f1": f"seven {ANN}"})
    people.build()
    assert searched == [1], "only the new lot, and once"
    assert identity_of(people)["f1"] == "a1"


def test_clips_that_are_taken_together_are_told_like_those_taken_one_by_one(
    people: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.put({"c1": f"four {FAR_FROM_ANN}", **BETWEEN})
    people.build()
    together = identity_of(people)
    monkeypatch.setattr(identities, "_JOINED_AT_ONCE", 1)
    rmtree(people.root / "store" / "restricted" / "identities")
    people.build()
    assert identity_of(people) == together


def test_a_wider_bound_makes_one_of_two(people: Site) -> None:
    wide = replace(people, pipeline=PIPELINE.replace("within: 0.1", "within: 2"))
    wide.build()
    assert set(identity_of(wide).values()) == {"a1", None}
