"""What is published of a subset's images: a row of the table and a sample for each, of the clips that are accepted."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from actor18m.build import Project
from actor18m.chain import Link
from actor18m.keys import reference_key
from actor18m.pipeline import Subset
from actor18m.publish.content import REFERENCES, Part, Reference, Sample
from actor18m.record import Record
from actor18m.rows import BESIDE, about
from actor18m.shortest import shortest
from actor18m.survey import ACCEPTED, Surveyed

NAME, SHA256 = "name", "sha256"
"""Fields of each image that its stage writes; `sha256` stands in the table as of what is published."""

UNKNOWN = "unknown"

Row = Mapping[str, Any]


@dataclass(frozen=True)
class References:
    """Of one subset and one block of lots."""

    project: Project
    record: Record
    surveyed: Surveyed
    subset: str

    def part(self, clips: pa.Table) -> Part:
        """Of these rows of the table of clips."""
        samples: list[Sample] = []
        rows: list[Row] = []
        accepted = clips.filter(pc.equal(clips["state"], ACCEPTED))
        for lot in sorted(set(accepted["lot"].to_pylist())):
            of_lot = accepted.filter(pc.equal(accepted["lot"], lot)).select(
                ["clip", "lot", "licence", "consent", "uris"]
            )
            told = {row["clip"]: row for row in of_lot.to_pylist()}
            labels = {row["key"]: row["labels"] for row in self._rows(self._labelling, lot, "labels")}
            for made in self._rows(self._making, lot, "references"):
                if (clip := told.get(made["key"])) is not None:
                    for row, sample in self._images(clip, made, labels.get(made["key"], [])):
                        rows.append(row)
                        samples.append(sample)
        rows.sort(key=lambda row: str(row["key"]))
        return Part(sorted(samples, key=lambda sample: sample.key), pa.Table.from_pylist(rows, schema=self._schema))

    def _images(self, clip: Row, made: Row, labels: list[Row]) -> Iterator[tuple[Row, Reference]]:
        by_name = {label[NAME]: label for label in labels}
        link = self._making
        shelf = link.ledger(self.project.store).shelf("images", clip["lot"], made[BESIDE["images"]])
        for image in made["references"]:
            if reference_key(clip["clip"], image[NAME]) in self._denied or image[SHA256] in self._denied:
                continue
            told = image | by_name.get(image[NAME], {})
            row = {field.name: told.get(field.name) for field in self._fields} | {
                "key": reference_key(clip["clip"], image[NAME]),
                "clip": clip["clip"],
                "lot": clip["lot"],
                "subset": self.subset,
                "uri": clip["uris"][0],
                "licence": clip["licence"],
                "consent": clip["consent"],
                "stage": link.name,
                "fingerprint": link.fingerprint,
            }
            facts = {"clip": row["clip"], "subset": row["subset"]} | _without_nulls(image, self._made)
            digests = {"webp": image[SHA256], "mask.png": image[f"mask_{SHA256}"]}
            yield row, Reference(row["key"], shelf, (made["key"], made["input_digest"]), image[NAME], digests, facts)

    def _rows(self, link: Link | None, lot: int, column: str) -> list[Row]:
        """Those that decided, of one lot."""
        if link is None or lot not in self.record.files[link.name]:
            return []
        rows = link.ledger(self.project.store).read_lot(self.record.files[link.name][lot], [column], with_beside=True)
        holds = self._decided[link.name]
        found: list[Row] = shortest(rows.select(["key", "input_digest", BESIDE["images"], column])).to_pylist()
        return [row for row in found if holds.get(row["key"]) == row["input_digest"]]

    @cached_property
    def _decided(self) -> Mapping[str, Mapping[str, str]]:
        """stage -> key -> input digest."""
        links = [link.name for link in (self._making, self._labelling) if link is not None]
        tables = {name: self.surveyed.measured[name] for name in links}
        return {name: dict(about(rows)) for name, rows in tables.items()}

    @cached_property
    def _denied(self) -> frozenset[str]:
        """Keys of images, and what they are by content: another choice of images may number them otherwise."""
        words = [word for word in self.project.words.in_force if word.is_of_image]
        return frozenset(each for word in words for each in (word.of, *word.images))

    @cached_property
    def _making(self) -> Link:
        return self.record.links[self._subset.references or ""]

    @cached_property
    def _labelling(self) -> Link | None:
        return self.record.links[self._subset.labels] if self._subset.labels else None

    @property
    def _subset(self) -> Subset:
        return self.project.pipeline.subsets[self.subset]

    @cached_property
    def _fields(self) -> list[pa.Field]:
        """What the stages tell of an image."""
        told = [*_told(self._making, "references"), *(_told(self._labelling, "labels") if self._labelling else [])]
        return [field for field in told if field.name not in (NAME, SHA256)]

    @cached_property
    def _schema(self) -> pa.Schema:
        return pa.schema([*REFERENCES, *(field.with_nullable(True) for field in self._fields)])

    @cached_property
    def _made(self) -> list[pa.Field]:
        """What the stage that made an image tells of it."""
        return [field for field in _told(self._making, "references") if field.name not in (NAME, SHA256)]


def _without_nulls(image: Row, fields: Sequence[pa.Field]) -> dict[str, Any]:
    """For a sample's JSON, in which readers expect the same fields of the same types each time: where nothing is known
    stand 0, false or no text, and `unknown` has the names of these fields."""
    unknown = [field.name for field in fields if image[field.name] is None]
    told = {field.name: _nothing(field.type) if field.name in unknown else image[field.name] for field in fields}
    return told | {UNKNOWN: " ".join(unknown)}


def _nothing(kind: pa.DataType) -> object:
    if pa.types.is_floating(kind):
        return 0.0
    if pa.types.is_integer(kind):
        return 0
    if pa.types.is_boolean(kind):
        return False
    return [] if pa.types.is_list(kind) else ""


def _told(link: Link, column: str) -> list[pa.Field]:
    return list(link.stage_class.writes.columns.field(column).type.value_type)
