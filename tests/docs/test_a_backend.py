"""docs/a-backend.md, followed as it is printed."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from actor18m.config.pipeline import load_pipeline
from actor18m.inputs import canonical_uri
from actor18m.media.similarity import similarity
from actor18m.media.video import frames
from actor18m.samples.shipped import SHIPPED
from actor18m.survey.chain import chain_of
from tests.docs.page import Reader, reader, run

__all__ = ["reader"]


def test_a_face_detector_is_written_and_tried(reader: Reader, pulled: Callable[..., None]) -> None:
    pulled("centerface", "dlib-face", "efficientnet")
    reader.follow("a-backend.md", until="## In batches, on a GPU")
    step = load_pipeline(reader.folder / "mirrored.yaml").step("identity")
    found = step.roles["faces"].loaded()
    (picture, *_) = (frame for _, frame in frames(canonical_uri(SHIPPED / "two_people_1.mp4"), fps=1))
    some, nobody = found.detect([picture, np.zeros_like(picture)])
    assert len(some) == 2
    assert some[0].score >= some[1].score
    assert nobody == []
    assert found.detect([]) == []


def test_one_that_takes_batches_plays_its_role(reader: Reader) -> None:
    reader.write_files("a-backend.md")
    assert "colourful" in run("actor18m validate colourful.yaml")
    usual, finer, slower = (
        load_pipeline(reader.folder / "colourful.yaml", given)
        for given in ([], ["motion.roles.encoder.grid=8"], ["motion.roles.encoder.batch=1"])
    )
    one, other, third = (
        next(link.fingerprint for link in chain_of(each).clips if link.name == "motion")
        for each in (usual, finer, slower)
    )
    assert one == third != other
    encoder = usual.step("motion").roles["encoder"].loaded()
    pictures = [frame for _, frame in frames(canonical_uri(SHIPPED / "cut_other_actor_1.mp4"), fps=8)]
    vectors = encoder.encode(pictures)
    assert [vector.shape for vector in vectors] == [(6 * 6 * 3,)] * len(pictures)
    assert all(np.array_equal(encoder.encode([picture])[0], v) for picture, v in zip(pictures, vectors, strict=True))
    steps = [similarity(encoder.metric, a, b) for a, b in pairwise(vectors)]
    assert min(steps) < np.median(steps), "it sees the cut"
    encoder.close()
