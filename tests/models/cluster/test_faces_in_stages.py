"""The faces' backends where they are asked: real weights in Identity on real footage, and small ones in Faces."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from actor18m.inputs import canonical_uri
from actor18m.models.anchored_faces import AnchoredParameters
from actor18m.models.arcface import ArcFace
from actor18m.models.backends import load
from actor18m.models.bisenet import BiSeNet
from actor18m.models.emotieffnet import EmotiEffNet
from actor18m.models.onnx_network import OnnxNetwork, OnnxParameters
from actor18m.models.retinaface import RetinaFace
from actor18m.models.roles import EXPRESSIONS, FACE_PARTS
from actor18m.stage import Clip, Row
from stages.faces import Faces
from stages.identity import Identity
from tests.models.cluster.real_retinaface import ANCHORS, SIDE, as_onnx
from tests.models.cluster.test_emotieffnet import small_emotieffnet
from tests.models.cluster.test_learned_parsing import small_bisenet
from tests.stages.test_faces import clip

ONE_PERSON = ("single02_latentsync_woman", "single10_lp_s32", "single12_lp_d19", "single22_sky_man_sofa")
TWO_PEOPLE = "idswap_asl_man_woman"


@pytest.mark.slow
def test_real_weights_tell_a_change_of_person_in_real_footage(
    needs: Callable[[str], Any], footage: Path, weights: Path, pulled: Callable[..., None], tmp_path: Path
) -> None:
    """RetinaFace and ArcFace by the paper's rule: the mean similarity to the first face is at least 0.40."""
    needs("onnx")
    needs("torch")
    pulled("efficientnet")
    parameters = AnchoredParameters(side=SIDE)
    file = as_onnx(weights / "retinaface_mobilenet0.25_Final.pth", tmp_path / "retinaface.onnx")
    stage = Identity(
        faces=RetinaFace(OnnxNetwork(file, parameters), parameters, ANCHORS),
        identity=ArcFace(OnnxNetwork(weights / "MobileFaceNet_foamliu.onnx", OnnxParameters())),
        depiction=load("efficientnet"),
    )
    names = (*ONE_PERSON, TWO_PEOPLE)
    outcomes = list(stage.measure([Clip(name, canonical_uri(footage / "videos" / f"{name}.mp4")) for name in names]))
    rows: dict[str, Mapping[str, Any]] = {row.key: row.values for row in outcomes if isinstance(row, Row)}
    told = {name: values["mean_similarity_to_first"] for name, values in rows.items()}
    print(told)
    assert min(told[name] for name in ONE_PERSON) >= 0.55
    assert told[TWO_PEOPLE] < 0.40
    assert {rows[name]["max_faces"] for name in ONE_PERSON} == {1}


def test_a_face_is_read_by_networks(needs: Callable[[str], Any], pulled: Callable[..., None], tmp_path: Path) -> None:
    needs("onnx")
    pulled("centerface", "mediapipe-face")
    stage = Faces(
        faces=load("centerface"),
        mesh=load("mediapipe-face"),
        parsing=BiSeNet(OnnxNetwork(small_bisenet(tmp_path / "parsing.onnx"), OnnxParameters())),
        expression=EmotiEffNet(OnnxNetwork(small_emotieffnet(tmp_path / "expression.onnx"), OnnxParameters())),
    )
    (row,) = stage.measure([clip("talk_yaw_1")])
    assert isinstance(row, Row)
    assert Faces.writes.table([row], {row.key: ""}).num_rows == 1
    values: Mapping[str, Any] = row.values
    assert values["parsing_method"] == "learned"
    seen = [face for face in values["faces"] if face is not None]
    assert {face["expression"] for face in seen} <= {*EXPRESSIONS}
    shares = [parts for parts in values["parsing"] if parts is not None]
    assert len(shares) == len(seen) > 3
    assert all(parts[name] is not None for parts in shares for name in FACE_PARTS[1:]), "a network tells of each part"
