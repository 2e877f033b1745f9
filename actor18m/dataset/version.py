"""A version of a dataset, to be read: all that it gives was checked against its manifest or its tables."""

import hashlib
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from actor18m.dataset import manifest
from actor18m.dataset.hashes import Hashes, trouble_with
from actor18m.dataset.manifest import Manifest, parse_manifest, unreadable
from actor18m.dataset.root import LATEST, Dataset, DatasetError, is_version
from actor18m.dataset.schemas import OF_VIDEOS, Family, families_in
from actor18m.errors import WrongUsage
from actor18m.storage.objects import refuse_no_bucket

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Version:
    dataset: Dataset
    name: str
    """Its folder's."""

    @staticmethod
    def open(url: str | Path) -> "Version":
        """The version at a URL or a path; the latest one, where there is a dataset; and the one that a name in a
        dataset leads to, such as `latest` or a tag. What is published later changes nothing of it.
        """
        text = str(url).rstrip("/")
        above, _, name = text.rpartition("/")
        if above and not above.endswith((":", ":/")):
            dataset = Dataset.at(above)
            pointed = dataset.place.pointer(name)
            found = Version(dataset, pointed if pointed is not None and is_version(pointed) else name)
            if found.is_there():
                return found
        dataset = Dataset.at(text)
        latest = Version.latest(dataset)
        if latest is None:
            refuse_no_bucket(dataset.place)
            raise WrongUsage(f"there is no version of a dataset at {text} (it has no {manifest.NAME}, and no {LATEST})")
        return latest

    @staticmethod
    def latest(dataset: Dataset) -> "Version | None":
        """None where nothing is published."""
        number = dataset.latest()
        return None if number is None else Version(dataset, number)

    @staticmethod
    def named(dataset: Dataset, name: str) -> "Version":
        """By its number, by a tag, or `latest`."""
        number = dataset.latest() if name == LATEST else name if is_version(name) else dataset.tags().get(name)
        known = dataset.names()
        if number is None or number not in known:
            raise WrongUsage(f"{dataset.url} has no version {name}; it has {', '.join(known) or 'none'}")
        return Version(dataset, number)

    def is_there(self) -> bool:
        with self.dataset.trouble():
            return self.dataset.place.exists(self.path(manifest.NAME))

    @property
    def url(self) -> str:
        return f"{self.dataset.url}/{self.name}"

    @cached_property
    def content(self) -> bytes:
        """Of its manifest."""
        try:
            return self.dataset.place.read(self.path(manifest.NAME))
        except FileNotFoundError as error:
            raise unreadable(self.url_of(manifest.NAME), "it is not there") from error

    @cached_property
    def manifest(self) -> Manifest:
        return parse_manifest(self.content, f"{self.url}/{manifest.NAME}")

    def path(self, name: str) -> str:
        """Of one of its files, from the dataset's folder."""
        where = name if name == manifest.NAME else self.manifest.where(name)
        return posixpath.normpath(f"{self.name}/{where}")

    def url_of(self, name: str) -> str:
        """Of one of its files."""
        return f"{self.dataset.url}/{self.path(name)}"

    @property
    def families(self) -> list[Family]:
        return families_in(name.partition("/")[0] for name in self.manifest.recipes)

    def urls(self, folder: str = OF_VIDEOS.folder) -> list[str]:
        """Of the shards of `videos`, or of `subset-A`: what a WebDataset loader takes."""
        return [self.url_of(name) for name in sorted(self.manifest.recipes) if name.startswith(f"{folder}/")]

    def read(self, name: str) -> bytes:
        """The bytes of one of its files, which are right."""
        with self.near([name]) as (path,):
            return path.read_bytes()

    @contextmanager
    def near(self, names: Sequence[str], hashes: Hashes | None = None) -> Iterator[list[Path]]:
        """Files of it on this machine, which are right: themselves, or copies that go when the block ends."""
        hashes = hashes or Hashes(self.dataset.place)
        with ExitStack() as stack, self.dataset.trouble():
            paths = []
            for name in names:
                path = self._near(name, hashes, stack)
                if isinstance(path, str):
                    raise DatasetError(
                        f"{self.url_of(name)} {path}. Put a copy of it back, or build again: the next version has it "
                        f"right. `actor18m verify {self.dataset.url}` looks for more."
                    )
                paths.append(path)
            yield paths

    @contextmanager
    def whole(self, names: Sequence[str]) -> Iterator[list[Path]]:
        """Likewise, without those that are damaged."""
        hashes = Hashes(self.dataset.place)
        with ExitStack() as stack, self.dataset.trouble():
            found = [self._near(name, hashes, stack) for name in names]
            yield [path for path in found if not isinstance(path, str)]

    def parts(self, table: str, prefix: str = "") -> list[str]:
        """The files of a table."""
        return [name for name in self.manifest.files if name.startswith(f"metadata/{table}/{prefix}")]

    def table(self, name: str, columns: Sequence[str] | None = None) -> pa.Table:
        """`clips`, `references`, `inputs`, `decisions` or `aliases`, or some columns of it."""
        parts = self.parts(name)
        if not parts:
            known = sorted({path.split("/")[1] for path in self.manifest.files if path.startswith("metadata/")})
            raise WrongUsage(f"{self.url} has no table {name}; it has {', '.join(known)}")
        with self.near(parts) as paths:
            tables = [pq.read_table(path, columns=columns) for path in paths]
        return pa.concat_tables(tables, promote_options="default")

    def sample(self, key: str) -> dict[str, bytes]:
        """The files of a clip or an image by suffix, such as `mp4` and `json`: only their bytes are read. The first
        one asked for reads where all are.
        """
        family, row = self._placed(key)
        places = {
            suffix: (row[f"{member}_offset"], row[f"{member}_size"])
            for suffix, member in zip(family.suffixes, family.members, strict=True)
            if row[f"{member}_offset"] is not None
        }
        # A sample's files are neighbours, so one request has them all.
        begin = min(offset for offset, _ in places.values())
        end = max(offset + size for offset, size in places.values())
        with self.dataset.trouble():
            content = self.dataset.place.read_part(self.path(row["shard"]), begin, end - begin)
        found = {suffix: content[offset - begin :][:size] for suffix, (offset, size) in places.items()}
        first = family.suffixes[0]
        if hashlib.sha256(found[first]).hexdigest() != row["sha256"]:
            raise DatasetError(
                f"{self.url_of(row['shard'])} is damaged: {key}.{first} in it is not the one that the table tells of. "
                "Build again: the next version has it right."
            )
        return found

    def _near(self, name: str, hashes: Hashes, stack: ExitStack) -> Path | str:
        """What is wrong with it, as the end of a sentence, where it is not right."""
        path, file = self.path(name), self.manifest.files[name]
        try:
            near = stack.enter_context(self.dataset.place.near(path))
        except FileNotFoundError:
            return "is missing"
        return trouble_with(hashes, path, file, near) or near

    def _placed(self, key: str) -> tuple[Family, Row]:
        for family in self.families:
            if family.part_prefix not in self._places:
                self._places[family.part_prefix] = self._where(family)
            where = self._places[family.part_prefix]
            at = pc.index(where[family.key], key).as_py()
            if at >= 0 and where["shard"][at].is_valid:
                row: Row = where.slice(at, 1).to_pylist()[0]
                return family, row
        raise WrongUsage(f"{self.url} has no clip and no image {key}: keys stand in its tables clips and references")

    def _where(self, family: Family) -> pa.Table:
        with self.near(self.parts(family.table, f"{family.part_prefix}-")) as paths:
            tables = [pq.read_table(path, columns=[family.key, *family.where.names]) for path in paths]
        return pa.concat_tables(tables)

    @cached_property
    def _places(self) -> dict[str, pa.Table]:
        return {}
