"""One family's shards in order of lots, and the rows of its table, which wait for their shards."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from actor18m.dataset.schemas import Family
from actor18m.publish.content import AcceptedClip, Part, Sample, shape
from actor18m.publish.make import Made, ShardPlan, recipe
from actor18m.publish.previous import Previous
from actor18m.publish.shard import Shard
from actor18m.publish.tables import TableWriter
from actor18m.publish.target import Target


@dataclass
class _Waiting:
    """Rows whose shard is being made, is there, or (None, None) is not needed."""

    lots: range
    rows: pa.Table
    plan: ShardPlan | None
    shard: Shard | None


class Line:
    """Parts come in order of lots; shards come back in any order."""

    def __init__(
        self,
        family: Family,
        lots_per_shard: int,
        target: Target,
        previous: Previous | None,
        left_over: Mapping[str, Shard],
        table: TableWriter,
    ) -> None:
        self.table = table
        self._family, self._lots_per_shard = family, lots_per_shard
        self._target = target
        self._previous, self._left_over = previous, left_over
        self._gathered: list[tuple[range, Part]] = []
        """Of the shard that is not complete yet."""
        self._waiting: deque[_Waiting] = deque()
        self._shape: dict[str, str] | None = None

    def offer(self, lots: range, part: Part) -> Iterator[ShardPlan]:
        """Plans of shards that must be made."""
        if self._gathered and self._number(self._gathered[0][0]) != self._number(lots):
            yield from self.end()
        self._check(lots, part)
        self._gathered.append((lots, part))
        if lots.stop % self._lots_per_shard == 0:
            yield from self.end()

    def end(self) -> Iterator[ShardPlan]:
        """No more lots of this shard come."""
        if self._gathered:
            lots = range(self._gathered[0][0].start, self._gathered[-1][0].stop)
            samples = [sample for _, part in self._gathered for sample in part.samples]
            rows = pa.concat_tables([part.rows for _, part in self._gathered], promote_options="default")
            self._gathered.clear()
            waiting = self._begin(lots, sorted(samples, key=lambda sample: sample.key), rows)
            self._waiting.append(waiting)
            if waiting.plan is not None:
                yield waiting.plan

    def take(self, made: Made) -> bool:
        """Whether it was planned here. A shard that lacks a clip stands for its plan until it is planned anew."""
        for waiting in self._waiting:
            if waiting.plan is not None and waiting.plan.recipe == made.recipe:
                waiting.plan, waiting.shard = None, made.shard
                return True
        return False

    def write(self) -> Iterator[Shard]:
        """All rows at the head of the queue that wait for no shard; their shards."""
        while self._waiting and self._waiting[0].plan is None:
            ready = self._waiting.popleft()
            self.table.add(ready.lots.start, _with_places(self._family, ready.rows, ready.shard))
            if ready.shard is not None:
                yield ready.shard

    def close(self) -> list[Path]:
        if self._waiting:
            raise ValueError(f"make_shards made no {self._family.name} shard for {self._waiting[0].lots}")
        return self.table.close()

    def _begin(self, lots: range, samples: list[Sample], rows: pa.Table) -> _Waiting:
        """Finds the shard where there is one, or plans it."""
        if not samples:
            return _Waiting(lots, rows, None, None)
        wanted = recipe(self._family, self._number(lots), samples)
        if self._previous is not None and (shard := self._previous.shard(self._family, wanted, lots)):
            return _Waiting(lots, rows, None, shard)
        if shard := self._left_over.get(wanted):
            return _Waiting(lots, rows, None, shard)
        videos = {sample.clip for sample in samples if isinstance(sample, AcceptedClip)}
        published = self._previous.videos(lots) if videos and self._previous is not None else {}
        kept = {clip: published[clip] for clip in videos & published.keys()}
        number = self._number(lots)
        plan = ShardPlan(self._target, self._family, number, wanted, tuple(samples), kept)
        return _Waiting(lots, rows, plan, None)

    def _number(self, lots: range) -> int:
        return lots.start // self._lots_per_shard

    def _check(self, lots: range, part: Part) -> None:
        what, keys = self._family.name, [sample.key for sample in part.samples]
        if sorted(set(keys)) != keys:
            raise ValueError(f"the samples of {what} of {lots} are not sorted by key, or one is there twice")
        if unknown := sorted(set(keys).difference(part.rows[self._family.key].to_pylist())):
            raise ValueError(f"{unknown[0]} has a sample in {what} and no row")
        for sample in part.samples:
            found = shape(sample.facts)
            self._shape = self._shape or found
            if found != self._shape:
                raise ValueError(f"the facts of {sample.key} are {found}, those of others in {what} {self._shape}")


def _with_places(family: Family, rows: pa.Table, shard: Shard | None) -> pa.Table:
    """Where each sample is; nothing for those that are not published."""
    samples = {} if shard is None else {sample.key: sample for sample in shard.samples}
    found = [samples.get(key) for key in rows[family.key].to_pylist()]
    for field in family.where:
        values: list[str | int | None]
        if field.name == "shard":
            values = [None if sample is None or shard is None else shard.path for sample in found]
        else:
            values = [None if sample is None else sample.where(field.name) for sample in found]
        rows = rows.append_column(field, pa.array(values, field.type))
    return rows
