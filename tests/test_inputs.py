import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor18m.errors import ActorError
from actor18m.inputs import Input, canonical_uri, local_path

HOSTILE = [
    b"new\nline",
    b'"quoted"',
    b"it's",
    b"..hidden..",
    b"\xff\xfe.mp4",
    b"a b%20c#d?e",
    "\u00fc\u732b.mp4".encode(),
    b"\\",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_any_file_name_survives(name: bytes, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(b"content")
    uri = canonical_uri(path)
    assert uri.isascii()
    assert "\n" not in uri
    assert canonical_uri(uri) == uri
    found = local_path(uri)
    assert found is not None
    assert found.read_bytes() == b"content"


@given(st.binary(min_size=1).filter(lambda name: b"\0" not in name and b"/" not in name and name not in (b".", b"..")))
def test_every_name_that_a_file_system_allows_comes_back(name: bytes) -> None:
    found = local_path(canonical_uri(Path("/folder") / os.fsdecode(name)))
    assert found is not None
    assert os.fsencode(found) == b"/folder/" + name


def test_one_file_has_one_uri(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    expected = f"file://{tmp_path}/a.mp4"
    for spelling in (
        "../a.mp4",
        f"{tmp_path}/./sub//../a.mp4",
        f"FILE://localhost{tmp_path}/a.mp4",
        tmp_path / "a.mp4",
    ):
        assert canonical_uri(spelling) == expected
    monkeypatch.chdir(tmp_path)
    for spelling in ("a.mp4", "./a.mp4", f"{tmp_path}//./a.mp4"):
        assert canonical_uri(spelling) == expected


def test_two_dots_after_a_link_lead_above_its_target(tmp_path: Path) -> None:
    (tmp_path / "far" / "away").mkdir(parents=True)
    (tmp_path / "far" / "a.mp4").touch()
    (tmp_path / "link").symlink_to(tmp_path / "far" / "away")
    assert local_path(canonical_uri(f"{tmp_path}/link/../a.mp4")) == tmp_path / "far" / "a.mp4"


def test_other_uris_stay_as_they_are() -> None:
    for uri in ("s3://bucket/a b/../c//d\n.mp4", "https://host/a%2Fb?c=d", "gs://b/\u00fc"):
        assert canonical_uri(uri) == uri
    assert canonical_uri("S3://Bucket/Key") == "s3://Bucket/Key"
    assert local_path("s3://bucket/key") is None


@pytest.mark.parametrize("bad", ["", "a\0b", "file://elsewhere/a.mp4", "s3://bucket/\udcff"])
def test_what_names_no_file_is_refused(bad: str) -> None:
    with pytest.raises(ActorError):
        canonical_uri(bad)


def test_the_id_covers_what_identifies_the_row_and_not_what_describes_it() -> None:
    """A licence or consent that was corrected is no other input."""
    row = Input("file:///a", (0, 9), (0, 1, 2, 3), "CC-BY-4.0", "signed", {"caption": "x"})
    assert row.id == Input("file:///a", (0, 9), (0, 1, 2, 3)).id
    others = [
        Input("file:///b", (0, 9), (0, 1, 2, 3), "CC-BY-4.0", "signed"),
        Input("file:///a", (0, 8), (0, 1, 2, 3), "CC-BY-4.0", "signed"),
        Input("file:///a", (0, 9), None, "CC-BY-4.0", "signed"),
    ]
    assert len({row.id, *(other.id for other in others)}) == 4
