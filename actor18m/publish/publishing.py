"""Publish: blocks go in, a whole new version of the dataset comes out, or none when nothing changed.

A killed publish is repeated by running it again: shards that it made are used, and all else is cheap.
"""

import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from actor18m.publish import manifest, versions
from actor18m.publish.card import Card
from actor18m.publish.content import CLIPS, DECISIONS, INPUTS, WHERE, Block, shape
from actor18m.publish.make import PART, MakeShards, ShardPlan, left_over, one_by_one, recipe
from actor18m.publish.manifest import File, Manifest
from actor18m.publish.previous import open_latest
from actor18m.publish.shard import Shard
from actor18m.publish.tables import TableWriter

_LEAST = {"inputs": INPUTS, "clips": CLIPS, "decisions": DECISIONS}


@dataclass(frozen=True)
class Published:
    version: str
    path: str
    is_new: bool
    """False: the same as the latest, which stays."""
    shards_made: int
    shards_reused: int


def publish(
    dataset: str | Path,
    blocks: Iterable[Block],
    pipeline: str,
    facts: Mapping[str, str],
    make_shards: MakeShards = one_by_one,
    lots_per_shard: int = 1,
    check: Callable[[], None] = lambda: None,
    patience_s: float = 0,
) -> Published:
    """Blocks come in order of lots, one for each shard: `lots_per_shard` lots, beginning at a multiple of it. They are
    streamed. `facts` tell what the dataset was made with; `pipeline` is its resolved YAML. `check` raises when the
    version must not appear any more. For another process that publishes, this one waits for so long.
    """
    root = versions.folder(dataset)
    with versions.held(root, patience_s):
        versions.settle(root)
        version = _Version(root, lots_per_shard, check)
        for shard in make_shards(version.plans(blocks)):
            version.take(shard)
        return version.finish(pipeline, facts)


@dataclass
class _Waiting:
    """A block whose shard is being made, is there, or (None, None) is not needed."""

    block: Block
    plan: ShardPlan | None
    shard: Shard | None


class _Version:
    """One that is being built, in `.building/version`; shards are made in `.building/made`."""

    def __init__(self, root: Path, lots_per_shard: int, check: Callable[[], None]) -> None:
        self._root = root
        self._lots_per_shard = lots_per_shard
        self._check_whether_wanted = check
        self._previous = open_latest(root)
        self._building = root / versions.BUILDING
        self._made = self._building / "made"
        self._folder = self._building / "version"
        self._clear()
        self._left_over = left_over(self._made)
        self._tables = {name: TableWriter(self._folder / "metadata" / name, least) for name, least in _LEAST.items()}
        self._waiting: deque[_Waiting] = deque()
        self._files: dict[str, File] = {}
        self._recipes: dict[str, str] = {}
        self._card = Card()
        self._shards_made = 0
        self._end = 0
        self._shape: dict[str, str] | None = None

    def plans(self, blocks: Iterable[Block]) -> Iterator[ShardPlan]:
        """Of the shards that must be made."""
        for block in blocks:
            self._check_whether_wanted()
            self._check(block)
            waiting = self._begin(block)
            self._waiting.append(waiting)
            if waiting.plan is not None:
                yield waiting.plan
            else:
                self._write()

    def take(self, shard: Shard) -> None:
        for waiting in self._waiting:
            if waiting.plan is not None and waiting.plan.recipe == shard.recipe:
                waiting.plan, waiting.shard = None, shard
                break
        else:
            raise ValueError(f"{shard.name} was made from no plan that was given")
        self._shards_made += 1
        self._write()

    def finish(self, pipeline: str, facts: Mapping[str, str]) -> Published:
        if self._waiting:
            raise ValueError(f"make_shards made no shard for lots {self._waiting[0].block.lots}")
        for table in self._tables.values():
            for path in table.close():
                self._add_table(path)
        self._add_text("README.md", self._card.text())
        self._add_text("pipeline.yaml", pipeline)
        content = Manifest(dict(facts), self._files, self._recipes).to_bytes()
        counts = {"shards_made": self._shards_made, "shards_reused": len(self._recipes) - self._shards_made}
        if self._previous is not None and self._previous.is_as(content):
            path = self._previous.folder
            is_new = False
        else:
            path = self._commit(content)
            is_new = True
        shutil.rmtree(self._building)
        return Published(path.name, str(path), is_new, **counts)

    def _clear(self) -> None:
        """Of what a killed publish left, only shards are of use."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._made.mkdir(parents=True, exist_ok=True)
        for part in self._made.glob(f"{PART}*"):
            shutil.rmtree(part)
        (self._folder / "videos").mkdir(parents=True)

    def _check(self, block: Block) -> None:
        size = self._lots_per_shard
        lots = block.lots
        if lots.step != 1 or not lots or lots.start // size != lots[-1] // size or lots.start < self._end:
            raise ValueError(f"{lots} after lot {self._end - 1}: a block has the lots of one shard of {size}, in order")
        self._end = (lots[-1] // size + 1) * size
        clips = [video.clip for video in block.videos]
        if sorted(set(clips)) != clips:
            raise ValueError(f"the videos of {lots} are not sorted by clip, or one is there twice")
        if unknown := sorted(set(clips).difference(block.clips["clip"].to_pylist())):
            raise ValueError(f"clip {unknown[0]} has a video and no row")
        for video in block.videos:
            found = shape(video.facts)
            self._shape = self._shape or found
            if found != self._shape:
                raise ValueError(f"the facts of clip {video.clip} are {found}, those of clips before {self._shape}")

    def _begin(self, block: Block) -> _Waiting:
        """Finds the shard where there is one, or plans it."""
        if not block.videos:
            return _Waiting(block, None, None)
        number = block.lots.start // self._lots_per_shard
        wanted = recipe(number, block.videos)
        if self._previous is not None and (shard := self._previous.shard(wanted, block.lots)):
            return _Waiting(block, None, shard)
        if shard := self._left_over.get(wanted):
            return _Waiting(block, None, shard)
        published = {} if self._previous is None else self._previous.samples(block.lots)
        kept = {video.clip: published[video.clip] for video in block.videos if video.clip in published}
        plan = ShardPlan(self._root, self._made, number, wanted, tuple(block.videos), kept)
        return _Waiting(block, plan, None)

    def _write(self) -> None:
        """All that is at the head of the queue and waits for no shard."""
        while self._waiting and self._waiting[0].plan is None:
            ready = self._waiting.popleft()
            lot = ready.block.lots.start
            if ready.shard is not None:
                self._add_shard(ready.shard)
            clips = _with_places(ready.block.clips, ready.shard)
            self._tables["inputs"].add(lot, ready.block.inputs)
            self._tables["clips"].add(lot, clips)
            self._tables["decisions"].add(lot, ready.block.decisions)
            self._card.add(ready.block)

    def _add_shard(self, shard: Shard) -> None:
        file = File(shard.size, shard.sha256)
        if self._previous is not None and self._previous.has(shard.path, file):
            source = self._previous.folder / shard.path
        else:
            source = self._made / shard.name
        versions.link(source, self._folder / shard.path)
        self._files[shard.path] = file
        self._recipes[shard.path] = shard.recipe

    def _add_table(self, path: Path) -> None:
        name = path.relative_to(self._folder).as_posix()
        self._files[name] = manifest.describe(path)
        if self._previous is not None and self._previous.has(name, self._files[name]):
            path.unlink()
            versions.link(self._previous.folder / name, path)

    def _add_text(self, name: str, text: str) -> None:
        path = self._folder / name
        path.write_bytes(text.encode())
        versions.sync_file(path)
        self._files[name] = manifest.describe(path)

    def _commit(self, content: bytes) -> Path:
        path = self._folder / manifest.NAME
        path.write_bytes(content)
        versions.sync_file(path)
        for each in [self._folder, *self._folder.rglob("*")]:
            if each.is_dir():
                versions.sync_folder(each)
            else:
                # Versions share files, so nobody should write into one.
                each.chmod(each.stat().st_mode & ~0o222)
        self._check_whether_wanted()
        return self._root / versions.add(self._root, self._folder)


def _with_places(clips: pa.Table, shard: Shard | None) -> pa.Table:
    """Where each clip's sample is; nothing for those that are not published."""
    samples = {} if shard is None else {sample.clip: sample for sample in shard.samples}
    found = [samples.get(clip) for clip in clips["clip"].to_pylist()]
    for field in WHERE:
        if field.name == "shard":
            values = [None if sample is None or shard is None else shard.path for sample in found]
        else:
            values = [getattr(sample, field.name, None) for sample in found]
        clips = clips.append_column(field, pa.array(values, field.type))
    return clips
