"""What is published of a subset's images: a row of the table for each, and a sample for those that are kept."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from actor18m.dataset.schemas import REFERENCES
from actor18m.ledger.rows import BESIDE
from actor18m.policy.rules import judge, withholding
from actor18m.publish.content import Part, Reference, Sample, without_nulls
from actor18m.publish.verdicts import fates
from actor18m.shortest import shortest
from actor18m.stage import PICTURE, UNAVAILABLE, Requests
from actor18m.survey.chain import Link
from actor18m.survey.images import KEPT, attempts_of
from actor18m.survey.project import Project
from actor18m.survey.snapshot import Record
from actor18m.survey.survey import Surveyed

NAME = "name"
_PROMPT = "prompt"
"""The column in which a maker says what its model was told; another attempt may be told something else."""

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
        lots = pc.unique(clips["lot"]).to_pylist()
        images = self._images.filter(pc.is_in(self._images["lot"], value_set=pa.array(lots, pa.int32())))
        for lot in sorted(set(images["lot"].to_pylist())):
            of_lot = clips.filter(pc.equal(clips["lot"], lot)).select(["clip", "licence", "consent", "uris"])
            about = {row["clip"]: row for row in of_lot.to_pylist()}
            for row, sample in self._of_lot(lot, images.filter(pc.equal(images["lot"], lot)), about):
                rows.append(row)
                samples.extend([sample] if sample is not None else [])
        rows.sort(key=lambda row: str(row["key"]))
        return Part(sorted(samples, key=lambda sample: sample.key), pa.Table.from_pylist(rows, schema=self._schema))

    @cached_property
    def tells(self) -> Mapping[str, str]:
        """What the stages that look at the subset's images say with yes or no, by column (`Stage.tells`)."""
        links = [link for link in self.project.stages.images if link.name in self._looking]
        return {column: words for link in links for column, words in link.stage_class.tells.items()}

    def _of_lot(self, lot: int, images: pa.Table, about: Mapping[str, Row]) -> Iterator[tuple[Row, Reference | None]]:
        """Each image's row, and its sample when it is kept. `images` have IMAGES, and where their rows are."""
        links = {name: self.record.links[name] for name in self._readable}
        read = {name: self._rows(link, lot, images) for name, link in links.items()}
        of_fates = fates(images)
        for number, image in enumerate(images.to_pylist()):
            maker = self.record.links[image["maker"]]
            asked = read[image["asked_by"]].get((image["clip"], image["asked@"]), {})
            request = _request(self._requests(image["asked_by"]), asked, image["key"])
            made: Row = read[maker.name].get((image["key"], image["made@"]), {})
            seen = [read[name].get((image["key"], image.get(f"{name}@"))) or {} for name in self._looking]
            told = {**request, **made}
            for each in seen:
                told |= each
            clip = about[image["clip"]]
            row = {field.name: told.get(field.name) for field in self._fields} | {
                "key": image["key"],
                "clip": image["clip"],
                "lot": lot,
                "subset": self.subset,
                **{name: image[name] for name in ("state", "stage", "rule")},
                **{name: column[number].as_py() for name, column in of_fates.items()},
                **_whole_reason(image, (made, *seen)),
                "uri": clip["uris"][0],
                "source_key": image["source_image"],
                "candidate": image["candidate"],
                "attempts": self._attempts(maker, image, read[maker.name]),
                "licence": clip["licence"],
                "consent": clip["consent"],
                "maker": maker.name,
                "fingerprint": maker.fingerprint,
            }
            yield row, self._sample(maker, image, made, told) if image["state"] == KEPT else None

    def _sample(self, maker: Link, image: Row, made: Row, told: Row) -> Reference:
        shelf = maker.ledger(self.project.store).shelf("images", image["lot"], made[BESIDE["images"]])
        digests = {suffix: made[column] for suffix, column in PICTURE.items() if made.get(column) is not None}
        facts = {"clip": image["clip"], "subset": self.subset} | without_nulls(told, self._made)
        return Reference(image["key"], shelf, (image["key"], image["made@"]), digests, facts)

    def _attempts(self, maker: Link, image: Row, made: Mapping[tuple[str, str], Row]) -> list[Row]:
        """What the maker says of each of its attempts at an image, the first one first."""
        rows = (made.get((image["key"], digest)) for digest in attempts_of(image))
        return [
            {"candidate": number, **{name: row.get(name) for name in self._of_attempts}}
            for number, row in enumerate(rows, start=1)
            if row is not None
        ]

    def _rows(self, link: Link, lot: int, images: pa.Table) -> dict[tuple[str, str], Row]:
        """By key and input digest, rows of one lot that these images stand on: without masks where rules say so."""
        if lot not in self.record.files[link.name]:
            return {}
        asks = link.stage_class.requests
        columns = [asks.column] if asks is not None else link.stage_class.writes.columns.names
        rows = link.ledger(self.project.store).read_lot(self.record.files[link.name][lot], columns, with_beside=True)
        if link.stage_class.of == "requests":
            told = images.select(["key", "made@", "candidate"]).to_pylist()
            wanted = pa.array([f"{each['key']}/{row}" for each in told for row in attempts_of(each)], pa.string())
        else:
            key, digest = ("clip", "asked@") if asks else ("key", f"{link.name}@")
            wanted = pc.binary_join_element_wise(images[key], images[digest], "/").drop_null()
        about = pc.binary_join_element_wise(rows["key"], rows["input_digest"], "/")
        rows = rows.filter(pc.is_in(about, value_set=pc.unique(wanted)))
        if rules := withholding(link.rules):
            column = PICTURE["mask.png"]
            digests = pc.if_else(judge(rows, rules)["passed"], rows[column], None)
            rows = rows.set_column(rows.column_names.index(column), column, digests)
        return {(row["key"], row["input_digest"]): row for row in shortest(rows).to_pylist()}

    @cached_property
    def _images(self) -> pa.Table:
        """IMAGES of the subset."""
        branch = next(each for each in self.project.stages.branches if each.subset == self.subset)
        every = self.surveyed.images_of(branch)
        if self.project.pipeline.publish.images == "kept":
            every = every.filter(pc.equal(every["state"], KEPT))
        return every

    @property
    def _makers(self) -> Sequence[str]:
        return self.project.pipeline.subsets[self.subset].references

    @cached_property
    def _looking(self) -> list[str]:
        """Stages of images that look at the subset's."""
        return _looking(self.project, self._makers)

    @cached_property
    def _askers(self) -> list[str]:
        return _asking(self.project, self._makers)

    @property
    def _readable(self) -> Collection[str]:
        """Of all stages that tell something of the subset's images."""
        return [name for name in (*self._askers, *self._makers, *self._looking) if name in self.record.links]

    def _requests(self, asker: str) -> Requests:
        requests = self.record.links[asker].stage_class.requests
        assert requests is not None
        return requests

    @cached_property
    def _made(self) -> list[pa.Field]:
        """What is known of an image as soon as it is made."""
        return _of_making(self.project, self._makers)

    @cached_property
    def _fields(self) -> list[pa.Field]:
        """The table's, the same for all subsets: what is known of an image as it is made, and what others see in it."""
        makers = [link.name for link in self.project.stages.images if link.stage_class.of == "requests"]
        links = {link.name: link for link in self.project.stages.images}
        seen = [field for name in _looking(self.project, makers) for field in links[name].stage_class.writes.columns]
        return _each_once([*_of_making(self.project, makers), *seen])

    @cached_property
    def _schema(self) -> pa.Schema:
        told = [pa.field("candidate", pa.int32()), *(pa.field(*each) for each in self._of_attempts.items())]
        attempts = pa.field("attempts", pa.list_(pa.struct(told)))
        return pa.schema([*REFERENCES, attempts, *(field.with_nullable(True) for field in self._fields)])

    @cached_property
    def _of_attempts(self) -> dict[str, pa.DataType]:
        """Columns in which makers tell of an attempt: numbers, its seed among them, and its prompt."""
        makers = [link for link in self.project.stages.images if link.stage_class.of == "requests"]
        return {
            field.name: field.type
            for link in makers
            for field in link.stage_class.writes.columns
            if pa.types.is_floating(field.type) or pa.types.is_int64(field.type) or field.name == _PROMPT
        }


def _looking(project: Project, makers: Collection[str]) -> list[str]:
    links = project.stages.images
    return [link.name for link in links if link.stage_class.of == "images" and {*link.of} & {*makers}]


def _asking(project: Project, makers: Collection[str]) -> list[str]:
    links = project.stages.images
    return list(dict.fromkeys(asker for link in links if link.name in makers for asker in link.of))


def _of_making(project: Project, makers: Collection[str]) -> list[pa.Field]:
    """What was asked for, and what the maker tells."""
    links = {link.name: link for link in project.links}
    told = []
    for name in _asking(project, makers):
        requests = links[name].stage_class.requests if name in links else None
        if requests is not None:
            hidden = (NAME, *requests.private)
            told += [field for field in _of_requests(links[name], requests) if field.name not in hidden]
    told += [field for name in makers for field in links[name].stage_class.writes.columns]
    return _each_once(field for field in told if field.name != PICTURE["webp"])


def _whole_reason(image: Row, rows: Sequence[Row]) -> Row:
    """`why` of an image that cannot be made: all that its maker says of it."""
    said = [row["error"] for row in rows if row.get("error_kind") == UNAVAILABLE and row["error"]]
    return {"why": f"{image['stage']}: {said[-1]}"} if image["state"] == UNAVAILABLE and said else {}


def _request(requests: Requests, row: Row, key: str) -> Row:
    """What may be told of the one that asks for an image, in the row that asks: a field that is for its maker alone may
    be called like another that is published of other images."""
    name = key.partition("-")[2]
    asked: Row = next((each for each in row.get(requests.column) or () if each[NAME] == name), {})
    return {field: value for field, value in asked.items() if field not in requests.private}


def _of_requests(link: Link, requests: Requests) -> list[pa.Field]:
    return list(link.stage_class.writes.columns.field(requests.column).type.value_type)


def _each_once(fields: Iterator[pa.Field] | Sequence[pa.Field]) -> list[pa.Field]:
    return list({field.name: field for field in fields}.values())
