"""Times of frames far into a file: a process that reads one window after the other reads on where it was."""

from collections import OrderedDict
from collections.abc import Callable
from contextlib import ExitStack

import av

from actor18m.media.source import FileSeen
from actor18m.media.timeline import PacketReader, Times

FAR = 4096
"""Frames from which on this is worth a second handle of the file."""
_KEPT = 2

Open = Callable[[ExitStack], tuple[av.container.InputContainer, av.VideoStream]]
_kept: OrderedDict[tuple[str, FileSeen], tuple[ExitStack, PacketReader]] = OrderedDict()


def times_until(uri: str, seen: FileSeen, frame: int, open_again: Open) -> Times:
    """As read_times gives them, whatever was read before."""
    held, reader = _kept.pop((uri, seen)) if (uri, seen) in _kept else _opened(uri, open_again)
    try:
        times = reader.until(frame)
    except BaseException:
        held.close()
        raise
    _kept[uri, seen] = held, reader
    if len(_kept) > _KEPT:
        _kept.popitem(last=False)[1][0].close()
    return times


def _opened(uri: str, open_again: Open) -> tuple[ExitStack, PacketReader]:
    with ExitStack() as stack:
        reader = PacketReader(uri, *open_again(stack))
        return stack.pop_all(), reader
