"""An actor that plays one stage at a time has the models of one, and keeps what the next one uses, too. No Ray runs."""

import pytest

from actor18m.execute import ray_hands
from actor18m.storage.lease import Lease
from tests.execute.duties import edits
from tests.execute.sharing_models import LIFE

SMALL = "tests.execute.sharing_models:Small"
TURNED = {"backend": "tests.execute.sharing_models:Large", "adapter": " turned"}


@pytest.fixture(autouse=True)
def _without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_hands, "note_begun", lambda *_: None)
    monkeypatch.setattr(ray_hands, "guard", lambda: None)
    LIFE.clear()


def test_what_the_next_stage_uses_too_stays_and_the_rest_goes_before_more_is_loaded(lease: Lease) -> None:
    actor = ray_hands._Actor("name", None, one_at_a_time=True)
    actor.set_up(edits(lease, "attributes"))
    assert LIFE == ["+large", "+beside"]
    actor.set_up(edits(lease, "sheets"))
    assert LIFE == ["+large", "+beside"], "loaded once for both"
    actor.set_up(edits(lease, "faces", SMALL))
    assert LIFE[2:] == ["-large", "+small"]
    actor.set_up(edits(lease, "sheets"))
    actor.set_up(edits(lease, "views", TURNED))
    assert LIFE[4:] == ["-small", "+large", "-large", "+large turned"], "other parameters are another model"
    assert list(actor._workers) == ["views"]


def test_an_actor_without_a_claim_of_a_gpu_keeps_what_all_its_stages_use(lease: Lease) -> None:
    actor = ray_hands._Actor("name", None, one_at_a_time=False)
    actor.set_up(edits(lease, "sheets"))
    actor.set_up(edits(lease, "faces", SMALL))
    assert LIFE == ["+large", "+beside", "+small"]
    assert list(actor._workers) == ["sheets", "faces"]
