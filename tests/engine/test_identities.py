"""Clips of one person get one identity, in whatever order they are measured, and no shard is written for it."""

from dataclasses import replace
from pathlib import Path
from shutil import rmtree

import pytest

from actor18m import identities, index, record
from tests.engine.people import PIPELINE
from tests.engine.site import Site

ANN, BOB = "face 0.00 0.00", "face 0.90 0.90"
LIKE_ANN, FAR_FROM_ANN = "face 0.08 0.00", "face 0.16 0.00"
"""The second is like the first, and not like Ann."""


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


def test_a_clip_between_two_identities_makes_them_one_and_rewrites_no_shard(people: Site) -> None:
    people.put({"c1": f"four {FAR_FROM_ANN}"})
    people.build()
    assert identity_of(people)["c1"] == "c1"
    shards = people.shards()
    people.put({"d1": f"five {LIKE_ANN}"})
    people.build()
    assert identity_of(people) == {"a1": "a1", "a2": "a1", "b1": "b1", "c1": "a1", "d1": "a1", "empty": None}
    assert aliases(people) == {"c1": "a1"}
    assert shards.items() <= people.shards().items()


def test_neither_order_nor_kept_relations_change_it(people: Site) -> None:
    people.put({"c1": f"four {FAR_FROM_ANN}"})
    people.build()
    people.put({"d1": f"five {LIKE_ANN}"})
    people.build()
    kept = people.published()
    rmtree(people.root / "store" / "restricted" / "identities")
    people.put({"e1": f"six {BOB}"})
    people.build()
    (people.videos / "e1.mp4").unlink()
    people.build("--sync")
    again = {name: content for name, content in people.published().items() if name.startswith("metadata/aliases")}
    assert again.items() <= kept.items()
    assert identity_of(people) == {"a1": "a1", "a2": "a1", "b1": "b1", "c1": "a1", "d1": "a1", "empty": None}


def test_clips_in_other_blocks_of_lots_are_compared_too(people: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (identities, index, record):
        monkeypatch.setattr(module, "LOTS_PER_SEGMENT", 1)
    for name, text in {"c1": f"four {FAR_FROM_ANN}", "d1": f"five {LIKE_ANN}"}.items():
        people.put({name: text})
        people.build()
    assert identity_of(people) == {"a1": "a1", "a2": "a1", "b1": "b1", "c1": "a1", "d1": "a1", "empty": None}


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


def test_a_wider_bound_makes_one_of_two(people: Site) -> None:
    wide = replace(people, pipeline=PIPELINE.replace("within: 0.1", "within: 2"))
    wide.build()
    assert set(identity_of(wide).values()) == {"a1", None}
