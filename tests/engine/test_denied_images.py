"""A person leaves out one image: its clip and the others stay, and what is made from it goes with it."""

from dataclasses import replace

import pyarrow as pa
import pytest

from actor18m.dataset import Dataset
from actor18m.publish.previous import samples_of
from tests.engine.drawing import FRAMED
from tests.engine.drawn import WORDS, drawn_by, framed_by, images, key_of, references
from tests.engine.site import Site


@pytest.fixture
def drawn(site: Site) -> Site:
    return drawn_by(site)


@pytest.fixture
def framed(site: Site) -> Site:
    return framed_by(site)


def test_a_denied_image_is_rejected_and_its_clip_stays(drawn: Site) -> None:
    key = f"{key_of(drawn, 'pears')}-face-word-03"
    assert drawn.run("deny", key, "--why", "a hand over the face").exit_code == 0
    drawn.build()
    assert images(drawn)["states"] == {"kept": 11, "rejected": 1}
    assert key not in references(drawn)
    (story,) = drawn.ask("explain", key)
    assert (story["state"], story["rule"]) == ("rejected", "override")
    assert "a hand over the face" in story["overrides"][0]


def test_what_is_made_from_a_denied_image_goes_with_it_and_comes_back(framed: Site) -> None:
    """Nothing waits for ever, nothing of it is published, and taking the word back makes nothing anew."""
    pears = key_of(framed, "pears")
    source, made = f"{pears}-face-word-03", f"{pears}-face-framed-00"
    before = {subset: references(framed, subset) for subset in "AB"}
    assert before["B"][made]["source_key"] == source
    denied = framed.run("deny", source, "--why", "a hand over the face")
    assert "the next build leaves it out, and with it 1 image made from it" in denied.output
    framed.build()
    assert framed.called() == {}
    assert images(framed)["states"] == {"kept": 11, "rejected": 1}
    told = images(framed, "B")
    assert told["states"] == {"kept": 1, "rejected": 1}
    assert told["reasons"] == {"rejected by frame.override: its source image was denied": 1}
    assert references(framed, "B").keys() == before["B"].keys() - {made}
    (story,) = framed.ask("explain", made)
    assert (story["state"], story["rule"], story["why"]) == ("rejected", "override", "its source image was denied")
    everything = replace(framed, pipeline=f"{framed.pipeline}publish: {{images: all}}\n")
    everything.build()
    row = references(everything, "B")[made]
    assert (row["state"], row["why"], row["shard"]) == (
        "rejected",
        "denied by a person; its source image was denied",
        None,
    )
    where = ["--dataset", str(framed.dataset), "--store", str(framed.root / "store")]
    restored = " ".join(framed.bare("restore", "000001", *where).stderr.split())
    assert "2 images of it are denied today" in restored
    assert framed.run("undo", source).exit_code == 0
    framed.build()
    assert framed.called() == {}
    assert {subset: references(framed, subset) for subset in "AB"} == before


def test_what_could_not_be_made_from_a_denied_image_is_not_denied_with_it(site: Site) -> None:
    """As many are left out as `deny` said."""
    pipeline = FRAMED.replace("drawing:Frames", "drawing:TwoFrames").replace("drawing:Frame\n", "drawing:PlainFrame\n")
    site = replace(site, pipeline=pipeline)
    site.put(WORDS)
    site.build()
    assert images(site, "B")["states"] == {"kept": 2, "unavailable": 2}
    denied = site.run("deny", f"{key_of(site, 'pears')}-face-word-03", "--why", "a hand over the face")
    assert "and with it 1 image made from it" in denied.output
    site.called()
    site.build()
    assert site.called() == {}
    told = images(site, "B")
    assert told["states"] == {"kept": 1, "rejected": 1, "unavailable": 2}
    assert told["reasons"] == {
        "rejected by frame.override: its source image was denied": 1,
        "unavailable in frame: nobody has gold": 2,
    }


def test_many_images_may_go_with_one_that_is_denied(framed: Site) -> None:
    """A person's word is no accident, also of what was made from what it names."""
    store, dataset = framed.root / "store", framed.dataset
    keys = [f"{key_of(framed, name)}-face-word-03" for name in ("pears", "plums")]
    assert framed.run("deny", *keys, "--why", "no").exit_code == 0
    assert samples_of(Dataset.at(dataset), pa.array([], pa.string()), keys) == {"subset-A": 2, "subset-B": 2}
    assert store.exists()


def test_a_mistyped_key_of_an_image_is_told_from_those_that_there_are(framed: Site) -> None:
    pears = key_of(framed, "pears")
    for command in ["deny", "--why", "no"], ["explain", str(framed.root / "steady.yaml")]:
        mistyped = framed.run(command[0], f"{pears}-face-framed-07", *command[1:])
        assert mistyped.exit_code == 1
        assert f"Did you mean {pears}-face-framed-00" in " ".join(mistyped.stderr.split())
        other = framed.run(command[0], f"{pears}-body-view-01", *command[1:])
        assert "Of this clip there are face-framed-00, face-word-00, face-word-01" in " ".join(other.stderr.split())
    nobody = framed.run("explain", str(framed.root / "steady.yaml"), f"{'0' * 20}-face-word-00")
    assert f"no clip {'0' * 20}" in " ".join(nobody.stderr.split())
