import sys
from pathlib import Path

import pytest

from studio import __main__ as studio


def run(monkeypatch: pytest.MonkeyPatch, *args: str) -> str:
    monkeypatch.setattr(sys, "argv", ["studio", *args])
    with pytest.raises(SystemExit) as ended:
        studio.main()
    return str(ended.value.code)


def test_without_its_libraries_the_way_out_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Uninstalled:
        @staticmethod
        def find_spec(name: str, path: object = None, target: object = None) -> None:
            if name == "studio.render":
                raise ModuleNotFoundError("No module named 'anny'", name="anny")

    monkeypatch.delitem(sys.modules, "studio.render", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Uninstalled, *sys.meta_path])
    said = run(monkeypatch, str(tmp_path), "--seed", "1")
    assert "anny" in said
    assert 'in a checkout of actor18m: pip install -c constraints.txt ".[actors]"' in said


@pytest.mark.parametrize("args", [["out"], ["out", "--seed", "-1"], ["out", "--seed", "1", "--workers", "0"]])
def test_a_wrong_call_ends_with_2(args: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, *args) == "2"


def test_an_unknown_script_is_told_with_those_that_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no such sample: dancing_bear. There are: turn_standing_1" in run(
        monkeypatch, str(tmp_path), "--seed", "1", "--only", "dancing_bear"
    )
