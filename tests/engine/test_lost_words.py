"""What a person said and was lost or damaged since is noticed before anything is built without it."""

import pytest

from tests.engine.said import built_with_one_poor, deny, published, row
from tests.engine.site import Site


@pytest.fixture
def built(site: Site) -> Site:
    return built_with_one_poor(site)


def test_a_word_that_was_lost_or_damaged_is_noticed(built: Site) -> None:
    for name in ("good0", "good1"):
        deny(built, built.videos / f"{name}.mp4")
    first = built.root / "store" / "words" / "000001.json"
    content = first.read_text()
    first.write_text(content[:-20])
    assert "words/000001.json is damaged" in built.run("build", str(built.root / "steady.yaml")).stderr
    first.unlink()
    assert "words/000001.json is not there" in built.run("status", str(built.root / "steady.yaml")).stderr
    first.write_text(content)
    (first.parent / ".DS_Store").write_bytes(b"\0")
    built.build()
    assert published(built) == {"good2"}


def test_the_last_word_that_was_lost_is_noticed(built: Site) -> None:
    for name in ("good0", "good1"):
        deny(built, built.videos / f"{name}.mp4")
    words = built.root / "store" / "words"
    for first in (2, 1):
        for number in range(first, 3):
            (words / f"{number:06d}.json").rename(built.root / f"{number}")
        for command in ("plan", "status", "build", "words"):
            asked = built.run(command, *([] if command == "words" else [str(built.root / "steady.yaml")]))
            assert (asked.exit_code, f"words/{first:06d}.json is not there" in asked.output) == (1, True), asked.output
        for number in range(first, 3):
            (built.root / f"{number}").rename(words / f"{number:06d}.json")
    assert built.build()["states"] == {"accepted": 1, "rejected": 3}


def test_a_word_without_its_mark_holds_and_is_marked_with_the_next_one(built: Site) -> None:
    """A death between the two."""
    deny(built, built.videos / "good0.mp4")
    mark = built.root / "store" / "words" / "000001.mark"
    mark.unlink()
    assert built.build()["states"] == {"accepted": 2, "rejected": 2}
    deny(built, built.videos / "good1.mp4")
    assert mark.is_file()


def test_a_flipped_bit_in_what_was_said_is_not_believed(built: Site) -> None:
    deny(built, row(built, "good0")["clip"])
    (path,) = (built.root / "store" / "words").glob("*.json")
    whole = path.read_bytes()
    for at in range(0, len(whole), 7):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        asked = built.run("plan", str(built.root / "steady.yaml"))
        assert (asked.exit_code, f"{path} is damaged" in asked.output.replace("\n", "")) == (1, True), at
