import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import float16, float32, list_, string, struct

from actor18m.ledger.rows import checked
from actor18m.stage import Clip, Failure, Parameters, Row, Stage, schema
from tests.tiny_stages import Counter, Faces, FacesParameters, Probe

KEY = "0123456789abcdef0123"
MEASURED: Mapping[str, object] = {"similarity": [], "mean_similarity": 0.5, "people": 1, "where": None, "box": None}


class Two:
    def count(self, uri: str) -> int:
        return 2


def faces_row(**values: object) -> pa.Table:
    return Faces.writes.table([Row(KEY, {**MEASURED, **values})], {KEY: "d"})


def test_a_stage_measures_in_two_lines() -> None:
    clip = Clip(KEY, "a.mp4", upstream={"probe": {"duration_s": 3.5}})
    (row,) = Faces(faces=Two()).measure([clip])
    assert isinstance(row, Row)
    assert row.values["people"] == 2
    (row,) = Faces(FacesParameters(fps=2), faces=Two()).measure([clip])
    assert isinstance(row, Row)
    assert isinstance(row.values["similarity"], list)
    assert len(row.values["similarity"]) == 7


def test_the_ledger_takes_what_a_stage_returns() -> None:
    outcomes = [*Probe().measure([Clip("b" * 20, "b.txt"), Clip("a" * 20, "a.mp4")])]
    table = checked(Probe.writes.table(outcomes, {"a" * 20: "one", "b" * 20: "two"}))
    good, bad = table.to_pylist()
    assert (good["key"], good["state"], good["input_digest"], good["error"]) == ("a" * 20, "ok", "one", None)
    assert (good["duration_s"], good["licence"]) == (3.5, "CC0")
    assert (bad["state"], bad["error_kind"], bad["error"]) == ("failed", "NotAVideo", "b.txt is text")
    assert (bad["input_digest"], bad["duration_s"]) == ("two", None)


def test_nan_is_null_at_every_depth_and_numpy_is_welcome() -> None:
    table = faces_row(
        similarity=np.array([0.5, np.nan], np.float32),
        mean_similarity=np.float32("nan"),
        box={"x0": float("nan"), "x1": 1},
    )
    assert table["similarity"].to_pylist() == [[0.5, None]]
    assert table["mean_similarity"].to_pylist() == [None]
    assert table["box"].to_pylist() == [{"x0": None, "x1": 1.0}]
    assert faces_row(similarity=[np.float32(0.5), float("nan")])["similarity"].to_pylist() == [[0.5, None]]


def test_no_outcomes_are_an_empty_table() -> None:
    assert Faces.writes.table([], {}).num_rows == 0


def test_a_row_with_other_columns_is_refused() -> None:
    with pytest.raises(ValueError, match=r"stage faces has no column mean_similarty; did you mean mean_similarity\?"):
        faces_row(mean_similarty=0.5)
    with pytest.raises(ValueError, match="a row of stage faces lacks box, people"):
        Faces.writes.table([Row(KEY, {"similarity": [], "mean_similarity": 0.5, "where": ""})], {KEY: "d"})


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("people", "two"),
        ("people", 2**40),
        ("similarity", 0.5),
        ("similarity", ["a"]),
        ("people", 1.0),
        ("box", {"x0": 1}),
    ],
)
def test_a_value_of_another_type_names_its_column(column: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"column {column} takes "):
        faces_row(**{column: value})


@pytest.mark.parametrize("name", ["Similarity", "key", "state", "a b", "", "é", "a.b"])
def test_a_column_has_a_plain_name_that_is_not_taken(name: str) -> None:
    with pytest.raises(ValueError, match="a column cannot be called"):
        schema("faces", **{name: float32()})


@pytest.mark.parametrize(
    "kind", [float16(), pa.timestamp("us"), list_(float16()), struct([("A", string())]), pa.null()]
)
def test_a_column_has_a_type_that_every_reader_knows(kind: pa.DataType) -> None:
    with pytest.raises(ValueError, match="column a cannot be a "):
        schema("faces", a=kind)


def test_a_stage_name_becomes_a_folder_and_is_checked() -> None:
    with pytest.raises(ValueError, match="a stage's name"):
        schema("../faces", a=float32())


def test_what_the_contract_is_made_of_is_frozen() -> None:
    things = [(Clip(KEY, "a.mp4"), "key"), (Row(KEY, {}), "key"), (Failure(KEY, "k", "m"), "key")]
    for thing, name in [*things, (Faces.writes, "name")]:
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(thing, name, "other")
    with pytest.raises(ValueError, match="frozen"):
        setattr(FacesParameters(), "fps", 2)  # noqa: B010 - an assignment would not pass the type checker


def test_roles_are_played_by_exactly_one_backend_each() -> None:
    with pytest.raises(TypeError, match=r"faces has no role face; did you mean faces\?"):
        Faces(face=Two())
    with pytest.raises(TypeError, match="faces needs a backend for faces"):
        Faces()
    with pytest.raises(TypeError, match="faces takes FacesParameters, not Parameters"):
        Faces(Parameters(), faces=Two())


def test_a_role_may_be_left_unplayed_where_the_stage_says_so() -> None:
    class Curious(Faces):
        roles: ClassVar = {**Faces.roles, "heads": Counter, "hands": Counter}
        may_lack: ClassVar = frozenset({"heads"})

    two = Two()
    assert Curious(faces=two, hands=two).backends == {"faces": two, "hands": two}
    assert Curious(faces=two, hands=two, heads=two).backends["heads"] is two
    with pytest.raises(TypeError, match="needs a backend for hands"):
        Curious(faces=two, heads=two)
    played = dict.fromkeys(Curious.roles, ("two", "0" * 64))
    unplayed = {role: backend for role, backend in played.items() if role != "heads"}
    prints = {Curious.fingerprint(FacesParameters(), backends) for backends in (played, unplayed)}
    assert len(prints) == 2
    for wrong in ({"faces": ("two", "0" * 64)}, {**played, "feet": ("two", "0" * 64)}):
        with pytest.raises(ValueError, match="has the roles"):
            Curious.fingerprint(FacesParameters(), wrong)


def test_the_fingerprint_holds_version_parameters_and_backends() -> None:
    class Newer(Faces):
        version = 3

    backends = {"faces": ("two", "0" * 64)}
    prints = [
        Faces.fingerprint(FacesParameters(), backends),
        Faces.fingerprint(FacesParameters(fps=2), backends),
        Faces.fingerprint(FacesParameters(sizes=(64,)), backends),
        Faces.fingerprint(FacesParameters(cap=None), backends),
        Faces.fingerprint(FacesParameters(), {"faces": ("two", "1" * 64)}),
        Newer.fingerprint(FacesParameters(), backends),
    ]
    assert len(set(prints)) == len(prints)
    assert Faces.fingerprint(FacesParameters(fps=1.0, sizes=(64, 128)), backends) == prints[0]
    with pytest.raises(ValueError, match=r"faces has the roles \['faces'\], not \[\]"):
        Faces.fingerprint(FacesParameters(), {})


def test_a_stage_that_does_not_measure_says_so() -> None:
    with pytest.raises(NotImplementedError):
        Stage().measure([])
