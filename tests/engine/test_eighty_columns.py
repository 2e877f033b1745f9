"""What commands print is whole in a terminal of 80 columns, and reads as sentences and tables."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from actor18m.samples.shipped import find_clips
from tests.engine.site import Site, films
from tests.screen import Terminal


@pytest.fixture
def shown() -> Iterator[Callable[..., list[str]]]:
    """The lines that a command leaves in a terminal of 80 columns."""
    with ExitStack() as stack:

        def run(*arguments: str) -> list[str]:
            code = f"from actor18m.__main__ import main; import sys; sys.argv[1:] = {list(arguments)}; main()"
            terminal = stack.enter_context(closing(Terminal(code, 80, 200)))
            assert terminal.wait() == 0, terminal.lines
            return terminal.lines

        yield run


@pytest.fixture
def built(site: Site) -> Site:
    site.put(films("good", 3, 0.5, 0.7) | films("poor", 1, 0.2, 0.3))
    site.build()
    return site


def test_every_sample_with_who_is_in_it_and_by_which_rule(shown: Callable[..., list[str]]) -> None:
    lines = shown("samples", "list")
    assert "…" not in "".join(lines)
    assert {clip.name for clip in find_clips()} <= {line.split()[0] for line in lines if line.strip()}
    (cut,) = (number for number, line in enumerate(lines) if line.split()[:1] == ["cut_other_actor_1"])
    assert lines[cut].split() == ["cut_other_actor_1", "4.0", "af5f72db", "rejected", "motion.cut", "or"]
    assert lines[cut + 1].split() == ["d858424d", "identity.mean_similarity", "or"]


def test_the_list_of_inputs_has_a_header(built: Site, shown: Callable[..., list[str]]) -> None:
    lines = shown("status", str(built.root / "steady.yaml"), "--inputs", "--store", str(built.root / "store"))
    (header,) = (number for number, line in enumerate(lines) if line.startswith("clip, or input"))
    assert lines[header].split() == ["clip,", "or", "input", "state", "where"]
    rejected = next(number for number, line in enumerate(lines) if " rejected " in line)
    assert lines[rejected].split()[1:] == ["rejected", "look.score"]
    assert "".join(lines[rejected + 1 :]).split()[0].startswith(str(built.videos)[:60])


def test_in_a_pipe_each_input_is_a_line(built: Site) -> None:
    told = built.run("status", str(built.root / "steady.yaml"), "--inputs").stdout.splitlines()
    (header,) = (number for number, line in enumerate(told) if line.startswith("clip, or input"))
    assert len(told) == header + 1 + 4
    assert told[-1].endswith(f"{built.videos}/poor0.mp4")


def test_a_difference_is_told_in_tables_and_sentences(built: Site, shown: Callable[..., list[str]]) -> None:
    built.build("--set", "look.score=0.7")
    built.build("--set", "look.score=0.25", "--yes")
    lines = shown("diff", "000002", "000003", "--dataset", str(built.dataset))
    assert lines[0] == "version 000002 -> 000003"
    moved = [line.split() for line in lines]
    assert ["rejected", "accepted", "look.score", "3"] in moved
    assert "0 shards as before, 1 new, 0 gone" in lines
    assert not any(mark in line for line in lines for mark in ("['", "[]", "{'", "None"))
    assert shown("diff", "000003", "000003", "--dataset", str(built.dataset))[1:] == ["Nothing changed."]


def test_one_shard_is_one_shard(site: Site, tmp_path: Path) -> None:
    site.put(films("good", 1, 0.5, 0.7))
    said = site.run("build", str(tmp_path / "steady.yaml"), "--input", str(site.videos)).stdout
    assert "(new; 1 shard made, 0 reused)" in said
