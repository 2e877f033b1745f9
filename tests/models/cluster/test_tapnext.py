"""TAPNext from a checkout: where its authors' own tracker says that points are.

`ACTOR18M_TAPNET` names a checkout of google-deepmind/tapnet: it is on no package index, and in no wheel that is known.
"""

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actor18m.arrays import Floats, Frame
from actor18m.errors import ActorError
from actor18m.media.video import frames_at
from actor18m.models import tapnext
from actor18m.models.backends import load
from actor18m.models.checkout_tracker import CheckoutParameters
from actor18m.models.tapnext import FILE
from actor18m.samples.shipped import SHIPPED
from actor18m.stage import Row
from stages.motion import Motion
from tests.models.cluster.test_in_their_stages import Colours, InTheMiddle, film_of_nobody_known

SMALL = {"width": 32, "num_heads": 2, "lru_width": 32, "depth": 2}


@pytest.fixture(scope="module")
def checkout() -> Path:
    named = os.environ.get("ACTOR18M_TAPNET")
    if not named:
        pytest.skip("ACTOR18M_TAPNET names no checkout of google-deepmind/tapnet")
    return Path(named)


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    """Each test imports it anew."""
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "tapnet"]:
        del sys.modules[name]


@pytest.fixture
def saved(
    needs: Callable[[str], Any], small: Callable[..., None], checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """The authors' tracker with random weights by which points move, saved as its authors save them."""
    torch = needs("torch")
    needs("torchvision")
    needs("einops")
    monkeypatch.setattr(tapnext, "SHAPE", SMALL)
    with monkeypatch.context() as path:
        path.syspath_prepend(str(checkout))
        network = importlib.import_module("tapnet.tapnext.tapnext_torch")
        tracker = importlib.import_module("tapnet.tapnextpp.votsp2026.model")
    torch.manual_seed(18)
    inner = network.TAPNext(image_size=(256, 256), **SMALL).eval()
    for name, part in inner.named_parameters():  # some are made without any values
        torch.nn.init.normal_(part, std=2.0 if "attention" in name or "lin_proj" in name else 0.4)
    small("tapnext", lambda place: torch.save(inner.state_dict(), place / FILE))
    return tracker.TAPNextPP(inner, torch.device("cpu"))


def _film(count: int) -> list[Frame]:
    return list(frames_at(str(SHIPPED / "turn_walking_1.mp4"), [n / 8 for n in range(count)]))


def _points(frame: Frame) -> Floats:
    """Two far to one side, so that x for y would be told, and one in a corner."""
    height, width = frame.shape[:2]
    return np.array([(0.9 * width, 0.2 * height), (0.75 * width, 0.6 * height), (0.5, 0.5)], dtype=np.float32)


def _told(tracker: Any, film: list[Frame], points: Floats) -> tuple[Floats, Any]:
    """Frame by frame, in OpenCV's order of colours, which its authors' tracker wants."""
    there, seen, state = [], [], None
    for frame in film:
        given = {"query_points_xy": points} if state is None else {"state": state}
        found, visible, state = tracker.track_frame(np.ascontiguousarray(frame[..., ::-1]), **given)
        there.append(found)
        seen.append(visible)
    return np.stack(there), np.stack(seen)


def test_points_are_where_its_tracker_says(saved: Any, checkout: Path) -> None:
    film = _film(5)
    points = _points(film[0])
    backend = load("tapnext", CheckoutParameters(checkout=str(checkout), device="cpu"))
    there, seen = backend.track(film, points)
    assert (there.shape, there.dtype, seen.shape, seen.dtype) == ((5, 3, 2), "float32", (5, 3), "bool")
    assert np.array_equal(there[0], points)
    assert seen[0].all()
    expected, visible = _told(saved, film, points)
    assert np.allclose(there[1:], expected[1:], atol=0.05)
    assert np.array_equal(seen[1:], visible[1:])
    for other in ([frame[..., ::-1] for frame in film], [frame[:, ::-1] for frame in film]):
        swapped, _ = _told(saved, [np.ascontiguousarray(frame) for frame in other], points)
        assert np.abs(swapped[1:] - there[1:]).max() > 1, "colours and sides are told apart"
    turned, _ = _told(saved, film, np.ascontiguousarray(points[:, ::-1]))
    assert np.abs(turned[1:] - there[1:]).max() > 1, "x and y are told apart"
    backend.close()


def test_one_picture_or_no_point_needs_no_network(saved: Any, checkout: Path) -> None:
    backend, (frame,) = load("tapnext", CheckoutParameters(checkout=str(checkout))), _film(1)
    there, seen = backend.track([frame], _points(frame))
    assert np.array_equal(there, _points(frame)[None])
    assert seen.all()
    there, seen = backend.track([frame] * 3, np.zeros((0, 2), np.float32))
    assert (there.shape, seen.shape) == ((3, 0, 2), (3, 0))


def test_points_of_a_film_by_tapnext(saved: Any, checkout: Path) -> None:
    points = load("tapnext", CheckoutParameters(checkout=str(checkout)))
    (outcome,) = Motion(people=InTheMiddle(), encoder=Colours(), points=points).measure(
        [film_of_nobody_known("one_second_1")]
    )
    assert isinstance(outcome, Row), outcome
    assert len(outcome.values["displacement"]) == 8  # type: ignore[arg-type]


def test_without_a_checkout_it_is_said_where_to_get_one(
    needs: Callable[[str], Any], small: Callable[..., None], tmp_path: Path
) -> None:
    torch = needs("torch")
    small("tapnext", lambda place: torch.save({}, place / FILE))
    with pytest.raises(ActorError, match=r"is no checkout of TAPNext: it has no tapnet/tapnext/tapnext_torch\.py"):
        load("tapnext", CheckoutParameters(checkout=str(tmp_path)))
    with pytest.raises(ActorError, match=r"cannot be loaded .*on no package index.*name the folder"):
        load("tapnext")
