"""Columns of stages in the table of clips, as the pipeline asks for them: `select.golden` is `select_golden` there; and
those that are told in a clip's JSON, too.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from actor18m.survey.chain import Link
from actor18m.survey.project import Project
from actor18m.survey.snapshot import Record
from actor18m.survey.survey import Surveyed


@dataclass(frozen=True)
class Columns:
    """Of one block of lots."""

    project: Project
    record: Record
    surveyed: Surveyed

    def added(self, clips: pa.Table) -> pa.Table:
        """To rows of the table of clips; null where a clip never came so far."""
        for stage, names in _by_stage(self.project.pipeline.publish.columns).items():
            link = self.record.links[stage]
            written = [name for name in names if name in link.stage_class.writes.columns.names]
            values = dict(self._rows(link, written, clips)) if written else {}
            values |= {name: self._compared(stage, name, clips) for name in names if name not in written}
            for name in names:
                clips = clips.append_column(f"{stage}_{name}", values[name])
        return clips

    def facts(self, clips: pa.Table) -> pa.Table:
        """Of these clips, in their order: what stages measured that is told in a clip's JSON. Null where a clip never
        came so far, which no accepted one is.
        """
        told: dict[str, pa.ChunkedArray] = {}
        for stage, names in _by_stage(self.project.pipeline.publish.facts).items():
            told |= {f"{stage}_{name}": values for name, values in self._rows(self.record.links[stage], names, clips)}
        return pa.table(told)

    def _rows(self, link: Link, names: list[str], clips: pa.Table) -> Iterator[tuple[str, pa.ChunkedArray]]:
        """Of the rows that decided."""
        files, ledger = self.record.files[link.name], link.ledger(self.project.store)
        lots = [ledger.read_lot(files[lot], names) for lot in pc.unique(clips["lot"]).to_pylist() if lot in files]
        rows = pa.concat_tables([link.stage_class.writes.table([], {}), *lots], promote_options="default")
        measured = self.surveyed.measured[link.name]
        digests = measured["input_digest"].take(_places(clips["clip"], measured["key"]))
        wanted = pc.binary_join_element_wise(clips["clip"], digests, "/")
        found = rows.take(_places(wanted, pc.binary_join_element_wise(rows["key"], rows["input_digest"], "/")))
        for name in names:
            yield name, found[name]

    def _compared(self, stage: str, rule: str, clips: pa.Table) -> pa.ChunkedArray:
        measured = self.surveyed.measured[stage]
        values = measured[rule].take(_places(clips["clip"], measured["key"]))
        is_plain = pa.types.is_boolean(values.type) or pa.types.is_string(values.type)
        return values if is_plain else values.cast(pa.float64())


def _by_stage(asked: Sequence[str]) -> Mapping[str, list[str]]:
    """stage -> columns, or rules of which the value is meant."""
    by_stage: dict[str, list[str]] = {}
    for each in asked:
        stage, _, name = each.partition(".")
        by_stage.setdefault(stage, []).append(name)
    return by_stage


def _places(wanted: pa.ChunkedArray, among: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.index_in(wanted, value_set=among.combine_chunks())
