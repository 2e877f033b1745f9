"""Licences and consent are corrected: no clip moves to another lot, no shard is written again, and `diff` tells it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from actor18m.cli.app import app
from tests.engine.reels import REELS, reel
from tests.engine.site import Site, films

GOOD = (0.6, 1.0)


def listed(site: Site, *rows: str, header: str = "path,licence,consent") -> Path:
    path = site.root / "list.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


@pytest.fixture
def built(site: Site) -> Site:
    site.put(films("a", 3, *GOOD))
    site.build(given=listed(site, "videos/a0.mp4,CC-BY-NC-4.0,signed", "videos/a1.mp4,CC0,", "videos/a2.mp4,,"))
    site.called()
    return site


def relicensed(site: Site, *rows: str, header: str = "path,licence,consent", code: int = 0) -> str:
    result = site.run("relicense", "--input", str(listed(site, *rows, header=header)), "--why", "the contract came")
    assert result.exit_code == code, result.output
    return result.output


def rights(site: Site, table: str = "clips") -> dict[str, tuple[str | None, str | None]]:
    uri = "uris" if table == "clips" else "uri"
    return {
        Path(row[uri][0] if table == "clips" else row[uri]).stem: (row["licence"], row["consent"])
        for row in site.table(table)
    }


def test_a_corrected_licence_is_told_by_the_tables_and_writes_no_shard(built: Site) -> None:
    shards, lots = built.shards(), {row["clip"]: row["lot"] for row in built.table("clips")}
    told = relicensed(built, "videos/a0.mp4,CC-BY-4.0,signed", "videos/a1.mp4,,", "videos/none.mp4,CC0,")
    assert "3 rows given, 2 inputs corrected, 1 row not registered" in told
    assert "not registered with this cut and crop: file://" in told
    assert "none.mp4" in told
    account = built.build()
    assert account["states"] == {"accepted": 3}
    assert (built.called(), account["published"]["shards_made"]) == ({}, 0)
    expected = {"a0": ("CC-BY-4.0", "signed"), "a1": (None, None), "a2": (None, None)}
    assert rights(built) == rights(built, "inputs") == expected
    assert built.shards() == shards
    assert {row["clip"]: row["lot"] for row in built.table("clips")} == lots
    said = built.run("words", "--all").stdout
    assert "relicense" in said
    assert "the contract came" in said


def test_diff_tells_what_changed_of_licence_and_consent(built: Site) -> None:
    relicensed(built, "videos/a0.mp4,CC-BY-4.0,withdrawn", "videos/a2.mp4,CC-BY-4.0,")
    built.build()
    ran = CliRunner().invoke(app, ["diff", "000001", "--dataset", str(built.dataset), "--json"])
    found = json.loads(ran.stdout)
    assert found["licence"] == [
        {"from": "CC-BY-NC-4.0", "to": "CC-BY-4.0", "clips": 1},
        {"from": None, "to": "CC-BY-4.0", "clips": 1},
    ]
    assert found["consent"] == [{"from": "signed", "to": "withdrawn", "clips": 1}]
    assert (found["moved"], found["identities"], found["shards"]["added"]) == ([], {}, [])


def test_a_list_without_a_column_says_nothing_of_it(built: Site) -> None:
    relicensed(built, "videos/a0.mp4,MIT", header="path,licence")
    built.build()
    assert rights(built)["a0"] == ("MIT", "signed")


def test_what_is_corrected_twice_is_as_the_later_one_says(built: Site) -> None:
    relicensed(built, "videos/a0.mp4,MIT,signed")
    relicensed(built, "videos/a0.mp4,CC0,asked")
    assert "0 inputs corrected" in relicensed(built, "videos/a0.mp4,CC0,asked")
    built.build()
    assert rights(built)["a0"] == ("CC0", "asked")


def test_a_corrected_list_given_as_input_is_no_second_input_and_says_what_to_do(built: Site) -> None:
    given = listed(built, "videos/a0.mp4,CC-BY-4.0,signed", "videos/a1.mp4,CC0,", "videos/a2.mp4,,")
    said = built.run("build", str(built.root / "steady.yaml"), "--input", str(given)).output
    assert "1 given with another licence or consent than is registered, which counts" in said
    assert "licence 'CC-BY-4.0', registered 'CC-BY-NC-4.0'" in said
    assert "actor18m relicense --input" in said
    assert len(built.table("inputs")) == 3
    assert rights(built)["a0"] == ("CC-BY-NC-4.0", "signed")
    relicensed(built, "videos/a0.mp4,CC-BY-4.0,signed")
    again = built.build(given=given)
    assert (again["registration"]["otherwise"], len(built.table("inputs"))) == (0, 3)
    assert rights(built)["a0"] == ("CC-BY-4.0", "signed")
    built.build()
    assert rights(built)["a0"] == ("CC-BY-4.0", "signed"), "a folder says nothing of licences"


def test_of_one_file_in_two_lists_the_strictest_licence_counts(site: Site) -> None:
    site.put(films("a", 1, *GOOD))
    given = listed(site, "videos/a0.mp4,CC0,", "videos/a0.mp4,CC-BY-NC-4.0,", "videos/a0.mp4,,")
    account = site.build(given=given)
    assert account["states"] == {"accepted": 1}
    assert rights(site)["a0"] == ("CC-BY-NC-4.0", None)
    assert account["registration"]["otherwise"] == 1


def test_the_clips_of_a_source_take_its_licence_whenever_they_were_cut(site: Site) -> None:
    reels = replace(site, pipeline=REELS)
    reels.videos.mkdir()
    (reels.videos / "film.mp4").write_bytes(reel("one take of ann cut other take of bob fade last take of carl"))
    reels.build(given=listed(reels, "videos/film.mp4,CC-BY-NC-4.0,"))
    relicensed(reels, "videos/film.mp4,CC0,")
    reels.build()
    assert {row["licence"] for row in reels.table("clips")} == {"CC0"}
    reels.build("--set", "split.shots.min_score=0.1")
    assert {row["licence"] for row in reels.table("inputs")} == {"CC0"}


def test_a_correction_of_nothing_is_refused(built: Site) -> None:
    assert "No row means an input" in relicensed(built, "videos/none.mp4,CC0,", code=1)
    result = built.run("relicense", "--input", str(built.videos))
    assert result.exit_code == 1
    assert "given without a licence or consent" in result.stderr
