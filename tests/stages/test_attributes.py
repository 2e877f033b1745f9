"""Draws that are even over the pool and over clips, and that one more entry hardly changes."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from actor18m.keys import digest
from actor18m.stage import Clip, Row
from stages import attributes
from stages.attributes import Attributes, AttributesParameters, drawn
from stages.pool import Environment, pool

POOL = pool()
CLIPS = [digest("clip", number)[:20] for number in range(3000)]
ALL = AttributesParameters()
EMBEDDED = AttributesParameters(draws=("environment", "lighting"), only_painted=True)


def reference(name: str, viewpoint: str = "front", is_clearest: bool = False) -> dict[str, Any]:
    region = name.partition("-")[0]
    return {"name": name, "region": region, "viewpoint": viewpoint, "yaw_deg": 0.0, "is_clearest": is_clearest}


REFERENCES = [
    reference("face-self-01"),
    reference("face-self-02", is_clearest=True),
    reference("body-self-01", is_clearest=True),
    reference("body-self-02", "back"),
]


def requests(of: AttributesParameters = ALL) -> list[dict[str, Any]]:
    return [each for key in CLIPS for each in drawn(key, REFERENCES, of, POOL)]


def is_even(counts: Counter[str], entries: int) -> bool:
    """No farther from even than chance lets it be in a thousand trials: chi-squared, by its normal approximation."""
    mean = counts.total() / entries
    found = [*counts.values(), *[0] * (entries - len(counts))]
    chi = sum((each - mean) ** 2 / mean for each in found)
    return bool(abs(chi - (entries - 1)) < 3.3 * np.sqrt(2 * (entries - 1)))


def test_every_clip_gets_as_many_as_were_asked_for_in_places_of_its_own() -> None:
    for key in CLIPS[:200]:
        names = [each["name"] for each in drawn(key, REFERENCES, ALL, POOL)]
        assert names == [f"{region}-attribute-{number:02d}" for region in ("face", "body") for number in (1, 2)]
        assert len({each["environment"] for each in drawn(key, REFERENCES, EMBEDDED, POOL)}) == 4
    assert drawn(CLIPS[0], REFERENCES[2:], AttributesParameters(bodies=1), POOL)[0]["name"] == "body-attribute-01"
    assert drawn(CLIPS[0], [], ALL, POOL) == []


def test_the_clearest_picture_is_taken_first_and_then_the_others() -> None:
    sources = [each["source_image"] for each in drawn(CLIPS[0], REFERENCES, replace_faces(3), POOL)]
    assert sources == ["face-self-02", "face-self-01", "face-self-02", "body-self-01", "body-self-02"]


def replace_faces(faces: int) -> AttributesParameters:
    return AttributesParameters(faces=faces)


@pytest.mark.parametrize("attribute", ["environment", "lighting", "expression", "motion"])
def test_draws_are_spread_evenly_over_the_pool(attribute: str) -> None:
    counts = Counter(each[attribute] for each in requests() if each[attribute] is not None)
    assert is_even(counts, len(getattr(POOL, f"{attribute}s")))


def test_so_are_those_of_the_compositor_and_pairs_of_attributes() -> None:
    painted = [each.name for each in POOL.environments if each.painting]
    of_compositor = requests(EMBEDDED)
    counts = Counter(each["environment"] for each in of_compositor)
    assert counts.keys() == {*painted}
    # four of a clip are drawn without putting any back, so they are a little more even than chance
    mean = counts.total() / len(painted)
    assert max(abs(each - mean) for each in counts.values()) < 4 * np.sqrt(mean)
    pairs = Counter(f"{each['lighting']} {each['expression']}" for each in requests() if each["expression"])
    assert is_even(pairs, len(POOL.lightings) * len(POOL.expressions)), "one says nothing of the other"
    admitted = {each.name: each.painting.lightings for each in POOL.environments if each.painting}
    assert all(each["lighting"] in admitted[each["environment"]] for each in of_compositor)


def test_one_more_environment_redraws_one_request_in_201() -> None:
    """Up to chance, and to the rare clip in which the new one takes a place that another request had."""
    more = replace(
        POOL, environments=(*POOL.environments, Environment("salt mine", "indoor", "a gallery of rock salt"))
    )
    before, changed, count = 0, 0, 0
    for key in CLIPS:
        for one, other in zip(drawn(key, REFERENCES, ALL, POOL), drawn(key, REFERENCES, ALL, more), strict=True):
            count += 1
            changed += one != other
            before += other["environment"] == "salt mine"
    expected = count / 201
    assert abs(changed - expected) < 4 * np.sqrt(expected)
    assert changed - before <= 0.03 * changed + 3, "hardly any but those that the new one won"


def test_what_cannot_be_seen_is_not_drawn() -> None:
    for each in requests():
        assert (each["motion"] is None) == (each["region"] == "face")
        assert (each["expression"] is None) == (each["viewpoint"] == "back")
    for each in requests(EMBEDDED)[:100]:
        assert each["motion"] is each["motion_text"] is each["expression"] is each["expression_text"] is None
        assert each["painting"]["scene"]
        assert each["light"]["key"].startswith("#")


def test_light_is_told_as_it_gets_there() -> None:
    texts = {each.name: each for each in POOL.lightings}
    for each in requests()[:400]:
        assert each["lighting_text"] == getattr(texts[each["lighting"]], each["place"])


def test_rows_are_as_the_engine_takes_them_and_the_same_again() -> None:
    clip = Clip(CLIPS[0], "file:///nowhere.mp4", upstream={"select": {"references": REFERENCES}})
    for of in (ALL, EMBEDDED, AttributesParameters(draws=("lighting",))):
        stage = Attributes(of)
        (row,) = stage.measure([clip])
        assert isinstance(row, Row)
        stage.check(row)
        table = Attributes.writes.table([row], {clip.key: "d"})
        assert len(table["wanted"].to_pylist()[0]) == 4
        assert row == next(iter(Attributes(of).measure([clip])))


def test_another_pool_is_another_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Attributes.fingerprint(ALL, {})
    assert before != Attributes.fingerprint(EMBEDDED, {})
    monkeypatch.setattr(attributes, "pool_digest", lambda: "another")
    assert Attributes.fingerprint(ALL, {}) != before


def test_no_more_are_asked_for_than_there_are_environments() -> None:
    assert AttributesParameters(faces=100, bodies=100).faces == 100
    with pytest.raises(ValidationError, match="ask for 201 images a clip, and there are 200 environments"):
        AttributesParameters(faces=101, bodies=100)
    with pytest.raises(ValidationError, match="environments that can be painted"):
        AttributesParameters(faces=100, only_painted=True)
