"""Machines are shared out so that no stage keeps another one waiting, and what they lack is said."""

import pytest

from actor18m.execute.pools import Node
from actor18m.preflight.balance import Need, share_out

SERVER = Node(cpus=64, gpus=8, memory_gib=512)


def need(stage: str, seconds: float, gpus: float = 0, cpus: float = 1, memory_gib: float = 1) -> Need:
    return Need((stage,), seconds, cpus, gpus, memory_gib)


def test_who_takes_longest_of_each_clip_gets_most_gpus() -> None:
    """8 GPUs over 0.25 x 1 s, 1 x 5 s and 0.5 x 2 s: 6.25 GPU seconds a clip."""
    shared = share_out([need("a", 1, 0.25), need("b", 5, 1), need("c", 2, 0.5)], [SERVER])
    assert shared.workers == {("a",): 2, ("b",): 6, ("c",): 3}, "7.5 GPUs of 8, and b wants a whole one"
    assert shared.gpus == pytest.approx({("a",): 0.32, ("b",): 6.4, ("c",): 1.28})
    assert (shared.bottleneck, shared.too_few) == ("b, for want of GPUs", None)
    assert shared.clips_per_hour == pytest.approx(6 / 5 * 3600)


def test_parts_of_a_gpu_lie_on_one() -> None:
    """Three times 0.6 is less than two GPUs, and fits on three."""
    shared = share_out([need("a", 9, 0.6), need("b", 1, 0.6)], [Node(64, 3, 512)])
    assert shared.workers == {("a",): 2, ("b",): 1}


def test_gpus_that_are_too_few_are_told_with_how_many_would_do() -> None:
    shared = share_out([need("a", 1, 1), need("b", 1, 1), need("c", 1, 0.4)], [Node(16, 2, 128)])
    assert (shared.workers, shared.too_few) == ({}, 3)


def test_more_workers_are_no_use_when_the_cpus_are_busy() -> None:
    """A clip takes 3 CPU seconds, whoever waits for a GPU meanwhile."""
    shared = share_out([need("a", 1, 0.1, cpus=3)], [Node(cpus=6, gpus=8, memory_gib=512)])
    assert shared.bottleneck == "the 6 CPUs"
    assert shared.clips_per_hour == pytest.approx(2 * 3600)
    assert shared.workers == {("a",): 2}


def test_memory_bounds_workers() -> None:
    shared = share_out([need("a", 1, memory_gib=10)], [Node(cpus=64, gpus=0, memory_gib=64)])
    assert (shared.workers, shared.bottleneck) == ({("a",): 5}, "a, for want of memory")


def test_many_machines_are_shared_out_as_one_is() -> None:
    needs = [need("a", 1, 0.25), need("b", 5, 1), need("c", 2, 0.5)]
    alone, many = share_out(needs, [SERVER]), share_out(needs, [SERVER] * 16)
    assert many.clips_per_hour >= 16 * alone.clips_per_hour
    assert sum(many.workers[need.stages] * need.gpus for need in needs) <= 128
