"""What there is to draw from: enough, varied, and no two alike."""

import re
from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from actor18m.models.roles import EXPRESSIONS
from stages.painting.scenes import SCENES, painted
from stages.painting.view import View
from stages.pool import Environment, pool, read

POOL = pool()
FILLING = frozenset(
    re.findall(r"\w+", "a an the of in on at by with and to over under beneath above behind from its as for")
)


def words(environment: Environment) -> set[str]:
    """That carry what is shown, without their endings."""
    found = re.findall(r"[^\W\d_]+", f"{environment.name} {environment.text}".lower())
    return {re.sub(r"(ing|ed|es|s)$", "", word) for word in found} - FILLING


def test_it_has_as_many_as_were_wanted() -> None:
    counts = [len(each) for each in (POOL.environments, POOL.expressions, POOL.lightings, POOL.motions)]
    assert counts == [200, 8, 10, 30]
    assert {each.name for each in POOL.expressions} == {*EXPRESSIONS}, "those that can be read from a face again"


def test_half_of_the_places_are_outdoors() -> None:
    places = Counter(each.place for each in POOL.environments)
    assert places.keys() == {"indoor", "outdoor"}
    assert abs(places["indoor"] - places["outdoor"]) <= 10
    painted_ = Counter(each.place for each in POOL.environments if each.painting)
    assert min(painted_.values()) >= 0.4 * painted_.total(), "likewise of those that the compositor may draw"


@pytest.mark.parametrize("entries", ["environments", "expressions", "lightings", "motions"])
def test_names_are_plain_and_no_two_alike(entries: str) -> None:
    names = [each.name for each in getattr(POOL, entries)]
    assert len({name.lower() for name in names}) == len(names)
    assert all(name == " ".join(name.split()) and 3 <= len(name) <= 40 for name in names)


def test_no_place_is_another_in_other_words() -> None:
    alike = []
    for one, other in combinations(POOL.environments, 2):
        both, either = words(one) & words(other), words(one) | words(other)
        if len(both) / len(either) > 0.3:
            alike.append((one.name, other.name, sorted(both)))
    assert alike == []
    names = Counter(frozenset(re.findall(r"\w+", each.name.lower())) for each in POOL.environments)
    assert max(names.values()) == 1, "nor the same words in another order"


def test_each_place_is_told_in_a_few_words() -> None:
    for each in POOL.environments:
        assert 5 <= len(each.text.split()) <= 20, each.name
        assert not each.text.endswith("."), each.name


def test_what_takes_two_is_done_by_one() -> None:
    texts = {each.name: each.text for each in POOL.motions}
    for name in ("arguing", "hugging", "shaking hands"):
        assert "alone in the picture" in texts[name]
    second = re.compile(r"\b(each other|another|partner|somebody|someone|friend|together|people|both of)\b")
    assert [name for name, text in texts.items() if second.search(text)] == []


def test_each_light_says_how_it_gets_indoors_and_outdoors() -> None:
    for each in POOL.lightings:
        assert each.indoor != each.outdoor
        assert 0 <= each.light["strength"] < 1
        assert -2 <= each.light["place_ev"] <= each.light["person_ev"] + 0.05 <= 0.5, "no place outshines the person"


def test_every_painted_place_is_one_that_can_be_painted() -> None:
    there = [each for each in POOL.environments if each.painting]
    assert 20 <= len(there) < len(POOL.environments)
    view = View(60, 50, 20.0, 1.45, 90.0, 1.4, 0.03, 1.0)
    seen = dict[bytes, str]()
    for each in there:
        assert each.painting is not None
        of = each.painting
        assert {*of.lightings} <= {light.name for light in POOL.lightings}, each.name
        assert of.lightings, each.name
        picture = painted(view, of.scene, of.palette, of.density, 1)
        assert picture.shape == (60, 50, 3)
        assert picture.dtype == np.float32
        assert np.isfinite(picture).all(), each.name
        assert picture.min() >= -0.05, each.name
        assert seen.setdefault(picture.tobytes(), each.name) == each.name, "each looks like none of the others"
    assert {each.painting.scene for each in there if each.painting} == {*SCENES}, "and no scene is left over"


def test_two_of_one_name_are_refused() -> None:
    place = "{name: library, place: indoor, text: a library}"
    text = f"environments: [{place}, {place}]\nlightings: []\nexpressions: []\nmotions: []\n"
    with pytest.raises(ValueError, match=r"attributes\.yaml: environments: library stands twice"):
        read(text)
