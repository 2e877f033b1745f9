"""Images as units of work: each has its own rows, its own end, and is made again alone."""

import json
import re
import tarfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from actor18m.keys import seed
from tests.engine.drawing import FRAMED, PIPELINE
from tests.engine.drawn import WORDS, drawn_by, framed_by, images, key_of, references
from tests.engine.site import Site
from tests.engine.steady import attempts


@pytest.fixture
def drawn(site: Site) -> Site:
    return drawn_by(site)


@pytest.fixture
def framed(site: Site) -> Site:
    return framed_by(site)


def test_images_add_up_to_what_was_asked_for(drawn: Site) -> None:
    counts = {"clips": 3, "stopped": {}, "why_stopped": {}, "requested": 12, "states": {"kept": 12}, "reasons": {}}
    assert images(drawn) == counts
    assert drawn.ask("status")["adds_up"]
    assert "subset A: 12 images of 3 clips = 12 kept" in drawn.run("status", str(drawn.root / "steady.yaml")).output


def test_what_stages_tell_of_the_images_that_are_kept_is_counted(site: Site) -> None:
    pipeline = PIPELINE.replace("drawing:Describe", "drawing:Tell")
    pipeline = pipeline.replace("subsets:", "  describe: {short: {value: length(seen), at_most: 6}}\nsubsets:")
    site = replace(site, pipeline=pipeline)
    site.put({"apples": "a film about apples", "boxes": "an oxymoron about foxes and boxes"})
    site.build()
    assert images(site)["states"] == {"kept": 9, "rejected": 1}
    assert site.ask("status")["tells"] == {
        "A": [{"column": "is_long", "words": "long words", "kinds": {"word": {"true": 3, "of": 7, "unknown": 2}}}]
    }
    assert (
        "  long words 3 of 7 that are kept; of 2 more nothing is known\n"
        in site.run("status", str(site.root / "steady.yaml")).output
    )
    card = (site.root / "dataset/latest/README.md").read_text()
    assert (
        "Of these, long words:\n\n| kind | images |\n|---|---|\n| word | 3 of 7; of 2 more nothing is known |\n" in card
    )


def test_the_card_reads_what_is_there(framed: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Masks of A's images and none of B's; and of a subset without images, nothing."""
    stricter = FRAMED.replace("subsets:", "  judge: {nothing: {value: longer_by, at_least: 99}}\nsubsets:")
    for pipeline, read in ((FRAMED, ["A", "B"]), (stricter, ["A"])):
        site = replace(framed, pipeline=pipeline)
        site.build()
        card = (site.dataset / "latest" / "README.md").read_text()
        assert re.findall(r"^- `subset-(\w)/", card, re.MULTILINE) == read
        assert "- `subset-A/*.tar`: images of the people, `<key>.webp` with the person's mask `<key>.mask.png`;" in card
        assert ("- `subset-B/*.tar`: images of the people, `<key>.webp`;" in card) == ("B" in read)
        assert ("subset B:\n\n```python" in card) == ("B" in read)
        monkeypatch.chdir(site.dataset)
        for code in re.findall(r"^webdataset, subset \w:\n\n```python\n(.*?)```", card, re.MULTILINE | re.DOTALL):
            exec(compile(code, "README.md", "exec"), {})


def test_one_changed_request_makes_one_image_again(drawn: Site) -> None:
    """Of the same films: another word in one place."""
    other = replace(drawn, pipeline=PIPELINE.replace("drawing:Ask", "drawing_otherwise:Ask"))
    other.build()
    assert other.called() == {"ask": 3, "draw": 1, "describe": 1}
    drawn.build()
    assert drawn.called() == {}


def test_an_image_that_looks_as_before_is_not_looked_at_again(drawn: Site) -> None:
    """Another maker with the same bytes: who looks at images asks for bytes, and not who made them."""
    anew = replace(drawn, pipeline=PIPELINE.replace("drawing:Draw", "drawing_otherwise:Draw"))
    anew.build()
    assert anew.called() == {"draw": 12}


def test_what_an_image_is_made_from_counts_by_its_bytes(framed: Site) -> None:
    pears, plums = (key_of(framed, name) for name in ("pears", "plums"))
    found = references(framed, "B")
    assert found.keys() == {f"{pears}-face-framed-00", f"{plums}-face-framed-00"}
    told = found[f"{pears}-face-framed-00"]
    assert (told["seen"], told["longer_by"]) == ("pears in black in oak", len(" in oak"))
    assert (told["mask_offset"], told["mask_size"]) == (None, None), "it has no mask"
    red = replace(framed, pipeline=FRAMED.replace("of: [ask]", "of: [ask]\n    parameters: {ink: red}"))
    red.build()
    assert red.called() == {"draw": 12, "frame": 2, "describe": 14, "judge": 2}
    pine = replace(framed, pipeline=FRAMED.replace("of: [frames]", "of: [frames]\n    parameters: {wood: pine}"))
    pine.build()
    assert pine.called() == {"frame": 2, "describe": 2, "judge": 2}


def test_what_is_for_a_maker_alone_is_not_told_where_others_tell_a_field_of_that_name(framed: Site) -> None:
    """`word` is private to the pictures of words, and public of frames."""
    assert {row["word"] for row in references(framed, "B").values()} == {"frame"}
    assert {row["word"] for row in references(framed).values()} == {None}


def test_an_image_ends_with_the_one_that_it_is_made_from(framed: Site) -> None:
    stricter = FRAMED.replace("subsets:", "  draw: {pears: {value: \"key not like '%-03'\", equals: true}}\nsubsets:")
    site = replace(framed, pipeline=stricter.replace("\"key not like '%-03'\"", "\"sha256 < '0'\""))
    site.build()
    assert images(site)["states"] == {"rejected": 12}
    told = images(site, "B")
    assert (told["requested"], told["states"]) == (2, {"unavailable": 2})
    assert told["reasons"] == {"unavailable in frame: its source image was rejected by draw.pears": 2}
    assert site.called() == {}
    assert site.table("references") == []


def test_an_image_that_would_be_made_from_one_that_nobody_asks_for_is_unavailable(framed: Site) -> None:
    site = replace(framed, pipeline=FRAMED.replace("drawing:Frames", "drawing:MisledFrames"))
    site.build()
    told = images(site, "B")
    assert told["states"] == {"unavailable": 2}
    assert told["reasons"] == {"unavailable in frame: its source image face-word-77 is none of the clip's": 2}
    key = f"{key_of(site, 'pears')}-face-framed-00"
    said = site.run("explain", key, str(site.root / "steady.yaml")).output
    assert "state: unavailable (frame: its source image face-word-77 is none of the clip's)" in " ".join(said.split())


def test_candidates_are_tried_until_one_passes(site: Site) -> None:
    pipeline = PIPELINE.replace("drawing:Draw", "drawing:Sketch\n    candidates: 3")
    pipeline = pipeline.replace("subsets:", "  draw: {likeness: {at_least: 0.6}}\nsubsets:")
    site = replace(site, pipeline=pipeline)
    site.put(WORDS)
    site.build()
    tries = Counter(key.partition(" ")[0] for stage, key in attempts(site.root / "calls") if stage == "draw")
    site.called()
    found = references(site)
    for key, count in tries.items():
        likings = [seed(key, "draw", number) % 1000 / 1000 for number in (1, 2, 3)]
        passing = next((number for number, liking in enumerate(likings, start=1) if liking >= 0.6), None)
        assert count == (passing or 3)
        if passing is None:
            assert key not in found
        else:
            assert found[key]["seen"].endswith(f"once more, {passing}")
            assert found[key]["likeness"] == pytest.approx(likings[passing - 1], abs=1e-4)
    told = images(site)
    assert told["states"] == {"kept": len(found), "rejected": 12 - len(found)}
    assert len(found) < 12
    lost = next(key for key in tries if key not in found)
    all_told = replace(site, pipeline=pipeline + "publish: {images: all}\n")
    all_told.build()
    rejected = references(all_told)[lost]
    assert (rejected["state"], rejected["candidate"], rejected["shard"]) == ("rejected", 3, None)
    likings = [seed(lost, "draw", number) % 1000 / 1000 for number in (1, 2, 3)]
    assert [each["candidate"] for each in rejected["attempts"]] == [1, 2, 3]
    assert [each["likeness"] for each in rejected["attempts"]] == pytest.approx(likings, abs=1e-4)
    assert rejected["likeness"] == rejected["attempts"][-1]["likeness"]
    site.build()
    (story,) = site.ask("explain", lost)
    assert (story["state"], story["stage"], story["rule"]) == ("rejected", "draw", "likeness")
    assert story["stages"][0]["older_rows"] == 2
    earlier = story["stages"][0]["attempts"]
    assert [each["candidate"] for each in earlier] == [1, 2]
    assert [each["values"]["likeness"] for each in earlier] == pytest.approx(likings[:2], abs=1e-4)
    assert [each["rules"][0]["passed"] for each in earlier] == [False, False]
    more = replace(site, pipeline=pipeline.replace("candidates: 3", "candidates: 5"))
    assert more.ask("plan")["stages"]["draw"]["missing"] == 12 - len(found)
    more.build()
    assert set(more.called()) == {"draw", "describe"}
    site.build()
    assert site.called() == {}, "fewer attempts: those that were made stay, and what passed among the first ones"
    assert references(site) == found


WITHHELD = """\
  draw:
    clean_mask: {value: "mask_sha256 < 'BOUND'", equals: true, otherwise: without_mask}
subsets:"""
"""Some masks' digests begin with a lower digit, and some do not."""


def test_a_mask_that_fails_a_rule_is_left_out_and_its_image_stays(drawn: Site) -> None:
    def bounded(bound: str) -> Site:
        return replace(drawn, pipeline=PIPELINE.replace("subsets:", WITHHELD.replace("BOUND", bound)))

    whole, strict = references(drawn), bounded("8")
    strict.build()
    some = references(strict)
    trusted = {key for key, row in whole.items() if row["mask_sha256"] < "8"}
    without = next(key for key in whole if key not in trusted)
    assert strict.called() == {}, "what was measured is kept"
    assert images(strict)["states"] == {"kept": 12}
    assert {key for key, row in some.items() if row["mask_sha256"] is not None} == trusted
    assert {key for key, row in some.items() if row["mask_offset"] is not None} == trusted
    assert {key: row["sha256"] for key, row in some.items()} == {key: row["sha256"] for key, row in whole.items()}
    files = in_shards(strict)
    assert {name for name in files if name.startswith(without)} == {f"{without}.webp", f"{without}.json"}
    assert "mask_sha256" in json.loads(files[f"{without}.json"])["unknown"].split()
    assert {name.partition(".")[0] for name in files if name.endswith(".mask.png")} == trusted
    assert f"of {len(trusted)} with the person's mask" in (strict.dataset / "latest/README.md").read_text()
    said = strict.run("explain", str(strict.root / "steady.yaml"), without).output
    assert "FAILED  clean_mask = False  (equals true; published without its mask)" in said
    assert strict.bare("verify", str(strict.root / "store"), str(strict.dataset)).exit_code == 0
    wide = bounded("g")
    wide.build()
    assert (wide.called(), references(wide)) == ({}, whole)


def in_shards(site: Site) -> dict[str, bytes]:
    """Name -> content of all files in the shards of subset A."""
    found = dict[str, bytes]()
    for shard in (site.dataset / "latest/subset-A").glob("*.tar"):
        with tarfile.open(shard) as tar:
            found |= {each.name: tar.extractfile(each).read() for each in tar}  # type: ignore[union-attr]
    return found


@pytest.mark.parametrize("executor", ["serial", pytest.param("ray", marks=pytest.mark.slow)])
def test_each_image_ends_for_itself(site: Site, executor: str) -> None:
    """One raises, one kills its maker, one cannot be made: the others of the same clip are published. What hangs is
    told in test_poison.py: a deadline that is short enough for a test is too short where much else goes on.
    """
    run = "\n    run: {clips_per_call: 3}"
    site = replace(site, pipeline=PIPELINE.replace("drawing:Draw", f"drawing:Poisonous{run}"))
    site.put({"bad": "a raise and segfault or ineffable film", "good": "a film about apples"})
    where = ["--store", "store", "--dataset", "dataset", "--executor", executor]
    ended = [site.apart("build", "--input", "videos", *where).returncode]
    while ended[-1] and len(ended) < 5:
        ended.append(site.apart("build", *where).returncode)
    assert ended[-1] == 0
    assert executor == "serial" or len(ended) == 1, "its workers die, and the build does not"
    told = images(site)
    assert told["states"] == {"kept": 8, "failed": 1, "quarantined": 1, "unavailable": 1}
    assert told["requested"] == 11
    assert {row["state"] for row in site.table("inputs")} == {"accepted"}
    assert len(references(site)) == 8
    bad = key_of(site, "bad")
    (story,) = site.ask("explain", f"{bad}-face-word-03")
    assert (story["state"], story["request"]["word"]) == ("quarantined", "segfault")
    (clip,) = site.ask("explain", bad)
    assert {image["key"][-2:]: image["state"] for image in clip["images"]} == {
        "00": "kept", "01": "failed", "02": "kept", "03": "quarantined", "04": "kept", "05": "unavailable", "06": "kept"
    }  # fmt: skip
    everything = replace(site, pipeline=f"{site.pipeline}publish: {{images: all}}\n")
    site.called()
    everything.build()
    assert everything.called() == {}
    rows = references(everything)
    assert Counter(row["state"] for row in rows.values()) == told["states"]
    assert {row["shard"] is None for row in rows.values() if row["state"] != "kept"} == {True}


def test_what_cannot_be_made_is_no_failure_and_says_why(site: Site) -> None:
    site = replace(site, pipeline=PIPELINE.replace("drawing:Draw", "drawing:Poisonous") + "publish: {images: all}\n")
    site.put({"odd": "a film about ineffable things"})
    told = site.run("build", str(site.root / "steady.yaml"), "--input", str(site.videos))
    assert "draw: 4 images measured, 1 unavailable, 0 failed, 0 quarantined" in told.output
    assert re.search(r"draw +5/5 .* rejected 0 +unavailable 1 +failed 0 ", told.stderr), told.stderr
    assert images(site)["reasons"] == {"unavailable in draw: there is no picture of that": 1}
    (none,) = (row for row in site.table("references") if row["state"] == "unavailable")
    assert none["why"] == "draw: there is no picture of that"
    assert {row["why"] for row in site.table("references") if row["state"] == "kept"} == {None}
    of_a = (site.dataset / "latest" / "README.md").read_text().partition("## References of subset A")[2]
    assert of_a.split("\n")[2] == "4 images of 1 clip."
    assert "| unavailable in draw | 1 |" in of_a
    said = site.run("explain", none["key"], str(site.root / "steady.yaml")).output
    assert "  state: unavailable (draw: there is no picture of that)" in said
    assert re.search(r"^  draw [0-9a-f]+: unavailable$", said, re.MULTILINE)


def test_what_is_no_picture_is_not_published(site: Site) -> None:
    site = replace(site, pipeline=PIPELINE.replace("drawing:Draw", "drawing:Careless"))
    site.put({"fruits": "plums apples pears", "nuts": "a film about nuts"})
    site.build("--max-failed", "1")
    assert images(site)["states"] == {"kept": 5, "failed": 2}
    clip = key_of(site, "fruits")
    for number, found in (
        (0, f"stage draw: the webp of {clip}-face-word-00 is no WebP but 10 bytes that begin with b'not a webp'"),
        (1, f"stage draw: of {clip}-face-word-01, webp is of 1 x 1, mask.png is of 2 x 1 pixels"),
    ):
        said = site.run("explain", f"{clip}-face-word-0{number}", str(site.root / "steady.yaml")).output
        assert found in " ".join(said.split()), said


def test_an_image_s_story_has_what_was_seen_in_it_alone_and_its_own_place(site: Site) -> None:
    """Of its first attempt, which passed once and does not now, everybody who looked has a row, too."""
    pipeline = PIPELINE.replace("drawing:Draw", "drawing:Sketch\n    candidates: 2")
    lenient = pipeline.replace("subsets:", "  draw: {likeness: {at_least: 0}}\nsubsets:")
    site = replace(site, pipeline=lenient)
    site.put(WORDS)
    site.build()
    keys = sorted(references(site))
    # a bound that no attempt at this image passes
    likings = {key: max(seed(key, "draw", number) % 1000 / 1000 for number in (1, 2)) for key in keys}
    strict = min(likings, key=lambda key: likings[key])
    at_least = likings[strict] + 0.001
    site = replace(site, pipeline=lenient.replace("at_least: 0}", f"at_least: {at_least:.3f}}}"))
    site.build()
    (lost,) = site.ask("explain", strict)
    assert (lost["state"], lost["candidate"]) == ("rejected", 2)
    assert [stage["stage"] for stage in lost["stages"]] == ["draw"], "nobody looked at the second attempt"
    kept = next(iter(references(site)))
    (story,) = site.ask("explain", kept, "--dataset", str(site.dataset))
    row = references(site)[kept]
    assert [stage["stage"] for stage in story["stages"]] == ["draw", "describe"]
    assert story["stages"][1]["values"]["seen"] == row["seen"]
    place = {name: row[name] for name in ("shard", "image_offset", "image_size")}
    assert [{name: each[name] for name in place} for each in story["published"]] == [place]
    said = site.run("explain", kept, str(site.root / "steady.yaml"), "--dataset", str(site.dataset)).output
    assert f"{row['shard']}, {row['image_size']} bytes at {row['image_offset']}" in said


def test_two_makers_of_one_request_are_refused(site: Site) -> None:
    """A maker that does not say whose requests it serves would make what another one makes already, too."""
    pipeline = replace(site, pipeline=FRAMED.replace("    of: [frames]\n", ""))
    pipeline.put(WORDS)
    said = pipeline.run("build", str(pipeline.root / "steady.yaml"), "--input", str(pipeline.videos))
    assert said.exit_code == 1
    assert (
        "stages.frame: frame and draw would both make what ask asks for, under the same keys; say with `of` whose "
        "requests frame serves"
    ) in " ".join(said.stderr.split())


def test_pairs_of_images_that_are_asked_for_no_more_say_nothing_of_a_judge(site: Site) -> None:
    site = replace(site, pipeline=FRAMED.replace("drawing:Judge", "drawing:TestedJudge"))
    site.put(WORDS)
    site.build()
    told = site.ask("status")["judges"]["judge"]
    assert (told["pairs"], told["accepted"]) == (2, 1)
    site.run("deny", f"{key_of(site, 'pears')}-face-framed-00", "--why", "no")
    assert site.ask("status")["judges"]["judge"]["pairs"] == 1, "it is not looked at any more"
    other = replace(site, pipeline=site.pipeline.replace("words: {at_least: 2}", "text: {is_in: [a film about plums]}"))
    told = other.ask("status")["judges"]["judge"]
    assert (told["pairs"], told["accepted"]) == (1, 0)
    site.build("--set", "draw.ink=red")
    assert site.ask("status", "--set", "draw.ink=red")["judges"]["judge"]["pairs"] == 1, "and none of black pictures"


def test_what_if_tells_of_images(drawn: Site) -> None:
    strict = replace(drawn, pipeline=PIPELINE.replace("subsets:", "  describe: {times: {at_least: 1}}\nsubsets:"))
    strict.build()
    told = strict.ask("what-if", "--set", "describe.rules.times=2")
    assert len(told["images"]) == 12
    assert {move["to"] for move in told["images"]} == {"image rejected describe.times"}
    assert told["inputs"] == []


def test_a_plan_counts_images(site: Site) -> None:
    site = replace(site, pipeline=PIPELINE)
    site.put(WORDS)
    site.build("--until", "ask")
    plan = site.ask("plan")
    assert {name: (stage["unit"], stage["missing"], stage["at_most"]) for name, stage in plan["stages"].items()} == {
        "read": ("clips", 0, 0),
        "ask": ("clips", 0, 0),
        "draw": ("images", 12, 12),
        "describe": ("images", 0, 12),
    }
    assert plan["images"] == {"A": {"pending": 12}}


def test_what_was_made_of_a_removed_input_goes(drawn: Site) -> None:
    """Its images, their rows and what is beside them; images of others stay."""

    def says_pears() -> set[str]:
        files = [path for path in (drawn.root / "store").rglob("*.parquet") if path.is_file()]
        told = {path.relative_to(drawn.root).parts[1] for path in files if has(path, "pears in black")}
        return told

    def has(path: Path, text: str) -> bool:
        return any(text in str(value) for column in pq.read_table(path).columns for value in column.to_pylist())

    assert says_pears() == {"images", "ledger"}
    assert drawn.run("remove", str(drawn.videos / "pears.mp4"), "--why", "given by mistake").exit_code == 0
    drawn.build()
    assert drawn.run("gc", "--dataset", str(drawn.dataset)).exit_code == 0
    assert says_pears() == set()
    drawn.build()
    assert drawn.called() == {}
    assert images(drawn)["states"] == {"kept": 8}
