"""Lists that are odd, hostile or careless with secrets."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from actor18m.catalog.sources import find_inputs
from actor18m.errors import ActorError
from actor18m.inputs import Input, canonical_uri, refusal
from actor18m.redact import HIDDEN

ODD = [
    "ftp://host/a.mp4",
    "zip://a.mp4::s3://bucket/clips.zip",
    "github://org:repo@/a.mp4",
    "reference://a.mp4",
    "hdfs://namenode:9000/a.mp4",
    "dbfs:/a.mp4",
    "dbfs://a/b.mp4",
    "data:video/mp4;base64,AAAA",
    "javascript:alert(1)",
    "nosuch://x",
    "file://elsewhere/a.mp4",
    "s3://bucket/\udcff.mp4",
    "nul\0.mp4",
]
SECRETS = {
    "user and password": "https://ann:S3CRET@host/a.mp4",
    "token alone as user": "https://S3CRET@host/a.mp4",
    "key pair with a slash": "s3://AKIAIOSFODNN7EXAMPLE:wJalr/S3CRET/bPxRfiCYEXAMPLEKEY@bucket/a.mp4",
    "token": "https://host/a.mp4?token=S3CRET",
    "amazon": "https://b.s3.amazonaws.com/a.mp4?X-Amz-Credential=AKIA&X-Amz-Signature=S3CRET",
    "azure": "https://acc.blob.core.windows.net/c/a.mp4?sv=2024&sig=S3CRET%3D",
    "key id": "https://host/a.mp4?AccessKeyId=S3CRET&Expires=9",
    "google": "https://storage.googleapis.com/b/a.mp4?X-Goog-Signature=S3CRET",
    "fragment": "https://host/a.mp4#access_token=S3CRET",
    "encoded": "https://host/a.mp4%3Ftoken%3DS3CRET",
    "inside another": "https://proxy/?url=https%3A%2F%2Fann%3AS3CRET%40host%2Fa.mp4",
    "odd scheme": "sftp://ann:S3CRET@host/a.mp4",
}


def listed(folder: Path, name: str, content: str) -> list[Input]:
    path = folder / name
    path.write_text(content, errors="surrogateescape")
    return list(find_inputs([str(path)]))


@pytest.mark.parametrize("uri", ODD)
def test_an_odd_uri_is_an_input_that_fails_alone_and_is_told_with_its_line(
    uri: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "good.mp4").write_bytes(b"content")
    odd, good = listed(tmp_path, "list.csv", f'uri\n"{uri}"\ngood.mp4\n')
    if uri.startswith("dbfs:/a"):
        return  # without a second slash it is a path like another
    refused = refusal(odd.uri)
    assert refused is not None
    assert odd.version is None
    assert odd.source == {"refused": f"the list {str(tmp_path / 'list.csv')!r}, line 2"}
    assert "line 2" in caplog.text
    if refused[0] == "unsupported_scheme":
        assert "there are file, s3, " in caplog.text
    assert good == Input(canonical_uri(tmp_path / "good.mp4"), version=good.version)
    assert good.version is not None
    assert refusal(good.uri) is None


def test_many_odd_uris_are_told_in_few_words(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = listed(tmp_path, "list.txt", "".join(f"ftp://host/{number}.mp4\n" for number in range(100)))
    assert len({row.id for row in rows}) == 100
    assert len(caplog.records) == 6
    assert "100 rows fail in all" in caplog.text


@pytest.mark.parametrize("uri", SECRETS.values(), ids=SECRETS)
def test_a_secret_in_a_uri_is_not_registered_and_its_row_fails(
    uri: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (row,) = listed(tmp_path, "list.txt", f"{uri}\n")
    assert "S3CRET" not in f"{row}{caplog.text}"
    assert HIDDEN in row.uri
    refused = refusal(row.uri)
    assert refused is not None
    assert refused[0] == ("unsupported_scheme" if uri.startswith("sftp") else "credentials_in_uri")
    with pytest.raises(ActorError, match=r"credentials|is not read") as told:
        list(find_inputs([uri]))
    assert "S3CRET" not in str(told.value)


def test_columns_that_hold_secrets_are_left_out_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    names = ["api_key", "Token", "DbPassword", "secret", "Authorization", "cookie", "aws_secret_access_key"]
    header, values = ",".join(["uri", *names, "tokens", "author", "seen_at"]), ",".join(["S3CRET"] * len(names))
    seen = "https://ann:S3CRET@host/page?token=S3CRET and AKIAIOSFODNN7EXAMPLE"
    (row,) = listed(tmp_path, "list.csv", f"{header}\na.mp4,{values},12,ann,{seen}\n")
    assert row.source == {"tokens": "12", "author": "ann", "seen_at": "https://***@host/page?*** and ***"}
    assert all(repr(name) in caplog.text for name in names)
    assert "S3CRET" not in caplog.text


def test_secrets_in_what_a_list_nests(tmp_path: Path) -> None:
    nested = {
        "uri": "a.mp4",
        "from": {"api_key": "S3CRET", "pages": ["https://h/?sig=S3CRET"]},
        "licence": "x token=S3CRET",
    }
    (row,) = listed(tmp_path, "list.jsonl", json.dumps(nested))
    assert row.source == {"from": {"pages": ["https://h/?***"]}}
    assert row.licence == "x token=***"


def test_text_with_a_path_on_each_line(tmp_path: Path) -> None:
    (tmp_path / "a b.mp4").write_bytes(b"content")
    rows = listed(tmp_path, "list.txt", "\ufeffa b.mp4\r\n\n# a comment\n#c.mp4\nmemory://x/d,e.mp4")
    names = [canonical_uri(tmp_path / "a b.mp4"), canonical_uri(tmp_path / "#c.mp4"), "memory://x/d,e.mp4"]
    assert [row.uri for row in rows] == names
    assert [row.version is None for row in rows] == [False, True, True]


@pytest.mark.parametrize("suffix", ["jsonl", "ndjson"])
def test_json_lines_have_the_columns_of_other_lists(suffix: str, tmp_path: Path) -> None:
    lines = [{"path": "a.mp4", "cut_start": 3, "cut_end": 9, "License": "CC0", "n": 1.5}, {"uri": "b.mp4", "n": None}]
    first, second = listed(tmp_path, f"list.{suffix}", "\n\n".join(map(json.dumps, lines)))
    assert (first.cut, first.licence, first.source) == ((3, 9), "CC0", {"n": 1.5})
    assert second == Input(canonical_uri(tmp_path / "b.mp4"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "uri,URI\na,b\n", "two columns 'uri', and only one"),
        ("a.csv", "uri,x,x\na,b,c\n", "two columns 'x'"),
        ("a.jsonl", '{"uri": "a", "uri": "b"}', "line 1: .*'uri' stands in it twice"),
        ("a.jsonl", '["a"]', "line 1: is no JSON object with a field uri"),
        ("a.jsonl", "[" * 100_000, "line 1: is nested too deeply"),
        ("a.jsonl", '{"uri": "a", "x": ' + "[" * 400_000 + "]" * 400_000 + "}", "line 1: is nested too deeply"),
        ("a.jsonl", '{"uri": "a", "cut_start": 1, "cut_end": ' + "9" * 9000 + "}", "line 1: is no JSON object"),
        ("a.csv", "uri\n" + "x" * 3_000_000, "line 2: is longer than 1,048,576 characters"),
        ("a.csv", 'uri\n"' + "x\n" * 200_000, "line .*: field larger than field limit"),
        ("a.txt", "x" * 3_000_000, "line 1: is longer than"),
        ("a.json", "[" * 100_000, "more than 100 lists or objects in each other"),
        ("a.json", '{"a":' * 100_000, "more than 100 lists or objects in each other"),
        ("a.json", '{"a": {"metadata": {"path": "' + "x" * (20 << 20), "a text of more than 16 MiB"),
        ("a.parquet", "PAR1" + "x" * 100 + "PAR1", "cannot be read as Parquet"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else None,
)
def test_what_would_break_a_reader_is_told_in_a_sentence(name: str, content: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ActorError, match=f"(?s)a{Path(name).suffix}.*{message}") as told:
        listed(tmp_path, name, content)
    assert len(str(told.value)) < 1000


@pytest.mark.parametrize(
    ("name", "bad", "reason"),
    [
        ("list.csv", "a.mp4,5,,", "cut_end is '', which is no whole number"),
        ("list.csv", "a.mp4,1.5,2,", "cut_start is '1.5', which is no whole number"),
        ("list.csv", "a.mp4,77,5,", "from 77 to 5 is nothing"),
        ("list.csv", ",1,2,", "the name is empty"),
        ("list.csv", "a,b.mp4,1,2,", "5 values for 4 columns. A value with a separator"),
        ("list.csv", "a.mp4,https://ann:S3CRET@host,2,", "cut_start is 'https://"),
        ("list.tsv", "\t1\t2\t", "the name is empty"),
        ("list.jsonl", '{"ur', "is no JSON object"),
        ("list.jsonl", '["a"]', "is no JSON object with a field uri"),
        ("list.jsonl", '{"ulr": "a"}', "has no column that names the files"),
        ("list.jsonl", '{"uri": ["a"]}', "['a'] is no file name"),
        ("list.jsonl", '{"uri": "a", "cut_start": 1, "cut_end": ' + "9" * 4000 + "}", "cut_end is 999"),
        ("list.jsonl", '{"uri": ""}', "the name is empty"),
    ],
    ids=lambda value: value[:20],
)
def test_a_bad_row_fails_alone_and_is_told_with_its_line(
    name: str, bad: str, reason: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    header = {".csv": "uri,cut_start,cut_end,licence", ".tsv": "uri\tcut_start\tcut_end\tlicence"}
    fields = {".csv": "{},3,9,CC0", ".tsv": "{}\t3\t9\tCC0"}
    kind = Path(name).suffix
    as_json = '{{"uri": "{}", "cut_start": 3, "cut_end": 9, "licence": "CC0"}}'
    good = fields.get(kind, as_json)
    lines = [header.get(kind, good.format("z.mp4")), good.format("b.mp4"), bad, good.format("c.mp4")]
    first, odd, last = listed(tmp_path, name, "\n".join(lines))[-3:]
    assert [first, last] == [
        Input(canonical_uri(tmp_path / each), (3, 9), licence="CC0", states=first.states) for each in ("b.mp4", "c.mp4")
    ]
    refused = refusal(odd.uri)
    assert refused is not None
    assert (refused[0], odd.version, odd.cut) == ("bad_row", None, None)
    assert reason in refused[1]
    assert f"{tmp_path / name}#line 3: " in odd.uri
    assert f"the list {str(tmp_path / name)!r}, line 3 fails: {reason}" in caplog.text
    assert "S3CRET" not in f"{odd}{caplog.text}"
    assert len(odd.uri) < 1000


def test_a_bad_clip_of_opens2v_fails_alone(tmp_path: Path) -> None:
    clips = [{"path": "a"}, {"path": "b", "cut": [1]}, {"path": "c", "crop": [0, 1, 0, 1.5]}, {"path": ""}]
    text = json.dumps({str(number): {"metadata": clip} for number, clip in enumerate(clips)} | {"images": [1]})
    refused = [refusal(row.uri) for row in listed(tmp_path, "part.json", text)]
    assert refused[0] is None
    reasons = ["cut is [1], not 2 whole", "crop is [0, 1, 0, 1.5], not 4", "the name is empty", "it has no metadata"]
    for reason, each in zip(reasons, refused[1:], strict=True):
        assert each is not None
        assert each[0] == "bad_row"
        assert each[1].startswith(reason)


@pytest.mark.parametrize("delimiter", [";", "\t", ","])
@pytest.mark.parametrize("suffix", ["csv", "tsv"])
def test_a_list_may_be_separated_by_what_a_spreadsheet_takes(delimiter: str, suffix: str, tmp_path: Path) -> None:
    lines = ["\ufefflicence;URI;cut_start;cut_end", 'CC0;"a;b,c.mp4";1;2', "CC0;d.mp4;;"]
    quoted = [line.replace(";", delimiter) for line in lines]
    quoted[1] = f'CC0{delimiter}"a;b,c.mp4"{delimiter}1{delimiter}2'
    first, second = listed(tmp_path, f"list.{suffix}", "\n".join(quoted))
    assert (first.uri, first.cut, first.licence) == (canonical_uri(tmp_path / "a;b,c.mp4"), (1, 2), "CC0")
    assert second.uri == canonical_uri(tmp_path / "d.mp4")


def test_two_columns_of_a_parquet_list_that_mean_one_thing_are_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table([["a"], ["b"]], names=["uri", "uri"]), tmp_path / "list.parquet")
    with pytest.raises(ActorError, match="two columns 'uri'"):
        list(find_inputs([str(tmp_path / "list.parquet")]))
