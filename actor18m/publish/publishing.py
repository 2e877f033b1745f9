"""Publish: blocks go in, a whole new version of the dataset comes out, or none when nothing changed.

A killed publish is repeated by running it again: shards that it made are used, and all else is cheap.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from actor18m.dataset.manifest import File, Manifest, describe, placed
from actor18m.dataset.root import Dataset
from actor18m.dataset.schemas import LEAST, OF_VIDEOS, of_subset
from actor18m.publish.card import Card
from actor18m.publish.content import Block
from actor18m.publish.heard import Hearing
from actor18m.publish.left_out import LeftOut, without
from actor18m.publish.line import Line
from actor18m.publish.make import Made, MakeShards, ShardPlan, one_by_one
from actor18m.publish.mp4 import WRITER
from actor18m.publish.on_disk import write
from actor18m.publish.previous import open_latest
from actor18m.publish.shard import Shard
from actor18m.publish.tables import TableWriter
from actor18m.publish.target import Target, Writer, remember
from actor18m.publish.targets import target_of
from actor18m.relations.identities import ALIASES

_BESIDE_SHARDS = ("inputs", "decisions")
"""Tables that say nothing of places."""
LIST = ".urls"
"""Of the shards in a folder: its name and this."""


@dataclass(frozen=True)
class Published:
    version: str
    path: str
    is_new: bool
    """False: the same as the latest, which stays."""
    shards_made: int
    shards_reused: int
    left_out: Mapping[str, LeftOut] = field(default_factory=dict)
    """Clips that were accepted and could not be published now."""


Accept = Callable[[Mapping[str, int], Mapping[str, int] | None, int], None]


def publish(
    dataset: str | Path | Dataset,
    blocks: Iterable[Block],
    pipeline: str,
    facts: Mapping[str, str],
    make_shards: MakeShards = one_by_one,
    aliases: pa.Table | None = None,
    subsets: Sequence[str] = (),
    lots_per_shard: Mapping[str, int] = {},
    check: Callable[[], None] = lambda: None,
    patience_s: float = 0,
    told: Callable[[Block], Block] = lambda block: block,
    accept: Accept = lambda now, before, left_out: None,
    hearing: Hearing | None = None,
) -> Published:
    """Blocks come in order of lots and are streamed, once again when clips have to be left out; none goes beyond a
    multiple of any of `lots_per_shard` (videos, or a subset's name; 1 where nothing is said). `facts` tell what the
    dataset was made with; `pipeline` is its resolved YAML; `aliases` are former names of identities. `check` raises if
    the version must not appear any more. For another process that publishes, this one waits for so long. `told` makes
    of a block what others may be told of it. `accept` raises when a version of so many samples, by folder, must not
    take the place of the latest, which has so many (None: there is none); so many clips were left out of it. `hearing`
    raises when the dataset has heard of words that this build does not know.
    """
    if iter(blocks) is blocks:
        raise TypeError("blocks are iterated once again when clips have to be left out: give what can be")
    target = target_of(dataset)
    with target.held(patience_s) as writer:
        if hearing is not None:
            hearing.check(target.dataset)
        made, left_out = 0, dict[str, LeftOut]()
        while True:
            version = _Version(target, writer, subsets, lots_per_shard, check)
            for each in make_shards(version.plans(map(told, without(blocks, left_out)))):
                version.take(each)
            made += version.shards_made
            if not version.left_out:
                return version.finish(pipeline, facts, aliases, made, left_out, accept, hearing)
            left_out |= version.left_out  # and planned again, so that all tables tell what is there


class _Version:
    """One that is being built."""

    def __init__(
        self,
        target: Target,
        writer: Writer,
        subsets: Sequence[str],
        lots_per_shard: Mapping[str, int],
        check: Callable[[], None],
    ) -> None:
        self._target, self._writer = target, writer
        families = [OF_VIDEOS, *map(of_subset, subsets)]
        self._sizes = {family: lots_per_shard.get(family.name, 1) for family in families}
        self._check_whether_wanted = check
        self._hashes = writer.hashes()
        self._previous = open_latest(target.dataset, self._hashes)
        self._folder = writer.begin(family.folder for family in families)
        made = writer.left_over()
        self._tables = {name: self._table(name) for name in _BESIDE_SHARDS}
        self._lines = {
            family: Line(family, size, target, self._previous, made, self._table(family.table, family.part_prefix))
            for family, size in self._sizes.items()
        }
        self._files: dict[str, File] = {}
        self._recipes: dict[str, str] = {}
        self._card = Card()
        self.shards_made = 0
        self.left_out: dict[str, LeftOut] = {}
        self._samples: Counter[str] = Counter()
        """By folder."""
        self._end = 0

    def plans(self, blocks: Iterable[Block]) -> Iterator[ShardPlan]:
        """Of the shards that must be made."""
        for block in blocks:
            self._check_right()
            self._check(block.lots)
            self._tables["inputs"].add(block.lots.start, block.inputs)
            self._tables["decisions"].add(block.lots.start, block.decisions)
            self._card.add(block)
            for family, line in self._lines.items():
                yield from line.offer(block.lots, block.part(family))
                self._write(line)
        for line in self._lines.values():
            yield from line.end()
            self._write(line)

    def take(self, made: Made) -> None:
        for line in self._lines.values():
            if line.take(made):
                break
        else:
            raise ValueError(f"{made.recipe} is of no plan that was given")
        self.shards_made += made.shard is not None
        self.left_out |= made.left_out
        self._write(line)

    def finish(
        self,
        pipeline: str,
        facts: Mapping[str, str],
        aliases: pa.Table | None,
        shards_made: int,
        left_out: Mapping[str, LeftOut],
        accept: Accept,
        hearing: Hearing | None,
    ) -> Published:
        """`shards_made` and `left_out`: in this pass and in those before."""
        closing: list[TableWriter | Line] = [*self._tables.values(), *self._lines.values()]
        if aliases is not None:
            closing.append(table := TableWriter(self._folder / "metadata" / "aliases", ALIASES))
            table.add(0, aliases)
        for path in (path for each in closing for path in each.close()):
            self._add_table(path)
        for family in self._sizes:
            self._add_text(f"{family.folder}{LIST}", self._list(family.folder))
        self._add_text("README.md", self._card.text(facts))
        self._add_text("pipeline.yaml", pipeline)
        content = Manifest(dict(facts), self._files, self._recipes, WRITER, self._target.shards).to_bytes()
        reused = max(0, len(self._recipes) - shards_made)
        if self._previous is not None and self._previous.is_as(content):
            version, is_new = self._previous.version, False
            if hearing is not None:
                hearing.keep(self._writer)
        else:
            accept(self._samples, None if self._previous is None else self._previous.samples, len(left_out))
            if hearing is not None:  # before the switch: who dies in between has told too much, and not too little
                hearing.keep(self._writer)
            version, is_new = self._writer.commit(content, self._check_right), True
        self._writer.clear()
        for name, file in self._files.items():  # now that nothing is linked or removed any more
            self._hashes.note(version.path(name), file.sha256)
        remember(self._writer, self._hashes)
        return Published(version.name, version.url, is_new, shards_made, reused, left_out)

    def _check_right(self) -> None:
        """To write what is built: in the dataset, and to whoever wants it."""
        self._check_whether_wanted()
        self._writer.check()

    def _table(self, name: str, prefix: str = "part") -> TableWriter:
        return TableWriter(self._folder / "metadata" / name, LEAST[name], prefix)

    def _check(self, lots: range) -> None:
        for size in self._sizes.values():
            if lots.step != 1 or not lots or lots.start // size != lots[-1] // size or lots.start < self._end:
                raise ValueError(f"{lots} after lot {self._end - 1}: a block has lots of one shard of {size}, in order")
        self._end = lots.stop

    def _write(self, line: Line) -> None:
        for shard in line.write():
            self._add_shard(shard)

    def _add_shard(self, shard: Shard) -> None:
        file = File(shard.size, shard.sha256)
        if self._previous is not None and self._previous.has(shard.path, file):
            self._writer.share(self._previous.version, shard.path)
        else:
            self._writer.take(shard)
        self._files[shard.path] = file
        self._samples[shard.folder] += len(shard.samples)
        self._recipes[shard.path] = shard.recipe

    def _add_table(self, path: Path) -> None:
        name = path.relative_to(self._folder).as_posix()
        self._files[name] = describe(path)
        if self._previous is not None and self._previous.has(name, self._files[name]):
            self._writer.share(self._previous.version, name)

    def _list(self, folder: str) -> str:
        """Of its shards, relative to the list, one a line."""
        shards = sorted(name for name in self._recipes if name.startswith(f"{folder}/"))
        return "".join(f"{placed(name, self._target.shards)}\n" for name in shards)

    def _add_text(self, name: str, text: str) -> None:
        path = self._folder / name
        write(path, text.encode())
        self._files[name] = describe(path)
