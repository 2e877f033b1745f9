"""Making shards of videos: one tar for an aligned range of lots, named by its content, the same from whoever makes it.

A shard is made aside, in a folder that outlives a killed publish: a tar, and beside it a record of what is in it, whose
name is the shard's recipe. A record that is there stands for a whole tar.
"""

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from actor18m import keys, stopping
from actor18m.publish.content import Video
from actor18m.publish.mp4 import WRITER
from actor18m.publish.samples import fetch
from actor18m.publish.shard import Kept, Sample, Shard
from actor18m.publish.tar import TarWriter

PART = ".part-"
"""How the names of unfinished things begin."""


@dataclass(frozen=True)
class ShardPlan:
    """All that is needed to make one, on any machine that sees the dataset's folder."""

    dataset: Path
    made: Path
    """Where it is put."""
    number: int
    recipe: str
    videos: tuple[Video, ...]
    kept: Mapping[str, Kept]
    """By clip, samples of the version before."""


MakeShards = Callable[[Iterator[ShardPlan]], Iterable[Shard]]
"""Calls make_shard for each plan, anywhere, and returns shards in any order. It takes a plan when it can begin to work
on it, in the thread that it was called in: what it takes ahead is held in memory."""


def one_by_one(plans: Iterator[ShardPlan]) -> Iterator[Shard]:
    """In this process."""
    return map(make_shard, plans)


def recipe(number: int, videos: Sequence[Video]) -> str:
    """What a shard's bytes depend on. Where a file lies does not count: a moved file is the same clip."""
    content = [(video.clip, video.cut, video.crop, _json(video)) for video in videos]
    return keys.digest("videos shard", WRITER, number, content)


def make_shard(plan: ShardPlan) -> Shard:
    """Raises ActorError when a clip's video is nowhere to be had."""
    with tempfile.TemporaryDirectory(dir=plan.made, prefix=PART) as scratch:
        aside = Path(scratch) / "shard.tar"
        with aside.open("wb") as out:
            tar = TarWriter(out)
            samples = tuple(_add(tar, video, plan, Path(scratch)) for video in plan.videos)
            digest = tar.finish()
            out.flush()
            os.fsync(out.fileno())
        name = f"actor18m-videos-{plan.number:06d}-{digest[: keys.SHORT_DIGITS]}.tar"
        shard = Shard(plan.recipe, name, tar.size, digest, samples)
        aside.rename(plan.made / name)
        record = Path(scratch) / "record"
        with record.open("wb") as out:
            out.write(shard.to_bytes())
            out.flush()
            os.fsync(out.fileno())
        record.rename(plan.made / f"{shard.recipe}.json")
    return shard


def left_over(made: Path) -> dict[str, Shard]:
    """By recipe, the shards that an earlier publish made and did not live to use."""
    shards = [Shard.from_bytes(record.read_bytes()) for record in made.glob("*.json")]
    return {shard.recipe: shard for shard in shards if (made / shard.name).is_file()}


def _add(tar: TarWriter, video: Video, plan: ShardPlan, scratch: Path) -> Sample:
    path = scratch / "sample.mp4"
    fetch(video, plan.kept.get(video.clip), plan.dataset, path)
    stopping.check()
    with path.open("rb") as content:
        mp4 = tar.add(f"{video.clip}.mp4", content, path.stat().st_size)
    path.unlink()
    facts = _json(video).encode()
    json_ = tar.add(f"{video.clip}.json", BytesIO(facts), len(facts))
    return Sample(video.clip, mp4.offset, mp4.size, json_.offset, json_.size, mp4.sha256)


def _json(video: Video) -> str:
    return json.dumps(video.facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
