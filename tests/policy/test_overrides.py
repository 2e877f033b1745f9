from pathlib import Path

import pyarrow as pa
import pytest

from actor18m.errors import ActorError
from actor18m.policy.overrides import LastWord, override, read_overrides
from actor18m.policy.rules import Rule, judge

A, B, C, D = ("a" * 20, "b" * 20, "c" * 20, "12345678901234567890")


def written(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def say(key: str, verdict: str) -> LastWord:
    return LastWord(key, verdict, f"{verdict} by ann: seen it")


def test_yaml_and_csv_say_the_same(tmp_path: Path) -> None:
    yaml = written(
        tmp_path,
        "overrides.yaml",
        f"- {{key: {A}, verdict: allow, who: ann, why: one person}}\n"
        f"- {{key: {D}, verdict: deny, who: bob, why: 'a logo, twice'}}\n"
        f"- {{key: {A}-face-view-03, verdict: deny, who: bob, why: no}}\n",
    )
    csv = written(
        tmp_path,
        "overrides.csv",
        f"\ufeffkey,verdict,who,why\n{A},allow,ann,one person\n"
        f'{D},deny,bob,"a logo, twice"\n{A}-face-view-03,deny,bob,no\n',
    )
    assert read_overrides(yaml) == read_overrides(csv)
    first, second, _ = read_overrides(yaml)
    assert (first.verdict, first.who, first.why) == ("allow", "ann", "one person")
    assert second.key == D, "a key of digits alone is no number"


def test_an_empty_file_overrides_nothing(tmp_path: Path) -> None:
    assert read_overrides(written(tmp_path, "o.yaml", "")) == ()
    assert read_overrides(written(tmp_path, "o.csv", "key,verdict,who,why\n")) == ()


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("o.yaml", f"- {{key: {A}, verdict: alow, who: a, why: b}}", r"o\.yaml: entry 1\.verdict: .*'allow' or 'deny'"),
        ("o.yaml", f"- {{key: {A}, verdict: allow, who: a}}", r"entry 1\.why: is lacking"),
        ("o.yaml", f"- {{key: {A}, verdict: allow, who: '  ', why: b}}", r"entry 1\.who: .*at least 1 character"),
        ("o.yaml", f"- {{key: {A}, verdict: allow, whom: a, why: b}}", r"unknown key whom; did you mean who\?"),
        (
            "o.yaml",
            "- {key: ../etc, verdict: allow, who: a, why: b}",
            r"entry 1\.key: must be the key of .*, not '\.\./etc'; a path .* `actor18m deny`",
        ),
        ("o.yaml", f"- {{key: {A}-face-self-03, verdict: allow, who: a, why: b}}", "entry 1: an image can be denied"),
        ("o.yaml", f"- {{key: {A}, verdict: allow, who: a, why: b}}\n" * 2, f"entry 2: {A} stands twice"),
        ("o.yaml", f"key: {A}", "must be a list of entries"),
        ("o.yaml", "- [", "is not valid YAML: .*line 1"),
        ("o.csv", f"key,verdict,who,why\n{A},allow,ann", r"entry 1\.why: "),
        ("o.csv", f"key,verdict,who,why\n{A},allow,ann,b,c", "entry 1: unknown key more"),
        ("o.csv", f'key,verdict,who,why\n{A},allow,ann,"b', "cannot be read as CSV"),
    ],
)
def test_a_wrong_entry_is_named(name: str, text: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(ActorError, match=why):
        read_overrides(written(tmp_path, name, text))


def test_all_wrong_entries_are_named_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, "o.yaml", "- {key: x, verdict: allow, who: a, why: b}\n- 3\n")
    with pytest.raises(ActorError) as caught:
        read_overrides(path)
    assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == ["entry 1.key", "entry 2"]


def test_a_missing_file_is_an_error_with_its_name(tmp_path: Path) -> None:
    for name in ("none.yaml", "none.csv"):
        with pytest.raises(ActorError, match=rf"{name}: .*No such file"):
            read_overrides(tmp_path / name)


def test_a_person_has_the_last_word() -> None:
    rows = pa.table({"key": [A, B, C, D], "people": [2, 2, 1, 1]})
    judged = judge(rows, {"people": Rule(equals=1)})
    last = override(judged, [say(D, "deny"), say(A, "allow"), say("f" * 20, "allow")])
    assert [tuple(row.values()) for row in last.to_pylist()] == [
        (A, True, "people", "2", "equals 1", "allow by ann: seen it"),
        (B, False, "people", "2", "equals 1", None),
        (C, True, None, None, None, None),
        (D, False, "override", None, None, "deny by ann: seen it"),
    ]


def test_a_denied_clip_that_failed_anyway_keeps_its_rule() -> None:
    judged = judge(pa.table({"key": [A], "people": [2]}), {"people": Rule(equals=1)})
    (row,) = override(judged, [say(A, "deny")]).to_pylist()
    assert (row["passed"], row["rule"], row["override"]) == (False, "people", "deny by ann: seen it")


def test_no_overrides_change_nothing() -> None:
    judged = judge(pa.table({"key": [A], "people": [2]}), {"people": Rule(equals=1)})
    same = override(judged, [])
    assert same.drop_columns(["override"]).to_pylist() == judged.to_pylist()
    assert same["override"].to_pylist() == [None]
    assert override(judged.slice(0, 0), [say(A, "allow")]).num_rows == 0
