"""Making shards: one tar for an aligned range of lots, named by its content, the same from whoever makes it.

A shard is made aside and kept, with a record of what is in it, where a publish after a killed one finds it.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path

from actor18m import keys, stopping
from actor18m.dataset.members import Member
from actor18m.dataset.schemas import ENCODING, Family
from actor18m.errors import ActorError
from actor18m.ledger.attachments import files_of_row
from actor18m.publish.content import AcceptedClip, Reference, Sample
from actor18m.publish.left_out import LeftOut, left_out_by
from actor18m.publish.mp4 import WRITER
from actor18m.publish.original import Originals
from actor18m.publish.samples import fetch
from actor18m.publish.shard import Placed, PublishedMp4, Shard
from actor18m.publish.tar import TarWriter
from actor18m.publish.target import Target


@dataclass(frozen=True)
class ShardPlan:
    """All that is needed to make one, on any machine that reaches the dataset."""

    target: Target
    """Where it is kept."""
    family: Family
    number: int
    recipe: str
    samples: tuple[Sample, ...]
    kept: Mapping[str, PublishedMp4]
    """By clip, videos of the version before."""


@dataclass(frozen=True)
class Made:
    """What became of a plan."""

    recipe: str
    """The plan's."""
    shard: Shard | None
    """With all samples that could be had; None without any."""
    left_out: Mapping[str, LeftOut]
    """By clip, why it could not be had."""


MakeShards = Callable[[Iterator[ShardPlan]], Iterable[Made]]
"""Calls make_shard for each plan, anywhere, and returns what it made in any order. It takes a plan when it can begin to
work on it, in the thread that it was called in: what it takes ahead is held in memory."""


def one_by_one(plans: Iterator[ShardPlan]) -> Iterator[Made]:
    """In this process."""
    return map(make_shard, plans)


def recipe(family: Family, number: int, samples: Sequence[Sample]) -> str:
    """What a shard's bytes depend on. Where a file lies does not count: a moved file is the same clip."""
    return keys.digest(f"{family.name} shard", WRITER, number, [_content(sample) for sample in samples])


def _content(sample: Sample) -> keys.Part:
    if isinstance(sample, AcceptedClip):
        return sample.clip, sample.cut, sample.crop, _json(sample)
    return sample.key, sample.digests, _json(sample)


def make_shard(plan: ShardPlan) -> Made:
    """What cannot be had of one clip leaves out that clip. What the dataset's disk cannot do is raised."""
    left_out: dict[str, LeftOut] = {}
    there: list[Sample] = []
    with plan.target.scratch() as scratch, Originals(scratch) as originals:
        aside = scratch / "shard.tar"
        with aside.open("wb") as out:
            tar = TarWriter(out)
            placed: list[Placed] = []
            for sample in plan.samples:
                if sample.clip in left_out:
                    continue
                with left_out_by(sample, left_out):
                    files, told = _files(sample, plan, scratch, originals)
                if sample.clip not in left_out:
                    there.append(sample)
                    placed.append(_add(tar, sample, files, told, plan.family))
            digest = tar.finish()
        if not there:
            return Made(plan.recipe, None, left_out)
        name = f"actor18m-{plan.family.name}-{plan.number:06d}-{digest[: keys.SHORT_DIGITS]}.tar"
        made_of = recipe(plan.family, plan.number, there) if left_out else plan.recipe
        shard = Shard(made_of, plan.family.folder, name, tar.size, digest, tuple(placed))
        plan.target.keep(aside, shard)
    return Made(plan.recipe, shard, left_out)


def _files(
    sample: Sample, plan: ShardPlan, scratch: Path, originals: Originals
) -> tuple[dict[str, Path | bytes], dict[str, str]]:
    """What goes into the tar before the facts, by suffix; and what making it told."""
    if isinstance(sample, Reference):
        return dict(_images(sample)), {}
    path = scratch / "sample.mp4"
    encoding = fetch(sample, plan.kept.get(sample.clip), plan.target.dataset, path, originals)
    return {"mp4": path}, {ENCODING: encoding}


def _images(reference: Reference) -> Iterator[tuple[str, bytes]]:
    shelf = reference.shelf
    files = files_of_row(shelf, *reference.row)
    for suffix, digest in reference.digests.items():
        content = files.get(suffix)
        if content is None or sha256(content).hexdigest() != digest:
            raise ActorError(
                f"{reference.key}.{suffix}: the image in {shelf.store.url}/{shelf.path} is not the one that the row of "
                f"stage {shelf.stage} tells of. Delete ledger/{shelf.stage}/{shelf.fingerprint}/lot-{shelf.lot:06d}.*: "
                "it is then made again; if it comes out the same, the stage writes wrong digests."
            )
        yield suffix, content


def _add(
    tar: TarWriter, sample: Sample, files: Mapping[str, Path | bytes], told: Mapping[str, str], family: Family
) -> Placed:
    stopping.check()
    members = {suffix: _member(tar, f"{sample.key}.{suffix}", content) for suffix, content in files.items()}
    members["json"] = _member(tar, f"{sample.key}.json", _json(sample).encode())
    called = dict(zip(family.suffixes, family.members, strict=True))
    places = {called[suffix]: (file.offset, file.size) for suffix, file in members.items()}
    return Placed(sample.key, places, next(iter(members.values())).sha256, told)


def _member(tar: TarWriter, name: str, content: Path | bytes) -> Member:
    if isinstance(content, bytes):
        return tar.add(name, BytesIO(content), len(content))
    with content.open("rb") as stream:
        member = tar.add(name, stream, content.stat().st_size)
    content.unlink()
    return member


def _json(sample: Sample) -> str:
    return json.dumps(sample.facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
