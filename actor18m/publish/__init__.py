"""Publishing: what the store knows becomes a version of a dataset, whole or not at all."""

from actor18m.publish.content import AcceptedClip, Block
from actor18m.publish.diff import diff
from actor18m.publish.history import gc
from actor18m.publish.make import Made, ShardPlan, make_shard, one_by_one
from actor18m.publish.publishing import Published, publish
from actor18m.publish.shard import Shard

__all__ = [
    "AcceptedClip",
    "Block",
    "Made",
    "Published",
    "Shard",
    "ShardPlan",
    "diff",
    "gc",
    "make_shard",
    "one_by_one",
    "publish",
]
