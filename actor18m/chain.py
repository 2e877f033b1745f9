"""A pipeline's stages in the order a clip meets them, each with its fingerprint and what planning keeps of its rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from actor18m import keys, policy
from actor18m.errors import ActorError, WrongUsage, instead_of
from actor18m.index import Values, known_of
from actor18m.ledger import Ledger
from actor18m.models.backends import describe
from actor18m.pipeline import Pipeline
from actor18m.policy import Rules
from actor18m.rows import OK
from actor18m.stage import Stage
from actor18m.step import Step
from actor18m.store import Store

CLIP, SIGNATURE, DURATION, CONTENT = "clip", "signature", "duration_s", "content_sha256"
OF_SOURCES = {CLIP: pa.string(), SIGNATURE: pa.binary(), DURATION: pa.float32()}
"""What a stage of sources tells."""
FIRST_WRITES = OF_SOURCES | {CONTENT: pa.string()}
"""The first stage tells which clip an input is and of which content, and what finds near duplicates of it."""


@dataclass(frozen=True)
class Link:
    """One stage of the chain."""

    name: str
    step: Step
    fingerprint: str
    rules: Rules
    needs: tuple[str, ...]
    """Names of the stages whose rows it reads."""
    readers: tuple[str, ...]
    """Names of the stages that read its rows."""
    values: Values

    def ledger(self, store: Store) -> Ledger:
        return Ledger(store, self.name, self.fingerprint)

    def empty(self) -> pa.Table:
        """What planning keeps, of no rows."""
        return known_of([(0, self.stage_class.writes.table([], {}))], self.values)

    @property
    def backends(self) -> dict[str, tuple[str, str]]:
        """role -> its backend's name, and the digest of its weights."""
        return {role: describe(name) for role, name in self.step.roles.items()}

    @property
    def recipe(self) -> dict[str, object]:
        """What the fingerprint is made of."""
        backends = {role: list(backend) for role, backend in self.backends.items()}
        parameters = self.step.parameters.model_dump(mode="json")
        return {"version": self.stage_class.version, "parameters": parameters, "backends": backends}

    @property
    def stage_class(self) -> type[Stage]:
        return self.step.stage_class


@dataclass(frozen=True)
class Kept:
    """Computes what planning keeps of a stage's rows: what its rules compare, for each stage that reads it a digest of
    what it reads (`_for_identity`), and some columns as they are (`_clip`).
    """

    stage: str
    rules: Rules
    readers: Mapping[str, tuple[str, ...]]
    carried: tuple[str, ...]

    def __call__(self, rows: pa.Table) -> pa.Table:
        columns = {name: rows[name] for name in self.carried}
        try:
            compared = policy.values(rows, self.rules).drop_columns(["key"])
        except ActorError as error:
            raise ActorError(f"stage {self.stage}, {error}") from error
        kept = {name: compared[name] for name in compared.column_names}
        kept |= {f"_for_{reader}": _digests(rows, read) for reader, read in self.readers.items()}
        return pa.table(kept | {f"_{name}": column for name, column in columns.items()})


def chain_of(pipeline: Pipeline, until: str | None = None) -> tuple[Link, ...]:
    """The stages that every clip meets; up to and with `until`."""
    later = {name for subset in pipeline.subsets.values() for name in subset.stages}
    steps = [step for step in pipeline.stages if step.name not in later]
    _check_first(pipeline, steps[0], FIRST_WRITES)
    if until is not None:
        names = [step.name for step in steps]
        if until not in names:
            raise WrongUsage(f"pipeline {pipeline.name} has no stage {until}; {instead_of(until, names)}")
        steps = steps[: names.index(until) + 1]
    return tuple(_link(pipeline, step, steps, () if number else FIRST_WRITES) for number, step in enumerate(steps))


def first_link(pipeline: Pipeline, step: Step) -> Link:
    """A chain of one stage, which looks at sources."""
    _check_first(pipeline, step, OF_SOURCES)
    return _link(pipeline, step, [step], OF_SOURCES)


def _link(pipeline: Pipeline, step: Step, steps: Sequence[Step], carried: Iterable[str]) -> Link:
    stage, rules = step.stage_class, pipeline.policy.get(step.name, {})
    readers = {s.name: tuple(s.stage_class.needs[stage]) for s in pipeline.stages if stage in s.stage_class.needs}
    kept = Kept(step.name, rules, readers, tuple(carried))
    reads = {
        *policy.columns_read(rules, stage.writes.columns),
        *kept.carried,
        *(c for r in readers.values() for c in r),
    }
    expressions = {name: rule.value or name for name, rule in rules.items()}
    name = keys.digest("kept", expressions, {reader: list(read) for reader, read in readers.items()}, kept.carried)
    return Link(
        name=step.name,
        step=step,
        fingerprint=stage.fingerprint(step.parameters, {role: describe(name) for role, name in step.roles.items()}),
        rules=rules,
        needs=tuple(needed.writes.name for needed in stage.needs),
        readers=tuple(readers),
        values=Values(name[: keys.SHORT_DIGITS], tuple(sorted(reads)), kept),
    )


def _check_first(pipeline: Pipeline, step: Step, writes: Mapping[str, pa.DataType]) -> None:
    columns = step.stage_class.writes.columns
    for name, kind in writes.items():
        if name not in columns.names or columns.field(name).type != kind:
            raise ActorError(
                f"pipeline {pipeline.name}: its first stage, {step.name}, must write the column {name} ({kind}), by "
                "which clips are told apart. Begin with stages.intake:Intake, or with a stage that does likewise."
            )


def _digests(rows: pa.Table, columns: Sequence[str]) -> pa.Array:
    read = rows.select(list(columns)).to_pylist()
    states = rows["state"].to_pylist()
    return pa.array(
        [keys.input_digest(row) if state == OK else None for row, state in zip(read, states, strict=True)], pa.string()
    )
