"""Who of what waits goes out next."""

from collections.abc import Sequence
from typing import Any, cast

import pytest

from actor18m.building.listener import Silent
from actor18m.config.loading import load
from actor18m.config.shipped import find_pipeline
from actor18m.execute.budget import Purse
from actor18m.execute.messages import Read, Task, Todo, ToImage
from actor18m.execute.queues import Queues
from actor18m.execute.tally import Tally
from actor18m.ledger.ledger import LotFiles
from actor18m.survey.chain import chain_of


class Taking:
    """Workers that have room for one task of each stage, and a journal that keeps nothing."""

    def __init__(self) -> None:
        self.tasks: list[Task] = []

    def room(self, stage: str, waiting: int = 1) -> int:
        return int(all(task.stage != stage for task in self.tasks))

    def room_alone(self, stage: str) -> int:
        return 0

    def at_once(self, stage: str) -> int:
        return 1

    def submit(self, task: Task) -> None:
        self.tasks.append(task)

    def begin(self, stage: str, keys: Sequence[str]) -> None: ...


@pytest.fixture
def taking() -> Taking:
    return Taking()


@pytest.fixture
def queues(taking: Taking) -> Queues:
    links = chain_of(load(find_pipeline("embedded"), ()), describe=lambda backend: (backend.name, "")).links
    chain, anybody = {link.name: link for link in links}, cast(Any, taking)
    return Queues(chain, anybody, anybody, Silent(), Tally(), lambda *_: LotFiles(0), Purse())


def image(key: str, maker: str | None) -> Todo:
    made = None if maker is None else Read(maker, 0, key, "d")
    return Todo(key, "d", "/video.mp4", image=ToImage(None, made, None, 1))


def test_images_that_others_are_made_from_are_looked_at_before_those_that_were_made(
    queues: Queues, taking: Taking
) -> None:
    queues.add("annotate", 0, image("a-face-view-01", "view_images"))
    queues.add("annotate", 3, image("d-face-self-01", "crops"))
    queues.add("annotate", 2, image("c-face-self-01", "crops"))
    queues.hand_out()
    assert [task.keys for task in taking.tasks] == [("c-face-self-01",)], "of the first lot with such images"
    for at_last in ("d-face-self-01", "a-face-view-01"):
        taking.tasks.clear()
        queues.hand_out()
        assert [task.keys for task in taking.tasks] == [(at_last,)]


def test_later_stages_go_out_first_and_what_others_are_made_from_before_all(queues: Queues, taking: Taking) -> None:
    for stage, maker in (("view_images", None), ("crops", None), ("annotate", "view_images"), ("copies", "crops")):
        queues.add(stage, 0, image("a-face-self-01", maker))
    queues.hand_out()
    assert [task.stage for task in taking.tasks] == ["crops", "copies", "annotate", "view_images"]
