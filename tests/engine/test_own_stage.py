"""Somebody's own stage that cannot be used, or was edited: a sentence with the stage, the cause and the way out."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.engine.site import Site, films
from tests.engine.steady import PIPELINE

OWN = '''
from pyarrow import float32
from actor18m.stage import Row, Stage, schema
from tests.engine.steady import Read


class Meter:
    @classmethod
    def load(cls):
        return cls()

    def measure(self, text):
        return 1.0


class Own(Stage):
    """What it measures."""

    version = 1
    needs = {Read: ("text",)}
    roles = {"meter": Meter}
    writes = schema("own", length=float32())

    def measure(self, clips):
        for clip in clips:
            yield Row(clip.key, {"length": len(clip.upstream["read"]["text"]) * self.backends["meter"].measure("")})
'''


def with_own(site: Site, module: str, code: str = OWN) -> Site:
    """Its stages in a module of their own: Python imports each once."""
    (site.root / f"{module}.py").write_text(code)
    stage = f'  - stage: "{module}:Own"\n    roles: {{meter: "{module}:Meter"}}\nduplicates:'
    return replace(site, pipeline=PIPELINE.replace("duplicates:", stage))


def built(site: Site) -> tuple[int, str]:
    result = site.run("build", str(site.root / "steady.yaml"), "--input", str(site.videos))
    return result.exit_code, " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("module", "line", "instead", "told"),
    [
        ("own_versionless", "    version = 1\n", "", "own_versionless:Own does not say `version` (write `version = 1`"),
        ("own_exit", "\n\nclass Meter", "\n\nraise SystemExit(0)\n\n\nclass Meter", "SystemExit: 0"),
        ("own_import", "\n\nclass Meter", "\n\nundefined\n\n\nclass Meter", "NameError: name 'undefined' is not"),
        (
            "own_loading", "        return cls()", '        raise OSError("no weights here")',
            "stage own: backend own_loading:Meter, which plays meter, cannot be loaded: OSError: no weights here "
            "(at own_loading.py:",
        ),
        (
            "own_making", "    def measure(self, clips)",
            "    def __init__(self, parameters=None, **backends):\n        raise KeyError('x')\n\n"
            "    def measure(self, clips)",
            "stage own: own_making:Own cannot be made: KeyError: 'x' (at own_making.py:",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told_in_a_sentence(site: Site, module: str, line: str, instead: str, told: str) -> None:
    assert line in OWN
    site.put({"film": "a good take", "take": "take 6"})
    code, said = built(with_own(site, module, OWN.replace(line, instead)))
    assert code == 1
    assert told in said
    assert "Traceback" not in said


def test_edited_code_is_told_where_the_version_is_the_same(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    own = with_own(site, "own_edited")
    site.put({"film": "a good take"})
    bare = replace(own, pipeline=own.pipeline.replace("at_least: 0.4", "at_least: 0.0"))
    assert "edited" not in built(bare)[1]
    assert "edited" not in built(bare)[1]
    with_own(site, "own_edited", OWN.replace('"""What it measures."""', '"""Says it otherwise."""  # and explains it'))
    assert "edited" not in built(bare)[1], "what is said of code is no code"
    with_own(site, "own_edited", OWN.replace("return 1.0", "return 2.0"))
    said = built(bare)[1]
    assert "stage own_edited:Own was edited since it measured on 20" in said
    assert "backend own_edited:Meter was edited since" in said
    assert "Raise its `version` to measure again, or ignore this." in said
    plan = bare.run("plan", str(bare.root / "steady.yaml")).stdout
    assert "stage own_edited:Own was edited" in " ".join(plan.split())
    assert len(bare.ask("plan")["edited"]) == 2
    (run, *_) = sorted(Path(bare.root, "store", "runs").glob("*.json"))
    assert "stage own_edited:Own" in json.loads(run.read_text())["stages"]["own"]["code"]


LONE = """
import sys
from pyarrow import int32
from actor18m.stage import Row, Stage, schema


class Lone(Stage):
    version = 1
    writes = schema("lone", digits=int32())

    def measure(self, clips):
        for clip in clips:
            if clip.uri.endswith("good2.mp4"):
                sys.exit(3)
            yield Row(clip.key, {"digits": len(clip.key)})
"""


def test_a_stage_may_need_nothing_and_ends_no_build(site: Site) -> None:
    (site.root / "own_lone.py").write_text(LONE)
    lone = replace(site, pipeline=PIPELINE.replace("duplicates:", '  - stage: "own_lone:Lone"\nduplicates:'))
    lone.put(films("good", 3, 0.6, 1.0))
    lone.build()
    assert sorted(lone.states().items()) == [("good0", "accepted"), ("good1", "accepted"), ("good2", "failed")]
    (story,) = lone.ask("explain", str(site.videos / "good2.mp4"))
    assert story["stages"][-1]["error"].startswith("RuntimeError: it raised SystemExit: 3")
    site.called()
    lone.build()
    assert lone.ask("plan")["is_done"] is True
