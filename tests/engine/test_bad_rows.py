"""A row of a list that means no input fails, and the others are built."""

from pathlib import Path

import pytest

from actor18m.inputs import bad_row
from actor18m.media.source import MediaError, opened
from tests.engine.site import Site, films


def test_a_bad_row_is_a_failed_input_and_the_list_is_built(site: Site, tmp_path: Path) -> None:
    site.put(films("film", 4, at_least=0.5))
    rows = ["uri;cut_start;cut_end", *(f"videos/film{n}.mp4;;" for n in range(4)), "videos/film0.mp4;9;3", ";;"]
    listed = tmp_path / "list.csv"
    listed.write_text("\n".join(rows))
    built = site.run("build", str(tmp_path / "steady.yaml"), "--input", str(listed))
    assert built.exit_code == 0, built.output
    assert f"the list {str(listed)!r}, line 6 fails: from 9 to 3 is nothing" in built.stderr
    assert f"the list {str(listed)!r}, line 7 fails: the name is empty" in built.stderr
    assert "states: 4 accepted, 2 failed" in built.stdout
    bad = sorted(row["uri"] for row in site.table("inputs") if row["state"] == "failed")
    assert bad[1] == f"bad-row:file://{listed}#line 7: the name is empty"
    explained = site.run("explain", bad[1], str(tmp_path / "steady.yaml"))
    assert "state: failed" in explained.stdout, explained.output
    removed = site.bare("remove", bad[1], "--why", "mended", "--store", f"{tmp_path}/store")
    assert removed.exit_code == 0, removed.output
    listed.write_text("\n".join(rows[:-1]))
    assert "4 accepted, 1 failed" in site.run("build", str(tmp_path / "steady.yaml"), "--input", str(listed)).stdout


def test_where_a_stage_would_read_it_the_reason_is_told() -> None:
    row = bad_row("file:///data/list.csv", "line 3", "from 9 to 3 is nothing")
    with pytest.raises(MediaError) as told, opened(row):
        pass
    assert str(told.value) == "bad-row:file:///data/list.csv#line 3: from 9 to 3 is nothing"
    assert told.value.kind == "bad_row"
