"""A dataset has heard who was denied: no store that knows less publishes into it by mistake."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.engine.site import Site, films

GOOD = films("good", 3, 0.6, 1.0)


@pytest.fixture
def built(site: Site) -> Site:
    site.put(GOOD)
    site.build()
    return site


def deny(site: Site, name: str) -> None:
    assert site.run("deny", str(site.videos / f"{name}.mp4"), "--why", "no").exit_code == 0


def refused(site: Site, *arguments: str) -> str:
    site.called()
    result = site.run("build", str(site.root / "steady.yaml"), "--input", str(site.videos), *arguments)
    assert result.exit_code == 3, result.output
    assert site.called() == {}, "before it measures"
    return " ".join(result.stderr.split())


def published(site: Site) -> set[str]:
    return {Path(row["uris"][0]).stem for row in site.table("clips") if row["shard"] is not None}


def test_an_older_copy_of_the_store_is_refused_until_it_has_the_words_again(built: Site) -> None:
    store, copy = built.root / "store", built.root / "copy"
    deny(built, "good0")
    built.build()
    shutil.copytree(store, copy)
    deny(built, "good1")
    built.build()
    assert published(built) == {"good2"}
    newer = store.rename(built.root / "newer")
    copy.rename(store)
    told = refused(built)
    assert "was built with 2 files of what people said" in told
    assert f"{store} has 1: it is an older copy" in told
    assert "--allow-lost-words" in told
    deny(built, "good2")
    assert f"{store} has others" in refused(built)
    assert published(built) == {"good2"}
    shutil.rmtree(store / "words")
    shutil.copytree(newer / "words", store / "words")
    built.build()
    assert published(built) == {"good2"}


def test_what_was_said_and_changed_nothing_is_heard_too(built: Site) -> None:
    shutil.copytree(built.root / "store", built.root / "copy")
    (built.root / "other.mp4").write_bytes(b"not given yet")
    assert built.run("deny", str(built.root / "other.mp4"), "--why", "no").exit_code == 0
    assert not built.build()["published"]["is_new"]
    shutil.rmtree(built.root / "store")
    (built.root / "copy").rename(built.root / "store")
    assert "it is an older copy" in refused(built)


def test_another_store_is_refused_until_it_knows_the_words_or_they_matter_no_more(built: Site) -> None:
    deny(built, "good0")
    built.build()
    old = (built.root / "store").rename(built.root / "old")
    assert "was built from another store, with 1 file of what people said" in refused(built)
    (built.root / "store" / "words").mkdir()
    for path in (old / "words").iterdir():
        shutil.copy(path, built.root / "store" / "words")
    built.build()
    assert published(built) == {"good1", "good2"}
    shutil.rmtree(built.root / "store")
    built.build("--allow-lost-words")
    assert published(built) == {"good0", "good1", "good2"}
    built.build()
    shutil.rmtree(built.root / "store")
    built.build()
    assert published(built) == {"good0", "good1", "good2"}, "where nothing was said, nothing can be lost"


def test_an_old_version_that_is_brought_back_has_heard_no_less(built: Site) -> None:
    shutil.copytree(built.root / "store", built.root / "copy")
    deny(built, "good0")
    built.build()
    assert built.bare("restore", "000001", "--dataset", str(built.dataset)).exit_code == 0
    shutil.rmtree(built.root / "store")
    (built.root / "copy").rename(built.root / "store")
    assert "it is an older copy" in refused(built)


def test_it_is_asked_again_when_it_publishes(built: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another store may have published meanwhile."""
    other = replace(built, root=built.root / "other")
    other.put(GOOD)
    (other.root / "dataset").symlink_to(built.dataset)
    from actor18m.building import measuring

    measure = measuring.measure

    def and_then(*given: object, **named: object) -> object:
        monkeypatch.setattr(measuring, "measure", measure)
        deny(built, "good0")
        built.build()
        return measure(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(measuring, "measure", and_then)
    result = other.run("build", str(other.root / "steady.yaml"), "--input", str(other.videos))
    assert (result.exit_code, "was built from another store" in " ".join(result.stderr.split())) == (3, True)
    assert published(built) == {"good1", "good2"}


def test_what_it_heard_is_no_part_of_a_version_and_damage_to_it_is_told(built: Site) -> None:
    heard = built.dataset / ".words.json"
    assert heard.is_file()
    assert not [path for path in (built.dataset / "latest").iterdir() if path.name.startswith(".words")]
    whole = heard.read_bytes()
    heard.write_bytes(whole[:-9])
    result = built.run("build", str(built.root / "steady.yaml"))
    assert (result.exit_code, f"{heard} is damaged" in result.stderr.replace("\n", "")) == (1, True)
    asked = built.bare("verify", str(built.dataset))
    assert (asked.exit_code, "does not tell which words it was built with" in asked.output) == (1, True)
    built.build("--allow-lost-words")
    assert heard.read_bytes() == whole


def test_of_an_old_version_that_is_brought_back_or_tagged_the_clips_are_named_that_are_denied_today(
    built: Site,
) -> None:
    built.put({"zlike": f"{GOOD['good0']} "})
    (built.videos / "good0.mp4").rename(built.root / "good0.mp4")
    built.build("--sync")
    clips = {Path(row["uris"][0]).stem: row["clip"] for row in built.table("clips") if row["shard"] is not None}
    assert clips.keys() == {"good1", "good2", "zlike"}
    where = ["--dataset", str(built.dataset), "--store", str(built.root / "store")]
    assert "denied today" not in built.bare("tag", "paper", "000002", *where).output
    assert built.run("deny", str(built.root / "good0.mp4"), "--why", "no").exit_code == 0
    deny(built, "good1")
    built.build()
    assert published(built) == {"good2"}
    named = ", ".join(sorted([clips["good1"], clips["zlike"]]))
    told = built.bare("tag", "paper", "000002", *where)
    assert told.exit_code == 0
    assert f"2 clips of it are denied today: {named}; `gc` keeps them" in told.stderr.replace("\n", " ")
    told = built.bare("restore", "000002", *where)
    assert f"2 clips of it are denied today: {named}; the next build leaves them out" in told.stderr.replace("\n", " ")
    assert built.run("allow", clips["zlike"], "--why", "another take").exit_code == 0
    told = built.bare("tag", "paper", "000002", *where)
    assert f"1 clip of it is denied today: {clips['good1']}; " in told.stderr
    where[-1] = str(built.root / "nowhere")
    assert "there is no store at" in built.bare("tag", "paper", "000002", *where).stderr


def test_a_dataset_that_no_longer_tells_what_it_heard_is_not_built_into(built: Site) -> None:
    """A copy without files that begin with a dot, such as `cp -r dataset/* elsewhere` makes."""
    deny(built, "good0")
    built.build()
    heard = built.dataset / ".words.json"
    heard.rename(built.root / "kept")
    assert f"{heard} is not there, and version 000002 is" in refused(built)
    found = built.bare("verify", str(built.dataset))
    assert f"{heard} is missing" in found.stdout.replace("\n", "")
    (built.root / "kept").rename(heard)
    built.build()
    heard.unlink()
    built.build("--allow-lost-words")
    assert heard.is_file(), "it has heard it again"
    assert published(built) == {"good1", "good2"}


@pytest.mark.parametrize("lost", ["words", "words/000002.json words/000002.mark"])
def test_words_that_have_gone_from_the_store_are_missed(built: Site, lost: str) -> None:
    deny(built, "good0")
    deny(built, "good1")
    built.build()
    store, whole = built.root / "store", built.root / "whole"
    shutil.copytree(store / "words", whole)
    for path in (store / name for name in lost.split()):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for _ in range(2):  # nothing gets used to it
        told = refused(built, "--dataset", str(built.root / "another"))
        assert f"{store}/words has {'0 files' if lost == 'words' else '1 file'}, and build" in told
        assert "had 2: what a person denied may stand in them. Restore the folder" in told
        assert "words has" in built.bare("verify", str(store)).stdout.replace("\n", " ")
    shutil.copytree(whole, store / "words", dirs_exist_ok=True)
    built.build()
    assert published(built) == {"good2"}
    shutil.rmtree(store / "words")
    built.build("--allow-lost-words")
    assert published(built) == {"good0", "good1", "good2"}
    built.build()
