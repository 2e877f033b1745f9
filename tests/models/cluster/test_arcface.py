"""ArcFace's networks: the faces that insightface cuts out, and the numbers that it says of them."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from actor18m.arrays import Floats, Frame
from actor18m.media.similarity import similarity
from actor18m.models.arcface import SIDE, ArcFace, aligned
from actor18m.models.backends import load
from actor18m.models.onnx_network import OnnxNetwork, OnnxParameters
from actor18m.models.roles import Face
from tests.models.cluster.onnx_files import OnnxFile

TURNED: Floats = np.array([[61, 80], [95, 62], [88, 92], [83, 118], [108, 104]], np.float32)
"""Five points of a head that leans, is moved and larger than in the square of 112 px."""


def small_arcface(place: Path) -> Path:
    """512 numbers of a picture, to which each colour and each place counts in its own way."""
    file = OnnxFile(["batch", 3, SIDE, SIDE])
    seen = file.node("Relu", [file.conv("image", (3, 4), 8, stride=8)])
    flat = file.node("Flatten", [seen])
    return file.save(place, {file.node("MatMul", [flat, file.random(4 * 14 * 14, 512)]): ["batch", 512]})


def _faces(pictures: list[Frame]) -> list[Face]:
    return [Face((40, 40, 130, 140), 0.9, TURNED + 7 * i) for i in range(len(pictures))]


def test_numbers_are_those_of_insightface(
    needs: Callable[[str], Any], small: Callable[..., None], pictures: list[Frame], tmp_path: Path
) -> None:
    needs("onnx")
    needs("skimage")
    library = needs("insightface.model_zoo.arcface_onnx")
    small("auraface", lambda place: small_arcface(place / "glintr100.onnx"))
    backend = load("auraface", OnnxParameters(batch=3, device="cpu"))
    asked = library.ArcFaceONNX(model_file=str(tmp_path / "models" / "auraface" / "glintr100.onnx"))
    faces = _faces(pictures)
    told = backend.embed(pictures, faces)
    assert backend.metric == "cosine"
    for frame, face, numbers in zip(pictures, faces, told, strict=True):
        assert (numbers.shape, numbers.dtype) == ((512,), np.float32)
        expected = asked.get(np.ascontiguousarray(frame[:, :, ::-1]), SimpleNamespace(kps=face.points))
        assert similarity("cosine", numbers, expected) > 0.99999
        assert np.allclose(numbers, expected, atol=0.01 * np.abs(expected).max())
        mirrored = np.ascontiguousarray(frame[:, ::-1, ::-1])
        for other, points in ((frame, face.points), (mirrored, face.points), (frame[..., ::-1], face.points[:, ::-1])):
            swapped = asked.get(np.ascontiguousarray(other), SimpleNamespace(kps=points))
            assert similarity("cosine", numbers, swapped) < 0.999, "colours, sides and axes are told apart"
    backend._embedded._most = 3  # as on a GPU
    for one, other in zip(told, backend.embed(pictures, faces), strict=True):
        assert np.allclose(one, other, atol=1e-4 * np.abs(one).max())
    backend.close()


def test_faces_are_cut_out_as_insightface_cuts_them_out(needs: Callable[[str], Any], pictures: list[Frame]) -> None:
    needs("onnx")
    needs("skimage")
    library = needs("insightface.utils.face_align")
    for frame, face in zip(pictures, _faces(pictures), strict=True):
        ours, theirs = aligned(frame, face.points), library.norm_crop(frame, face.points)
        assert np.abs(ours.astype(int) - theirs).max() <= 2, "they round their places to float32"
        assert np.abs(ours.astype(int) - theirs).mean() < 0.02


def test_a_face_is_turned_upright() -> None:
    """Without any library: red, green and blue spots of a face that leans come where they belong."""
    frame = np.zeros((150, 150, 3), np.uint8)
    for (x, y), colour in zip(TURNED[[0, 1, 3]].astype(int).tolist(), np.eye(3) * 255, strict=True):
        frame[y - 3 : y + 4, x - 3 : x + 4] = colour
    square = aligned(frame, TURNED)
    places = [np.argwhere(square[:, :, i] > 200).mean(axis=0)[::-1] for i in range(3)]
    assert np.abs(np.array(places) - [(38.3, 51.7), (73.5, 51.5), (41.5, 92.4)]).max() < 5


def test_real_weights_tell_people_apart(weights: Path, face_views: dict[str, list[tuple[str, Frame]]]) -> None:
    """MobileFaceNet was trained as ArcFace, and is loaded as it is; ten people look at the camera."""
    from actor18m.models.centerface import CenterFace

    network = OnnxNetwork(weights / "MobileFaceNet_foamliu.onnx", OnnxParameters())
    assert network.most == 1, "the file takes one picture at a time"
    backend, detector = ArcFace(network), CenterFace.load()
    frames = [frame for _, frame in face_views["front"]]
    faces = [found[0] for found in detector.detect(frames)]
    told = list(zip([person for person, _ in face_views["front"]], backend.embed(frames, faces), strict=True))
    pairs = [(one == other, similarity("cosine", a, b)) for i, (one, a) in enumerate(told) for other, b in told[:i]]
    same, others = (np.array([value for is_same, value in pairs if is_same is which]) for which in (True, False))
    print(f"{len(same)} pairs of one person: {same.min():.3f} and more, median {np.median(same):.3f}")
    print(f"{len(others)} of two: {others.max():.3f} and less, 99th percentile {np.percentile(others, 99):.3f}")
    assert len(same) >= 8
    assert (same[:, None] > others).mean() > 0.995
