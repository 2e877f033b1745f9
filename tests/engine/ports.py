"""Ports of this machine that nobody listens at."""

import contextlib
import socket


def free_ports(count: int) -> list[int]:
    """All held at once, so that none is told twice; whoever asks next may get them, too."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
