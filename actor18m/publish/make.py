"""Making shards: one tar for an aligned range of lots, named by its content, the same from whoever makes it.

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
from actor18m.beside import files_of_row
from actor18m.errors import ActorError
from actor18m.publish.content import ENCODING, Family, Reference, Sample, Video
from actor18m.publish.mp4 import WRITER
from actor18m.publish.samples import fetch
from actor18m.publish.shard import Kept, Placed, Shard
from actor18m.publish.tar import Member, TarWriter

PART = ".part-"
"""How the names of unfinished things begin."""


@dataclass(frozen=True)
class ShardPlan:
    """All that is needed to make one, on any machine that sees the dataset's folder."""

    dataset: Path
    made: Path
    """Where it is put."""
    family: Family
    number: int
    recipe: str
    samples: tuple[Sample, ...]
    kept: Mapping[str, Kept]
    """By clip, videos of the version before."""


MakeShards = Callable[[Iterator[ShardPlan]], Iterable[Shard]]
"""Calls make_shard for each plan, anywhere, and returns shards in any order. It takes a plan when it can begin to work
on it, in the thread that it was called in: what it takes ahead is held in memory."""


def one_by_one(plans: Iterator[ShardPlan]) -> Iterator[Shard]:
    """In this process."""
    return map(make_shard, plans)


def recipe(family: Family, number: int, samples: Sequence[Sample]) -> str:
    """What a shard's bytes depend on. Where a file lies does not count: a moved file is the same clip."""
    return keys.digest(f"{family.name} shard", WRITER, number, [_content(sample) for sample in samples])


def _content(sample: Sample) -> keys.Part:
    if isinstance(sample, Video):
        return sample.clip, sample.cut, sample.crop, _json(sample)
    return sample.key, sample.sha256, _json(sample)


def make_shard(plan: ShardPlan) -> Shard:
    """Raises ActorError when a clip's video is nowhere to be had."""
    with tempfile.TemporaryDirectory(dir=plan.made, prefix=PART) as scratch:
        aside = Path(scratch) / "shard.tar"
        with aside.open("wb") as out:
            tar = TarWriter(out)
            samples = tuple(_add(tar, sample, plan, Path(scratch)) for sample in plan.samples)
            digest = tar.finish()
            out.flush()
            os.fsync(out.fileno())
        name = f"actor18m-{plan.family.name}-{plan.number:06d}-{digest[: keys.SHORT_DIGITS]}.tar"
        shard = Shard(plan.recipe, plan.family.folder, name, tar.size, digest, samples)
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


def _add(tar: TarWriter, sample: Sample, plan: ShardPlan, scratch: Path) -> Placed:
    if isinstance(sample, Video):
        files, told = _video(tar, sample, plan, scratch)
    else:
        files, told = _images(tar, sample), {}
    stopping.check()
    facts = _json(sample).encode()
    files.append(tar.add(f"{sample.key}.json", BytesIO(facts), len(facts)))
    places = {member: (file.offset, file.size) for member, file in zip(plan.family.members, files, strict=True)}
    return Placed(sample.key, places, files[0].sha256, told)


def _video(tar: TarWriter, video: Video, plan: ShardPlan, scratch: Path) -> tuple[list[Member], dict[str, str]]:
    path = scratch / "sample.mp4"
    encoding = fetch(video, plan.kept.get(video.clip), plan.dataset, path)
    with path.open("rb") as content:
        member = tar.add(f"{video.clip}.mp4", content, path.stat().st_size)
    path.unlink()
    return [member], {ENCODING: encoding}


def _images(tar: TarWriter, reference: Reference) -> list[Member]:
    shelf, members = reference.shelf, list[Member]()
    files = files_of_row(shelf, *reference.row)
    for suffix in ("webp", "mask.png"):
        if (content := files.get(f"{reference.name}.{suffix}")) is None:
            raise ActorError(
                f"{reference.key}: its images have gone from the store ({shelf.path}). Put them back, or remove "
                f"ledger/{shelf.stage}/{shelf.fingerprint} too; then build again."
            )
        members.append(tar.add(f"{reference.key}.{suffix}", BytesIO(content), len(content)))
    return members


def _json(sample: Sample) -> str:
    return json.dumps(sample.facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
