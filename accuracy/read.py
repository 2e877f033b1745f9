"""What became of each clip of a set, and what was measured of it, as the project's own code reads the store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from accuracy.sets import Filmed
from actor18m.arrays import Floats
from actor18m.config.pipeline import Pipeline
from actor18m.errors import ActorError
from actor18m.ledger.attachments import files_of_row
from actor18m.ledger.rows import BESIDE, about
from actor18m.storage.store import Store
from actor18m.survey.admission import PENDING
from actor18m.survey.chain import Link
from actor18m.survey.project import Project
from actor18m.survey.snapshot import Record
from actor18m.survey.survey import ACCEPTED, DUPLICATE

Told = Mapping[str, Any]
COLUMNS = ("id", "lot", "uri")


@dataclass(frozen=True)
class Fate:
    """What a policy makes of a clip."""

    state: str
    by: str
    """`motion.cut`, `intake.truncated`, `intake.duplicate`, or nothing for an accepted one."""
    value: str | None
    bound: str | None
    clip: str | None
    repeats: str | None
    """Key of the clip that it is a duplicate of."""


@dataclass(frozen=True)
class Seen:
    """A clip, what each policy makes of it, and its rows by stage."""

    filmed: Filmed
    fates: Mapping[str, Fate]
    rows: Mapping[str, Told]
    vectors: Floats | None = None
    """float32[N, D] of identity's surest faces in their order, where there are any."""

    @property
    def times_s(self) -> Sequence[float]:
        """Of the samples that stages after motion number."""
        return self.rows["motion"]["frame_times"] if "motion" in self.rows else ()


def read(
    store: Store, clips: Sequence[Filmed], policies: Mapping[str, Pipeline], rows_of: Pipeline, until: str | None = None
) -> list[Seen]:
    fates = {name: fates_of(Project(pipeline, store, until=until)) for name, pipeline in policies.items()}
    project = Project(rows_of, store, until=until)
    rows, vectors = rows_by_uri(project), vectors_by_uri(project)
    return [
        Seen(
            clip,
            {name: each[clip.uri] for name, each in fates.items()},
            rows.get(clip.uri, {}),
            vectors.get(clip.uri),
        )
        for clip in clips
    ]


def fates_of(project: Project) -> dict[str, Fate]:
    """By URI."""
    found = {}
    for _, surveyed in project.record().surveyed(COLUMNS):
        for row in surveyed.inputs.to_pylist():
            if row["state"] == PENDING:
                raise ActorError(f"{row['uri']}: {row['stage']} is not measured for {project.pipeline.name}; run again")
            found[row["uri"]] = Fate(
                row["state"], _by(row), row["value"], row["bound"], row["clip"], row["duplicate_of"]
            )
    return found


def _by(row: Told) -> str:
    if row["state"] == ACCEPTED:
        return ""
    last = DUPLICATE if row["state"] == DUPLICATE else row["rule"] or row["error_kind"] or row["state"]
    return f"{row['stage']}.{last}"


def rows_by_uri(project: Project) -> dict[str, dict[str, Told]]:
    """URI -> stage -> the row that decided there."""
    record, told = project.record(), dict[str, dict[str, Told]]()
    for block, surveyed in record.surveyed(COLUMNS):
        uris = surveyed.inputs["uri"].to_pylist()
        for link in project.chain:
            measured = surveyed.measured[link.name].select(["number", "key", "input_digest"]).to_pylist()
            rows = _rows(record, project.store, link, block.lots)
            for each in measured:
                told.setdefault(uris[each["number"]], {})[link.name] = rows[each["key"], each["input_digest"]]
    return told


def vectors_by_uri(project: Project) -> dict[str, Floats]:
    """Of each clip with a face what identity kept of its faces."""
    record, found = project.record(), dict[str, Floats]()
    if "identity" not in record.links:
        return found
    ledger = record.links["identity"].ledger(project.store)
    for block, surveyed in record.surveyed(COLUMNS):
        uris = surveyed.inputs["uri"].to_pylist()
        measured = surveyed.measured["identity"].select(["number", "key", "input_digest"]).to_pylist()
        uri_of = {(each["key"], each["input_digest"]): uris[each["number"]] for each in measured}
        for lot in block.lots:
            if lot not in record.files["identity"]:
                continue
            rows = ledger.read_lot(record.files["identity"][lot], ["faces"], with_beside=True)
            beside = rows[BESIDE["restricted"]].to_pylist()
            for row, digest, faces in zip(about(rows), beside, rows["faces"].to_pylist(), strict=True):
                if digest is None:
                    continue
                kept = files_of_row(ledger.shelf("restricted", lot, digest), *row).get("embeddings", b"")
                if kept and row in uri_of:
                    surest = sum(face["rank"] == 0 for face in faces)
                    found[uri_of[row]] = np.frombuffer(kept, "<f4").reshape(surest, -1)
    return found


def _rows(record: Record, store: Store, link: Link, lots: range) -> dict[tuple[str, str], Told]:
    ledger = link.ledger(store)
    tables = [ledger.read_lot(files) for lot, files in record.files[link.name].items() if lot in lots]
    if not tables:
        return {}
    table = pa.concat_tables(tables)
    return {(row["key"], row["input_digest"]): row for row in table.filter(pc.equal(table["state"], "ok")).to_pylist()}
