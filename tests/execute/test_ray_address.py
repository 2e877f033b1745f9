"""Addresses at which no Ray can be joined are told in seconds."""

import socket
import time

import pytest

from actor18m.errors import ActorError
from actor18m.execute.ray_cluster import join


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("http://head:8265", "is no address that a build can join.*ray job submit"),
        ("tcp://head:10001", "is no address that a build can join"),
        ("head", "names no host and port"),
        ("ray://head:port", "names no host and port"),
        ("no-such-host.invalid:6379", "nobody listens there"),
    ],
)
def test_a_wrong_address_is_a_sentence(address: str, message: str) -> None:
    with pytest.raises(ActorError, match=f"(?s){message}"):
        join(address)


def test_a_dead_address_is_told_in_seconds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    begun = time.monotonic()
    for address in (f"127.0.0.1:{port}", f"ray://127.0.0.1:{port}"):
        with pytest.raises(ActorError, match="nobody listens there"):
            join(address)
    assert time.monotonic() - begun < 10
