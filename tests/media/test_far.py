"""A window far into a file is the same, whatever windows of it were read before."""

from contextlib import ExitStack
from pathlib import Path
from random import Random

import av
import pytest

from actor18m.inputs import local_path
from actor18m.media import far
from actor18m.media.source import MediaError, opened
from actor18m.media.timeline import Times, read_times
from tests.media import films


def alone(path: Path, frame: int) -> Times:
    with av.open(str(path)) as container:
        return read_times("", container, container.streams.video[0], frame)


def kept(uri: str, frame: int) -> Times:
    path = local_path(uri)

    def again(held: ExitStack) -> tuple[av.container.InputContainer, av.VideoStream]:
        container = held.enter_context(av.open(str(path), "r"))
        return container, container.streams.video[0]

    with opened(uri) as (_, seen):
        return far.times_until(uri, seen, frame, again)


def test_in_whatever_order_windows_are_asked_for(tmp_path: Path) -> None:
    uris = [films.film(tmp_path / f"{name}.mp4") for name in "abc"]  # more than are kept open
    asked = [(uri, frame) for uri in uris for frame in (1, 20, 40, 60)] * 2
    Random(18).shuffle(asked)
    for uri, frame in asked:
        path = local_path(uri)
        assert path is not None
        one, other = alone(path, frame), kept(uri, frame)
        assert one.shown[: frame + 1].tolist() == other.shown[: frame + 1].tolist()
        for shown in one.shown[:frame].tolist():
            assert one.key_before(shown) == other.key_before(shown)
        assert one.end_of(frame - 1) == other.end_of(frame - 1)


def test_damage_further_on_is_met_by_whom_it_concerns(tmp_path: Path) -> None:
    path = tmp_path / "cut.mkv"
    uri = films.film(path, times_ms=range(0, 4800, 80), codec="mpeg4", gop=1)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 7 // 10])
    with pytest.raises(MediaError):
        kept(uri, 60)
    assert len(kept(uri, 2).shown) > 2
    with pytest.raises(MediaError):
        kept(uri, 60)
