"""What planning would keep of rows that nobody measured: which clips and images pass is drawn, by the shares of a file
of assumptions, and the same every time.
"""

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from unittest.mock import patch

import pyarrow as pa

from actor18m.config.stage_config import Step
from actor18m.execute.messages import Todo
from actor18m.ledger.ledger import LotFiles
from actor18m.ledger.rows import OK
from actor18m.policy.rules import Rule
from actor18m.survey.assumed import read_assumptions, shares_of
from actor18m.survey.chain import CLIP, CONTENT, Chain, Link
from actor18m.survey.project import Project
from actor18m.survey.seen import Seen
from actor18m.survey.snapshot import Record

_FACTS = frozenset(["key", "lot", "input_digest", "state", "error_kind"])


class PretendedRows:
    """For the stages of a pipeline."""

    def __init__(self, chain: Chain, file: Path) -> None:
        told = read_assumptions(file)
        self._links = {link.name: link for link in chain.links}
        self._shares = shares_of(told, chain, file)
        self._gates = {
            branch.subset: (branch.gate, {link.name for link in branch.way}) for branch in chain.branches if branch.gate
        }
        self._self_made = next(link.name for link in chain.links if _source(link) == "self")

    def known(self, stage: str, lot: int, todos: Sequence[Todo]) -> pa.Table:
        """As a report has it."""
        link = self._links[stage]
        columns: dict[str, list[object]] = {
            "key": [todo.key for todo in todos],
            "lot": [lot] * len(todos),
            "input_digest": [todo.input_digest for todo in todos],
            "state": [OK] * len(todos),
            "error_kind": [None] * len(todos),
        }
        verdicts = [self._values(link, todo) for todo in todos]
        for field in link.empty.schema:
            if field.name in _FACTS:
                continue
            if field.name in link.rules:
                columns[field.name] = [values[field.name] for values in verdicts]
            else:
                columns[field.name] = [self._told(link, field.name, todo) for todo in todos]
        return pa.table(columns, schema=link.empty.schema)

    def measured(self, project: Project) -> dict[str, dict[int, pa.Table]]:
        """By stage of clips and by lot, of all clips that come to it."""
        found: dict[str, dict[int, pa.Table]] = {link.name: {} for link in project.links}
        with told_of(found):
            for link in project.stages.links:
                if link.unit != "clips":
                    continue
                for _, surveyed in project.record().surveyed():
                    by_lot: dict[int, list[Todo]] = defaultdict(list)
                    rows = surveyed.missing[link.name].select(["lot", "key", "input_digest"])
                    for row in rows.to_pylist():
                        by_lot[row["lot"]].append(Todo(row["key"], row["input_digest"], ""))
                    for lot, todos in by_lot.items():
                        found[link.name][lot] = self.known(link.name, lot, todos)
        return found

    def asked(self, stage: str, clip: str) -> list[dict[str, str | None]]:
        """Requests of a clip, each for one of the clip's own images in turn."""
        word, asking = _source(self._links[stage]), self._shares.asking
        own = many = _count(clip, self._self_made, asking[self._self_made])
        sources = [f"{_region(n)}-self-{n:02d}" for n in range(own)]
        if stage != self._self_made:
            # as many for each of its own, so that a clip with none asks for none
            many = _count(clip, stage, asking[stage] * own / asking[self._self_made])
        return [
            {
                "name": f"{_region(n)}-{word}-{n:02d}",
                "digest": _digest(stage, clip, str(n)),
                "source": None if stage == self._self_made else sources[n % own],
            }
            for n in range(many)
        ]

    def _told(self, link: Link, column: str, todo: Todo) -> object:
        if column == "_requests":
            return self.asked(link.name, todo.key)
        if column in (f"_{CLIP}", f"_{CONTENT}"):
            return _digest("clip", todo.key)
        if column == "_picture" or column.startswith("_for_"):
            return _digest(column, todo.key, todo.input_digest)
        return None

    def _values(self, link: Link, todo: Todo) -> Mapping[str, object]:
        """Of each rule what it compares: all pass, or one is failed."""
        failed = self._failed(link, todo)
        return {name: _value(rule, passes=name != failed) for name, rule in link.rules.items()}

    def _failed(self, link: Link, todo: Todo) -> str | None:
        """A rule. Who is rejected though a subset's gate takes them fails one of which that does not ask."""
        if not link.rules:
            return None
        word = "" if link.unit == "clips" else todo.key.split("-")[2]
        passing, drawn = self._passing(link.name, link.step, word), _share(link.name, todo.key, todo.input_digest)
        if drawn < passing:
            return None
        for subset, (gate, way) in self._gates.items():
            if link.name in way and drawn < self._shares.by_gate[subset, link.name]:
                return next(name for name in link.rules if name not in gate.get(link.name, {}))
        asked_of = [name for gate, _ in self._gates.values() for name in gate.get(link.name, {})]
        return (asked_of or list(link.rules))[0]

    def _passing(self, stage: str, step: Step, word: str) -> float:
        """Of one attempt, where several are made."""
        attempts = self._shares.attempts.get((stage, word), 1.0) if step.candidates > 1 else 1.0
        return self._shares.passing[stage, word] if attempts == 1 else 1 / attempts


@contextmanager
def told_of(measured: Mapping[str, Mapping[int, pa.Table]]) -> Iterator[None]:
    """In this block, planning finds these rows in the ledger, by stage and lot."""

    def known(record: Record, link: Link, lots: range) -> pa.Table:
        there = measured.get(link.name, {})
        return pa.concat_tables([link.empty, *(there[lot] for lot in lots if lot in there)])

    def files(seen: Seen, link: Link) -> dict[int, LotFiles]:
        return {lot: LotFiles(lot, ("pretended",)) for lot in measured.get(link.name, {})}

    with patch.object(Record, "_known", known), patch.object(Seen, "files", files):
        yield


def _value(rule: Rule, passes: bool) -> object:
    bounds = rule.bounds
    kind, bound = next(iter(bounds.items()))
    if kind in ("at_least", "above"):
        return bound + 1e-3 if passes else bound - 1
    if kind in ("at_most", "below"):
        return bound - 1e-3 if passes and isinstance(bound, float) else bound if passes else bound + 1
    if kind == "equals":
        return bound if passes else (not bound if isinstance(bound, bool) else bound + 1)
    return bound[0] if passes else None


def _source(link: Link) -> str | None:
    requests = link.stage_class.requests
    return None if requests is None else requests.source


def _region(number: int) -> str:
    return "body" if number % 5 < 3 else "face"


def _count(clip: str, stage: str, mean: float) -> int:
    return int(mean) + (_share("count", clip, stage) < mean % 1)


def _share(*about: str) -> float:
    return random.Random(":".join(about)).random()


def _digest(*about: str) -> str:
    return blake2b(":".join(about).encode(), digest_size=10).hexdigest()
