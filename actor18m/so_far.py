"""What was measured of one video and its images, without a store: what each further stage is given of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from actor18m.keys import reference_key
from actor18m.ledger.rows import OUTCOME
from actor18m.requests import SOURCE
from actor18m.stage import Clip, Failure, Image, Requests, Row, Stage

Values = Mapping[str, Any]
Kind = type[Stage[Any]]


@dataclass
class SoFar:
    uri: str
    key: str
    """Of the input, until the first stage has told the clip's."""
    rows: dict[str, dict[str, Row]] = field(default_factory=dict)
    """stage -> key of the clip or image -> row."""
    asked: dict[str, list[Values]] = field(default_factory=dict)
    """stage -> its requests."""
    makers: list[str] = field(default_factory=list)

    def units(self, stage: Kind, of: Sequence[str]) -> list[Clip | Image]:
        """All that a stage is given; of a stage of requests or images `of` says whose. None where a row is lacking
        that it needs."""
        is_measured = all(self.key in self.rows.get(name, {}) for name in self._about(stage, "clips"))
        if not is_measured:
            return []
        return [self.clip(stage)] if stage.of == "clips" else list(self.images(stage, of))

    def add(self, stage: Kind, rows: Sequence[Row], is_first: bool) -> None:
        """What it measured."""
        name = stage.writes.name
        self.rows[name] = {row.key: row for row in rows}
        self.makers.extend([name] if stage.of == "requests" else [])
        if stage.requests is not None and rows:
            self.asked[name] = _requests(stage.requests, rows[0])
        if is_first and rows:
            self.key = str(rows[0].values["clip"])
            self.rows[name] = {self.key: rows[0]}

    def clip(self, stage: Kind) -> Clip:
        return Clip(self.key, self.uri, upstream=self._upstream(stage, self.key, "clips"))

    def images(self, stage: Kind, of: Sequence[str]) -> list[Image]:
        """All that a stage of requests or of images is given."""
        makes = stage.of == "requests"
        requests = {
            reference_key(self.key, each["name"]): each
            for name, asked in self.asked.items()
            if name in of or not makes
            for each in asked
        }
        keys = list(requests) if makes else [key for name in of for key in self.rows.get(name, {})]
        return [
            Image(
                key,
                self.clip(stage),
                requests[key] if makes or stage.reads_request else {},
                self._upstream(stage, key, "images"),
                {} if makes else self._files(key),
                self._source(requests[key]) if makes or stage.reads_source_image else {},
            )
            for key in keys
            if all(key in self.rows.get(name, {}) for name in self._about(stage, "images"))
        ]

    def _upstream(self, stage: Kind, key: str, kind: str) -> dict[str, Values]:
        needed = self._about(stage, kind)
        return {name: {each: self.rows[name][key].values[each] for each in needed[name]} for name in needed}

    @staticmethod
    def _about(stage: Kind, kind: str) -> dict[str, Sequence[str]]:
        return {needed.writes.name: columns for needed, columns in stage.needs.items() if needed.of == kind}

    def _source(self, request: Values) -> Mapping[str, bytes]:
        name = request.get(SOURCE)
        return self._files(reference_key(self.key, name)) if name else {}

    def _files(self, key: str) -> Mapping[str, bytes]:
        return next((self.rows[name][key].images for name in self.makers if key in self.rows[name]), {})


def as_kept(stage: Stage[Any], outcome: Row | Failure, key: str) -> Row | Failure:
    """What a stage says of the unit, with the values as the ledger would keep them, in the types of its columns."""
    if outcome.key != key:
        raise ValueError(f"stage {stage.writes.name} gave an outcome of {outcome.key}, not of {key}")
    stage.check(outcome)
    (kept,) = stage.writes.table([outcome], {key: ""}).to_pylist()
    if isinstance(outcome, Failure):
        return outcome
    values = {name: value for name, value in kept.items() if name not in OUTCOME.names}
    return Row(key, values, outcome.images, outcome.restricted)


def _requests(requests: Requests, row: Row) -> list[Values]:
    found = row.values[requests.column]
    return list(found) if isinstance(found, list) else []
