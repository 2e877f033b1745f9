"""What is published of a store, block by block: the survey of all that is known, as rows of the tables and videos."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from actor18m.catalog.catalog import COLUMNS
from actor18m.catalog.licences import strictest
from actor18m.config.pipeline import VIDEOS
from actor18m.dataset.schemas import CLIPS, DECISIONS, INPUTS
from actor18m.inputs import caption_in
from actor18m.policy.rules import by_name
from actor18m.publish.columns import Columns
from actor18m.publish.content import AcceptedClip, Block, without_nulls
from actor18m.publish.references import References
from actor18m.publish.verdicts import decisions, fates
from actor18m.relations.identities import Identities
from actor18m.shortest import shortest
from actor18m.storage.lease import Lease
from actor18m.survey.admission import PENDING, REMOVED, SUPERSEDED
from actor18m.survey.chain import CLIP
from actor18m.survey.project import Project
from actor18m.survey.snapshot import Record
from actor18m.survey.subsets import reason
from actor18m.survey.survey import ACCEPTED, Surveyed


@dataclass
class _Sources:
    """Whence a clip can be had, and under what terms."""

    uris: list[str] = field(default_factory=list)
    licences: list[str | None] = field(default_factory=list)
    consents: list[str | None] = field(default_factory=list)


@dataclass(frozen=True)
class Relations:
    """What is told of a clip by others, which may be registered long after it."""

    copies: Mapping[str, _Sources]
    """The further sources of clips that were given more than once."""
    identities: Identities | None

    @property
    def aliases(self) -> pa.Table | None:
        return None if self.identities is None else self.identities.aliases()


class Relating:
    """Makes Relations of a survey, which reads these columns."""

    COLUMNS = ("id", "lot", "uri", "licence", "consent")

    def __init__(self, project: Project, record: Record) -> None:
        self._copies: dict[str, _Sources] = defaultdict(_Sources)
        self._identities, self._duplicates = project.identities(record), record.surveyor.duplicates

    def add(self, surveyed: Surveyed) -> None:
        repeats = surveyed.inputs.filter(pc.equal(surveyed.inputs["duplicate_of"], surveyed.inputs["clip"]))
        for row in repeats.select(["clip", "uri", "licence", "consent"]).to_pylist():
            self._copies[row["clip"]].uris.append(row["uri"])
            self._copies[row["clip"]].licences.append(row["licence"])
            self._copies[row["clip"]].consents.append(row["consent"])
        if self._identities is not None:
            self._identities.take(surveyed.measured)

    def keep(self, lease: Lease) -> None:
        """Writes of the block that was added last which clips repeat which and which show one person, so that neither
        need be found again.
        """
        self._duplicates.keep(lease)
        if self._identities is not None:
            self._identities.keep(lease)

    def found(self) -> Relations:
        return Relations(self._copies, self._identities)


@dataclass(frozen=True)
class Blocks:
    """As small as shards have in common, in order of lots; surveyed anew each time that they are iterated."""

    project: Project
    relations: Relations

    def __iter__(self) -> Iterator[Block]:
        project, record = self.project, self.project.record()
        for block, surveyed in record.surveyed([name for name in COLUMNS if name != "version"]):
            columns = Columns(project, record, surveyed)
            whole = _Decided(project, record, surveyed, self.relations, columns).block(block.lots)
            subsets = {name: References(project, record, surveyed, name) for name in with_images(project)}
            tells = {name: of.tells for name, of in subsets.items()}
            for some in _in_shards(whole, _smallest(project)):
                parts = {name: of.part(some.clips) for name, of in subsets.items()}
                yield replace(some, clips=columns.added(some.clips), subsets=parts, tells=tells)


def with_images(project: Project) -> list[str]:
    """Subsets that have shards of their own, as far as the chain makes their images."""
    made = {link.name for link in project.stages.images}
    subsets = {branch.subset for branch in project.stages.branches}
    return [
        name
        for name, each in project.pipeline.subsets.items()
        if name in subsets and made.intersection(each.references)
    ]


def _smallest(project: Project) -> int:
    """How many lots all shards have in common."""
    sizes = project.pipeline.publish.lots_per_shard
    return min(sizes.get(name, 1) for name in (VIDEOS, *with_images(project)))


def _in_shards(block: Block, size: int) -> Iterator[Block]:
    lot_of = dict(zip(block.clips["clip"].to_pylist(), block.clips["lot"].to_pylist(), strict=True))
    decided = np.array([lot_of[clip] for clip in block.decisions["clip"].to_pylist()], np.int32)
    tables = [
        _InLots.of(block.inputs, block.inputs["lot"].to_numpy()),
        _InLots.of(block.clips, block.clips["lot"].to_numpy()),
        _InLots.of(block.decisions, decided),
    ]
    videos: dict[int, list[AcceptedClip]] = defaultdict(list)
    for video in block.videos:
        videos[lot_of[video.clip] // size].append(video)
    for start in range(block.lots.start, block.lots.stop, size):
        lots = range(start, min(start + size, block.lots.stop))
        inputs, clips, decisions = (table.within(lots) for table in tables)
        yield Block(lots, inputs, clips, decisions, videos[start // size])


@dataclass(frozen=True)
class _InLots:
    """Rows by lot, and within one in the order they had."""

    rows: pa.Table
    lots: npt.NDArray[np.int32]

    @classmethod
    def of(cls, rows: pa.Table, lots: npt.NDArray[np.int32]) -> "_InLots":
        order = np.argsort(lots, kind="stable")
        return cls(rows.take(order), lots[order])

    def within(self, lots: range) -> pa.Table:
        begin, end = np.searchsorted(self.lots, [lots.start, lots.stop])
        return self.rows.slice(begin, end - begin)


@dataclass(frozen=True)
class _Decided:
    project: Project
    record: Record
    surveyed: Surveyed
    relations: Relations
    columns: Columns

    def block(self, lots: range) -> Block:
        inputs = self.surveyed.inputs
        inputs = inputs.append_column("number", pa.array(np.arange(inputs.num_rows)))
        stands = pc.and_(pc.is_valid(inputs["clip"]), pc.is_null(inputs["duplicate_of"]))
        clips = inputs.filter(pc.and_not(stands, pc.is_in(inputs["state"], pa.array([SUPERSEDED, REMOVED]))))
        facts = self._facts(clips)
        return Block(
            lots=lots,
            inputs=_as_told(inputs),
            clips=self._clips(clips, facts),
            decisions=pa.concat_tables(
                [DECISIONS.empty_table(), *self._decisions(clips["clip"])], promote_options="default"
            ).sort_by([("clip", "ascending")]),
            videos=sorted(self._videos(clips, facts), key=lambda video: video.clip),
        )

    def _facts(self, clips: pa.Table) -> pa.Table:
        """What the first stage measured of them, in their order: what can be told in JSON."""
        link = self.project.chain[0]
        columns = [f.name for f in link.stage_class.writes.columns if f.name != CLIP and not pa.types.is_binary(f.type)]
        files, ledger = self.record.files[link.name], link.ledger(self.project.store)
        lots = [ledger.read_lot(files[lot], columns) for lot in pc.unique(clips["lot"]).to_pylist()]
        if not lots:
            return link.stage_class.writes.columns.empty_table().select(columns)
        rows = pa.concat_tables(lots, promote_options="default")
        measured = self.surveyed.measured[link.name]
        at = measured.take(pc.index_in(clips["id"], value_set=measured["key"].combine_chunks()))
        about = pc.binary_join_element_wise(rows["key"], rows["input_digest"], "/")
        wanted = pc.binary_join_element_wise(at["key"], at["input_digest"], "/")
        return rows.take(pc.index_in(wanted, value_set=about.combine_chunks())).select(columns)

    def _clips(self, clips: pa.Table, facts: pa.Table) -> pa.Table:
        sources = [self._sources(row) for row in clips.select(["clip", "uri", "licence", "consent"]).to_pylist()]
        said = {each.key: str(each) for each in self.project.overrides}
        identities, no_identities = self.relations.identities, pa.nulls(clips.num_rows, pa.string())
        told = {
            **fates(clips),
            "licence": pa.array([strictest(each.licences) for each in sources], pa.string()),
            "consent": pa.array([_one(each.consents) for each in sources], pa.string()),
            "uris": pa.array([each.uris for each in sources], pa.list_(pa.string())),
            "identity_id": no_identities if identities is None else identities.of(clips["clip"]),
            "without_images": self._without_images(clips["number"]),
            "source_caption": pa.array(map(caption_in, clips["source"].to_pylist()), pa.string()),
        }
        columns = {name: told[name] if name in told else clips[name] for name in CLIPS.names}
        columns |= {name: facts[name] for name in facts.column_names}
        columns["override"] = pa.array([said.get(key) for key in clips["clip"].to_pylist()], pa.string())
        return pa.table(columns).sort_by("clip")

    def _without_images(self, number: pa.ChunkedArray) -> pa.Array:
        held = defaultdict[int, list[dict[str, str]]](list)
        for subset, rows in self.surveyed.held.items():
            for row in rows.filter(pc.not_equal(rows["state"], PENDING)).to_pylist():
                held[row["number"]].append({"subset": subset, "why": reason(row)})
        return pa.array([held.get(each, []) for each in number.to_pylist()], CLIPS.field("without_images").type)

    def _sources(self, row: Mapping[str, str]) -> _Sources:
        more = self.relations.copies.get(row["clip"], _Sources())
        return _Sources([row["uri"], *more.uris], [row["licence"], *more.licences], [row["consent"], *more.consents])

    def _decisions(self, clips: pa.ChunkedArray) -> Iterator[pa.Table]:
        """One row for each rule of each stage that a clip has reached, passed or not."""
        stands = clips.combine_chunks()
        for link in self.project.chain:
            rows = self.surveyed.measured[link.name]
            keys = self.surveyed.inputs["clip"].take(rows["number"])
            inside = pc.is_in(keys, value_set=stands)
            if link is self.project.chain[0]:  # of several inputs of one clip, the one that stands
                is_copy = pc.is_valid(self.surveyed.inputs["duplicate_of"].take(rows["number"]))
                inside = pc.and_(inside, pc.invert(is_copy))
            rows, keys = rows.filter(inside), keys.filter(inside)
            for name, rule in by_name(link.rules).items():
                yield decisions(link.name, name, rule, keys, rows)

    def _videos(self, clips: pa.Table, facts: pa.Table) -> Iterator[AcceptedClip]:
        rows = clips.select(["clip", "uri", "cut", "crop", "state", "source"]).to_pylist()
        more = self.columns.facts(clips)
        asked = shortest(more).to_pylist() if more.num_columns else [{}] * len(rows)
        for row, told, later in zip(rows, shortest(facts).to_pylist(), asked, strict=True):
            if row["state"] == ACCEPTED:
                cut, crop = (None if row[name] is None else tuple(row[name]) for name in ("cut", "crop"))
                copies = tuple(self.relations.copies.get(row["clip"], _Sources()).uris)
                caption = {"source_caption": caption_in(row["source"]) or ""}
                facts_of = {"clip": row["clip"]} | told | _window(cut, crop, told) | caption | _of_stages(later, more)
                yield AcceptedClip(row["clip"], row["uri"], cut, crop, facts_of, copies)


def _of_stages(told: Mapping[str, Any], facts: pa.Table) -> dict[str, Any]:
    """Where a pipeline asks for none, the JSON says nothing of them."""
    return without_nulls(told, list(facts.schema)) if told else {}


def _window(cut: Sequence[int] | None, crop: Sequence[int] | None, facts: Mapping[str, Any]) -> dict[str, object]:
    """Two and four numbers always: what is whole goes from the first to the last. Readers take a field's type from the
    first samples, and an empty list or null there would refuse the numbers of later ones.
    """
    whole = 0, facts.get("frame_count", -1)
    frame = 0, facts.get("width", -1), 0, facts.get("height", -1)
    return {"cut": list(cut or whole), "crop": list(crop or frame)}


def _as_told(inputs: pa.Table) -> pa.Table:
    told = {"given": inputs["source"]} | fates(inputs)
    return pa.table({name: told[name] if name in told else inputs[name] for name in INPUTS.names}).cast(INPUTS)


def _one(values: Iterable[str | None]) -> str | None:
    """What all say; with several words, all of them."""
    said = list(dict.fromkeys(value for value in values if value is not None))
    return "; ".join(said) if said else None
