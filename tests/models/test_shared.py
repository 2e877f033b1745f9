from collections.abc import Iterator

import pytest

from actor18m.models.backends import Backend
from actor18m.models.shared import Shared
from tests.models.knobs import Knobs

HERE = "tests.models.knobs:Knobs"


@pytest.fixture
def life() -> Iterator[list[str]]:
    Knobs.life.clear()
    yield Knobs.life
    Knobs.life.clear()


def played(**parameters: object) -> Backend:
    return Backend.model_validate({"backend": HERE, **parameters})


def test_who_asks_for_the_same_gets_the_same_and_the_last_one_closes_it(life: list[str]) -> None:
    shared = Shared()
    one, other = shared.lend(played()), shared.lend(played(checkpoint="small"))
    assert one is other
    shared.take_back(played())
    assert life == ["loaded small on cpu"]
    shared.take_back(played())
    assert life == ["loaded small on cpu", "closed small on cpu"]
    assert shared.lend(played()) is not one
    assert life[2:] == ["loaded small on cpu"]


def test_other_parameters_are_another_backend_also_where_results_are_the_same(life: list[str]) -> None:
    shared = Shared()
    backends = [shared.lend(played(**how)) for how in ({}, {"checkpoint": "large"}, {"device": "cuda:0"})]
    assert len({id(each) for each in backends}) == 3
    shared.take_back(played(device="cuda:0"))
    assert life[3:] == ["closed small on cuda:0"]


def test_one_that_could_not_be_loaded_is_lent_to_nobody() -> None:
    shared = Shared()
    with pytest.raises(ZeroDivisionError):
        shared.lend(Backend.model_validate("tests.models.test_shared:Broken"))
    with pytest.raises(ZeroDivisionError):
        shared.lend(Backend.model_validate("tests.models.test_shared:Broken"))


class Broken:
    @classmethod
    def load(cls) -> "Broken":
        raise ZeroDivisionError
