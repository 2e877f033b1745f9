"""What a stage is given: clips and images, put together from the rows and pictures of the stages before it."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from actor18m.errors import ActorError
from actor18m.execute.messages import Duty, Read, Task, Todo
from actor18m.ledger.attachments import Shelf, files_of_rows
from actor18m.ledger.ledger import LotFiles
from actor18m.ledger.rows import BESIDE
from actor18m.stage import Clip, Image, Stage

Unit = Clip | Image

_FOLDED = 8


@dataclass(frozen=True)
class _Found:
    """A row of an earlier stage, and what is beside it."""

    values: Mapping[str, Any]
    images: str | None
    """The file with its images, by its digest."""


class Units:
    """Reads what one stage is given."""

    def __init__(self, duty: Duty, stage: Stage[Any]) -> None:
        self._duty, self._stage = duty, stage
        self._folded: OrderedDict[tuple[str, LotFiles], pa.Table] = OrderedDict()
        """The last ones that were read."""

    def of(self, *tasks: Task) -> list[Unit]:
        """What the stage is given, in the order of the tasks. Files that several of them name are read once."""
        rows: dict[Read, _Found] = {}
        wanted: dict[tuple[str, LotFiles], set[Read]] = {}
        for task in tasks:
            for todo in task.todos:
                for read in todo.all_reads:
                    files = task.files[read.stage, read.lot]
                    wanted.setdefault((read.stage, files), set()).add(read)
        for (stage, files), reads in wanted.items():
            rows |= self._rows(stage, files, reads)
        todos = [todo for task in tasks for todo in task.todos]
        pictures = self._pictures(todos, rows)
        return [self._unit(todo, rows, pictures) for todo in todos]

    def _unit(self, todo: Todo, rows: Mapping[Read, _Found], pictures: Mapping[Read, Mapping[str, bytes]]) -> Unit:
        needed = {each.writes.name: columns for each, columns in self._stage.needs.items()}
        upstream = {read.stage: {name: rows[read].values[name] for name in needed[read.stage]} for read in todo.reads}
        if todo.image is None:
            return Clip(todo.key, todo.uri, todo.cut, todo.crop, upstream)
        about_images = {needed.writes.name for needed in self._stage.needs if needed.of != "clips"}
        clip, _, name = todo.key.partition("-")
        of_clip = {stage: values for stage, values in upstream.items() if stage not in about_images}
        return Image(
            key=todo.key,
            clip=Clip(clip, todo.uri, todo.cut, todo.crop, of_clip),
            request=self._request(todo.image.asked, name, rows),
            upstream={stage: values for stage, values in upstream.items() if stage in about_images},
            files={} if todo.image.made is None else pictures[todo.image.made],
            source={} if todo.image.source is None else pictures[todo.image.source],
            candidate=todo.image.candidate,
        )

    def _request(self, asked: Read | None, name: str, rows: Mapping[Read, _Found]) -> Mapping[str, Any]:
        if asked is None:
            return {}
        requests: Sequence[Mapping[str, Any]] = rows[asked].values[self._duty.requests[asked.stage]]
        return next(each for each in requests if each["name"] == name)

    def _pictures(self, todos: Sequence[Todo], rows: Mapping[Read, _Found]) -> Mapping[Read, Mapping[str, bytes]]:
        """The files of all images that are named. Those of one commit are read together."""
        about = [todo.image for todo in todos if todo.image is not None]
        pictures: dict[Read, Mapping[str, bytes]] = {}
        on_shelf: dict[Shelf, list[Read]] = {}
        for read in {read for image in about for read in (image.made, image.source) if read is not None}:
            pictures[read] = {}
            if (images := rows[read].images) is not None:
                shelf = self._duty.upstream[read.stage].shelf("images", read.lot, images)
                on_shelf.setdefault(shelf, []).append(read)
        for shelf, reads in on_shelf.items():
            found = files_of_rows(shelf, [(read.key, read.input_digest) for read in reads])
            pictures |= {read: found[read.key, read.input_digest] for read in reads}
        return pictures

    def _rows(self, stage: str, files: LotFiles, reads: set[Read]) -> dict[Read, _Found]:
        columns, table = self._columns[stage], self._table(stage, files)
        keys = pa.array({read.key for read in reads}, pa.string())
        found: dict[Read, _Found] = {}
        for row in table.filter(pc.is_in(table["key"], value_set=keys)).to_pylist():
            read = Read(stage, files.lot, row["key"], row["input_digest"])
            if read in reads:
                found[read] = _Found({column: row[column] for column in columns}, row[BESIDE["images"]])
        if lost := reads - found.keys():
            raise ActorError(
                f"stage {self._duty.stage}: the {stage} rows of {', '.join(sorted(r.key for r in lost))} have gone "
                "from the store while it was building. Run the same command again."
            )
        return found

    def _table(self, stage: str, files: LotFiles) -> pa.Table:
        """Rows of a lot. A fold has all of them, and many tasks ask for some: it is kept for a while."""
        if (stage, files) in self._folded:
            self._folded.move_to_end((stage, files))
            return self._folded[stage, files]
        table = self._duty.upstream[stage].read_lot(files, self._columns[stage], with_beside=True)
        if files.folds:
            self._folded[stage, files] = table
            while len(self._folded) > _FOLDED:
                self._folded.popitem(last=False)
        return table

    @cached_property
    def _columns(self) -> Mapping[str, list[str]]:
        """stage -> columns of its rows that are read: those that are needed, or requests; of makers their files are
        read alone.
        """
        read: dict[str, list[str]] = {name: [] for name in self._duty.upstream}
        for name, column in self._duty.requests.items():
            read[name].append(column)
        for needed, columns in self._stage.needs.items():
            read[needed.writes.name] += columns
        return {name: list(dict.fromkeys(columns)) for name, columns in read.items()}
