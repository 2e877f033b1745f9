"""README.md of a version: what is in it, what became of the rest, and how to read it."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from actor18m.amounts import amount
from actor18m.log import printable
from actor18m.publish.bill import models_told
from actor18m.publish.content import Block, Part, Reference
from actor18m.survey.following import REJECTED
from actor18m.survey.images import KEPT

_MARKUP = re.compile(r"[\\|`*\[\]!]")
_NOT_STATED = "not stated"
_TABLES = ("clips", "inputs", "decisions")

WEBDATASET = "webdataset"
READING = {
    "DuckDB": """\
import duckdb
clips = duckdb.sql("SELECT * FROM 'latest/metadata/clips/*.parquet'")
print(clips.aggregate("state, count(*)"))
""",
    "Polars": """\
import polars as pl
clips = pl.read_parquet("latest/metadata/clips/*.parquet")
print(clips["state"].value_counts())
""",
    "pandas": """\
import pandas as pd
clips = pd.read_parquet("latest/metadata/clips")
print(clips["state"].value_counts())
""",
    WEBDATASET: """\
import webdataset
shards = [f"latest/{line.strip()}" for line in open("latest/videos.urls")]
for sample in webdataset.WebDataset(shards, shardshuffle=False):
    print(sample["__key__"], len(sample["mp4"]), sample["json"])
""",
}
OF_SUBSET = """\
import webdataset
shards = [f"latest/{{line.strip()}}" for line in open("latest/subset-{name}.urls")]
for sample in webdataset.WebDataset(shards, shardshuffle=False):
    print(sample["__key__"], len(sample["webp"]), {mask}sample["json"])
"""
"""Run in the dataset's folder."""
_READS_MASK = 'len(sample["mask.png"]), '
_MAY_READ_MASK = 'len(sample.get("mask.png", b"")), '


@dataclass
class _References:
    """Counts images of one subset while blocks go by."""

    images: int = 0
    """That are in its shards."""
    masks: int = 0
    """Of these that have one of the person."""
    clips: int = 0
    """Of which these are: all images of one come with the same block."""
    views: Counter[str] = field(default_factory=Counter)
    """Of these by region and viewpoint."""
    became: Counter[str] = field(default_factory=Counter)
    """Of all that the table tells of, what became of them."""
    without: Counter[str] = field(default_factory=Counter)
    """Clips that have none, by why."""
    told: Counter[tuple[str, str, bool | None]] = field(default_factory=Counter)
    """Of those in the shards, by what stages tell, by kind (the third word of keys), and by whether it is true;
    None where that is not known."""

    def add(self, part: Part, tells: Mapping[str, str]) -> None:
        published = {sample.key for sample in part.samples}
        self.images += len(published)
        self.masks += sum(isinstance(each, Reference) and "mask.png" in each.digests for each in part.samples)
        self.clips += len({sample.clip for sample in part.samples})
        columns = part.rows.column_names
        # what was asked for or, where no view was, what is seen
        if told := [name for name in ("viewpoint", "seen_viewpoint") if name in columns]:
            for key, *views in _rows(part.rows, "key", *told):
                if key in published:
                    self.views[" ".join(filter(None, (key.split("-")[1], next(filter(None, views), None))))] += 1
        for key, state, stage, rule in _rows(part.rows, "key", "state", "stage", "rule"):
            by = "by" if state == REJECTED else "in"
            place = ".".join(filter(None, (stage, rule)))
            left_out = ", and not published" if state == KEPT and key not in published else ""
            self.became[f"{state} {by} {place}" if place else f"{state}{left_out}"] += 1
        for column, words in tells.items():
            for key, is_so in _rows(part.rows, "key", column) if column in columns else ():
                if key in published:
                    self.told[words, key.split("-")[2], is_so] += 1

    def files(self) -> str:
        """Of one image, in words."""
        if self.masks == self.images:
            return "`<key>.webp` with the person's mask `<key>.mask.png`"
        return "`<key>.webp`" + (f", of {self.masks:,} with the person's mask `<key>.mask.png`" if self.masks else "")

    def reading(self, name: str) -> str:
        some = _MAY_READ_MASK if self.masks else ""
        return OF_SUBSET.format(name=name, mask=_READS_MASK if self.masks == self.images else some)

    def lines(self) -> Iterable[str]:
        yield f"{amount(self.images, 'image')} of {amount(self.clips, 'clip')}.\n"
        yield from _table("region and viewpoint", "images", self.views)
        for words in dict.fromkeys(words for words, *_ in self.told):
            kinds = [kind for of_words, kind, _ in self.told if of_words == words]
            yield f"Of these, {words}:\n"
            yield from _table("kind", "images", {kind: self._of_kind(words, kind) for kind in kinds})
        if self.became.keys() - {KEPT}:
            yield f"What became of {amount(self.became.total(), 'image that was', 'images that were')} asked for:\n"
            yield from _table("state", "images", self.became)
        if self.without:
            yield f"{amount(self.without.total(), 'clip')} without images of this subset:\n"
            yield from _table("why", "clips", self.without)

    def _of_kind(self, words: str, kind: str) -> str:
        yes, no, unknown = (self.told[words, kind, is_so] for is_so in (True, False, None))
        return f"{yes} of {yes + no}" + (f"; of {unknown} more nothing is known" if unknown else "")


class Card:
    """Counts while blocks go by."""

    def __init__(self) -> None:
        self._videos = 0
        self._inputs: Counter[str] = Counter()
        self._errors: Counter[str] = Counter()
        self._clips: Counter[str] = Counter()
        self._licences: Counter[str] = Counter()
        self._consents: Counter[str] = Counter()
        self._judged: Counter[str] = Counter()
        self._passed: Counter[str] = Counter()
        self._stopped: Counter[str] = Counter()
        self._references: dict[str, _References] = {}
        """By subset."""

    def add(self, block: Block) -> None:
        self._videos += len(block.videos)
        self._inputs.update(block.inputs["state"].to_pylist())
        self._errors.update(each for each in block.inputs["error_kind"].to_pylist() if each is not None)
        self._clips.update(block.clips["state"].to_pylist())
        published = {video.clip for video in block.videos}
        for clip, licence, consent in _rows(block.clips, "clip", "licence", "consent"):
            if clip in published:
                self._licences[licence or _NOT_STATED] += 1
                self._consents[consent or _NOT_STATED] += 1
        for name, part in block.subsets.items():
            self._references.setdefault(name, _References()).add(part, block.tells.get(name, {}))
        for without in block.clips["without_images"].to_pylist():
            for each in without or ():
                self._references.setdefault(each["subset"], _References()).without[each["why"]] += 1
        for stage, rule, passed in _rows(block.decisions, "stage", "rule", "passed"):
            self._judged[f"{stage}.{rule}"] += 1
            self._passed[f"{stage}.{rule}"] += passed
        for state, stage, rule in _rows(block.clips, "state", "stage", "rule"):
            if state == "rejected":
                self._stopped[f"{stage}.{rule}" if stage and rule else rule or _NOT_STATED] += 1

    def text(self, facts: Mapping[str, str]) -> str:
        return "\n".join(self._lines(facts))

    def _lines(self, facts: Mapping[str, str]) -> Iterable[str]:
        yield from _front_matter([*_TABLES, *(["references"] if self._references else [])])
        yield "# A dataset of human videos, made by actor18m\n"
        videos, clips = amount(self._videos, "video"), amount(sum(self._clips.values()), "clip")
        yield f"{videos} of {clips} from {amount(sum(self._inputs.values()), 'input')}.\n"
        yield "## What became of the inputs\n"
        yield from _table("state", "inputs", self._inputs)
        if self._errors:
            yield "Why inputs failed:\n"
            yield from _table("kind of error", "inputs", self._errors)
        yield "## What became of the clips\n"
        yield from _table("state", "clips", self._clips)
        yield from self._funnel()
        for name, references in self._references.items():
            yield f"## References of subset {name}\n"
            yield from references.lines()
        yield "## Rights\n"
        yield "Of the published videos. Each clip has its own in `metadata/clips`; where several sources had the same"
        yield "clip, the strictest licence counts.\n"
        yield from _table("licence", "videos", self._licences)
        yield from _table("consent", "videos", self._consents)
        yield from _made_with(facts)
        yield from _how_to_read(self._references, self._videos > 0)

    def _funnel(self) -> Iterable[str]:
        """In the order in which rules were first judged, which is the pipeline's."""
        rules = list(dict.fromkeys([*self._judged, *sorted(self._stopped)]))
        if not rules:
            return
        yield "Rules run in this order, and a clip stops at the first that it fails:\n"
        yield "| rule | judged | passed | stopped here |"
        yield "|---|---|---|---|"
        for rule in rules:
            yield f"| {_cell(rule)} | {self._judged[rule]} | {self._passed[rule]} | {self._stopped[rule]} |"
        yield ""


def _front_matter(tables: Iterable[str]) -> Iterable[str]:
    """By which Hugging Face's `load_dataset` takes each table for itself: together, their columns contradict."""
    yield "---"
    yield "configs:"
    for number, name in enumerate(tables):
        yield f"- config_name: {name}"
        yield f"  data_files: metadata/{name}/*.parquet"
        if number == 0:
            yield "  default: true"
    yield "---\n"


def _made_with(facts: Mapping[str, str]) -> Iterable[str]:
    """Models by which it was measured and made; images that were made are under their terms, too."""
    if models := list(models_told(facts)):
        yield "## Models\n"
        yield "By which this was measured and made, and under which terms they are, for money; `manifest.json` has the"
        yield "whole digests of their weights and parameters.\n"
        yield "| model | plays | digest | code | weights | trained on |"
        yield "|---|---|---|---|---|---|"
        for model in models:
            yield f"| {' | '.join(map(_cell, model))} |"
        yield ""


def _how_to_read(subsets: Mapping[str, _References], has_videos: bool) -> Iterable[str]:
    there = {name: references for name, references in subsets.items() if references.images}
    yield "## How to read it\n"
    yield "- `videos/*.tar`: WebDataset shards. `<clip>.mp4` holds the pictures alone, without sound and tags;"
    yield "  `<clip>.json` holds what was measured of the file, `source_caption`, and what the pipeline asks for."
    yield "- `metadata/inputs`, `metadata/clips`, `metadata/decisions`: Parquet, one row for each input, clip, and rule"
    yield "  that was judged. `shard`, `mp4_offset` and `mp4_size` of a clip say where the bytes of its video are, and"
    yield "  `video_encoding` whether its pictures are `copied` from the source or `encoded` anew: cuts, crops, and"
    yield "  what players turn (`rotation` is the source's) or MP4 does not hold. All videos are upright."
    for name, references in there.items():
        yield f"- `subset-{name}/*.tar`: images of the people, {references.files()};"
        yield "  `<key>.json` holds what was measured. `metadata/references` has a row for each with its place."
    yield "- `metadata/aliases`, where there is one: which `identity_id` stands now for a former one, since the clips"
    yield "  of both turned out to be one person's."
    yield "- Hugging Face's `load_dataset(folder, \"clips\")` takes the table `clips` of a version's folder; so with"
    yield "  the other tables."
    yield "- `videos.urls` and the like: the shards of a folder, one a line, relative to the list. In an object store"
    yield "  they lie beside the versions, and `latest` is an object with a version's number."
    yield "- `pipeline.yaml`: how it was made. `manifest.json`: every file with its SHA-256.\n"
    yield "In the folder that holds the versions (while a build may publish, name the version instead of `latest`):\n"
    for name, code in READING.items():
        if has_videos or name != WEBDATASET:  # which reads no shards at all as a mistake
            yield f"{name}:\n\n```python\n{code}```\n"
    for name, references in there.items():
        yield f"webdataset, subset {name}:\n\n```python\n{references.reading(name)}```\n"


def _rows(table: pa.Table, *columns: str) -> Iterable[tuple[Any, ...]]:
    return zip(*(table[column].to_pylist() for column in columns), strict=True)


def _table(what: str, of: str, counts: Mapping[str, object]) -> Iterable[str]:
    yield f"| {what} | {of} |"
    yield "|---|---|"
    for name, count in sorted(counts.items()):
        yield f"| {_cell(name)} | {count} |"
    yield ""


def _cell(text: str) -> str:
    """Licences are free text of the sources: no markup, no links, and nothing that steers a terminal."""
    return _MARKUP.sub(r"\\\g<0>", printable(" ".join(text.split()))).replace("<", "&lt;")
