"""Small backends where a stage asks them about a film: what is told of many frames is what is told of each alone."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actor18m.arrays import Box, Frame
from actor18m.models.anchored_faces import AnchoredParameters
from actor18m.models.arcface import ArcFace
from actor18m.models.backends import load
from actor18m.models.detr import Detr, DetrParameters
from actor18m.models.onnx_network import OnnxNetwork, OnnxParameters
from actor18m.models.open_clip import OpenClip, OpenClipParameters
from actor18m.models.retinaface import RetinaFace
from actor18m.models.roles import FACE_PARTS, Person
from actor18m.models.scrfd import Scrfd
from actor18m.stage import Clip, Row
from stages.faces import Faces
from stages.identity import Identity
from stages.motion import Motion
from tests.models.cluster.test_anchored_faces import small_retinaface, small_scrfd
from tests.models.cluster.test_arcface import small_arcface
from tests.models.cluster.test_detr import small_detr
from tests.models.cluster.test_learned_parsing import save_segformer
from tests.models.cluster.test_open_clip import small_open_clip
from tests.stages.test_faces import clip as face_clip
from tests.stages.told_by_truth import with_boxes


class Asked:
    """A backend, with what it was asked and what it said."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self.said: list[tuple[str, Sequence[Any], Sequence[Any]]] = []

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._backend, name)
        if not callable(found):
            return found

        def noted(*given: Any) -> Any:
            told = found(*given)
            self.said.append((name, given, told))
            return told

        return noted

    def each(self) -> list[tuple[Any, Any]]:
        """What it said of each item among others, and what it says of it alone."""
        return [
            (told[number], getattr(self._backend, name)(*([each[number]] for each in given))[0])
            for name, given, told in self.said
            for number in range(len(told))
        ]


class Colours:
    metric = "cosine"

    def encode(self, frames: Sequence[Frame]) -> list[Any]:
        return [frame.mean(axis=(0, 1)).astype(np.float32) for frame in frames]


class InTheMiddle:
    def people(self, frames: Sequence[Frame]) -> list[list[Person]]:
        return [[Person((0.3 * f.shape[1], 0.0, 0.7 * f.shape[1], float(f.shape[0])), 0.9)] for f in frames]


class NobodyDrew:
    def drawn(self, frames: Sequence[Frame], boxes: Sequence[Box]) -> list[float]:
        return [0.0] * len(frames)


def film_of_nobody_known(name: str = "low_resolution_1") -> Clip:
    """Small and short, as motion is given it where identity saw no face."""
    clip, _ = with_boxes(name)
    return replace(clip, upstream={"identity": {"frame_times": [0.0], "faces": []}})


def _row(outcome: Any) -> dict[str, Any]:
    assert isinstance(outcome, Row), outcome
    return dict(outcome.values)


@pytest.mark.parametrize("name", Detr.snapshots)
def test_people_of_a_film(name: str, needs: Callable[[str], Any], small: Callable[..., None]) -> None:
    for library in ("torch", "torchvision", "transformers"):
        needs(library)
    small(name, small_detr(name))
    detector = load(name, DetrParameters(min_score=0.0, device="cpu"))
    detector._detected._most = 5  # as on a GPU
    people = Asked(detector)
    stage = Motion(people=people, encoder=Colours(), points=load("lucas-kanade"))
    row = _row(next(iter(stage.measure([film_of_nobody_known()]))))
    assert len(row["people"]) == len(people.each()) > 20
    for among, alone in people.each():
        assert len(among) == len(alone)
        assert np.allclose([each.score for each in among], [each.score for each in alone], atol=1e-4)
    assert any(among for among, _ in people.each())


@pytest.mark.parametrize("name", OpenClip.snapshots)
def test_pictures_of_a_film(name: str, needs: Callable[[str], Any], small: Callable[..., None]) -> None:
    needs("torchvision")
    needs("open_clip")
    small(name, small_open_clip(name))
    network = load(name, OpenClipParameters(device="cpu"))
    network._encoded._most = 5  # as on a GPU
    encoder = Asked(network)
    row = _row(
        next(
            iter(
                Motion(people=InTheMiddle(), encoder=encoder, points=load("lucas-kanade")).measure(
                    [film_of_nobody_known()]
                )
            )
        )
    )
    assert len(row["frame_times"]) <= len(encoder.each())
    assert all(np.allclose(among, alone, atol=1e-4) for among, alone in encoder.each())
    assert 0 < min(row["similarity_to_first"]) < max(row["similarity_to_first"]) <= 1.001


@pytest.mark.parametrize("kind", [RetinaFace, Scrfd])
def test_faces_of_a_film_and_who_they_are(kind: type[Any], needs: Callable[[str], Any], tmp_path: Path) -> None:
    needs("onnx")
    parameters = AnchoredParameters(side=160, device="cpu")
    made = small_retinaface(tmp_path / "f.onnx") if kind is RetinaFace else small_scrfd(tmp_path / "f.onnx", True)
    faces, identity = OnnxNetwork(made, parameters), OnnxNetwork(small_arcface(tmp_path / "i.onnx"), OnnxParameters())
    faces.most = identity.most = 3  # as on a GPU
    detector, embedder = Asked(kind(faces, parameters)), Asked(ArcFace(identity))
    stage = Identity(faces=detector, identity=embedder, depiction=NobodyDrew())
    row = _row(next(iter(stage.measure([Clip("film", film_of_nobody_known().uri)]))))
    for among, alone in detector.each():
        assert len(among) == len(alone) > 1
        assert np.allclose([face.score for face in among], [face.score for face in alone], atol=1e-5)
    assert len(embedder.each()) > 1
    for among, alone in embedder.each():
        assert among.shape == (512,)
        assert np.allclose(among, alone, atol=1e-4 * np.abs(alone).max())
    assert row["max_faces"] == max(len(among) for among, _ in detector.each())


def test_parts_of_a_films_faces(
    needs: Callable[[str], Any], small: Callable[..., None], pulled: Callable[..., None]
) -> None:
    for library in ("torch", "torchvision", "transformers"):
        needs(library)
    pulled("centerface", "mediapipe-face")
    others = {"faces": load("centerface"), "mesh": load("mediapipe-face"), "expression": load("blendshape-expression")}
    small("segformer-face", save_segformer)
    network = load("segformer-face")
    network._parsed._most = 4  # as on a GPU
    parser = Asked(network)
    row = _row(next(iter(Faces(**others, parsing=parser).measure([face_clip("one_second_1")]))))
    assert row["parsing_method"] == "learned"
    assert all(parts[name] is not None for parts in row["parsing"] for name in FACE_PARTS[1:])
    assert len(parser.each()) == len(row["parsing"]) > 3
    assert all((among.parts == alone.parts).mean() > 0.995 for among, alone in parser.each())
