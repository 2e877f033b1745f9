"""Everything that is measured, set by set."""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from accuracy import footage, identities, judging, jumps, measures, sets, swaps, verdicts
from accuracy.build import DEFAULT, POLICIES, measure, pipelines, without_gates
from accuracy.figures import Figure, Figures
from accuracy.identities import Pairs
from accuracy.measures import SUMMARY, Sections
from accuracy.misses import Miss, misses
from accuracy.read import Seen, read
from accuracy.sets import FRESH, REAL, SHIPPED, Set
from accuracy.splices import splices
from actor18m.config.pipeline import Pipeline
from actor18m.execute.crews import Crew
from actor18m.storage.store import make_store

FINAL_STAGE = "motion"
"""It has the final word on identity: splices need no later one."""
LAST_STAGE = "captions"
"""No table tells of what comes after it but for that of the judge, which has pictures of its own."""


@dataclass
class Result:
    sections: dict[str, Sections] = field(default_factory=dict)
    """By set."""
    seen: dict[str, list[Seen]] = field(default_factory=dict)
    misses: dict[str, list[Miss]] = field(default_factory=dict)

    @property
    def summary_of(self) -> str:
        return FRESH if FRESH in self.sections else SHIPPED

    @property
    def summary(self) -> dict[str, Figure]:
        return measures.summary(self.sections)

    def told(self) -> dict[str, Any]:
        """As JSON; the flat `summary` has a number or null for each key, `summary_n` the cases behind it."""
        of_clips = {name: seen for name, seen in self.seen.items() if name != FRESH}
        return {
            "summary": {name: figure.value for name, figure in self.summary.items()},
            "summary_n": {name: figure.n for name, figure in self.summary.items()},
            "summary_of": self.summary_of,
            "bars": {name: bar.bar for name, bar in SUMMARY.items()},
            "sets": {
                name: {title: {k: v.told() for k, v in figures.items()} for title, figures in sections.items()}
                for name, sections in self.sections.items()
            },
            "verdicts": {
                name: {policy: verdicts.confusion(seen, policy) for policy in POLICIES}
                for name, seen in of_clips.items()
            },
            "misses": {name: [asdict(miss) for miss in each] for name, each in self.misses.items()},
        }


def measured(
    kinds: Collection[str], fresh: Mapping[int, Path | None], pictures: Sequence[int], out: Path, crew: Crew
) -> Result:
    """Nothing is rendered or measured that these kinds do not need. `pictures`: seeds of those that are judged."""
    policies, result = pipelines(), Result()
    bench = _Bench(policies, out, crew, result)
    if "shipped" in kinds:
        bench.take_samples([sets.samples(SHIPPED, sets.shipped_folder())], SHIPPED)
    if "fresh" in kinds:
        bench.take_samples([sets.fresh(seed, folder, out) for seed, folder in fresh.items()], FRESH)
    real = sets.real()
    if real is not None and "real" in kinds:
        bench.take_real(real)
    if real is not None and "jumps" in kinds:
        result.sections[jumps.NAME] = {jumps.NAME: jumps.figures(real, out / "jumps", policies[DEFAULT])}
    if real is not None and "splices" in kinds:
        bench.take_splices(splices(bench.real_until(real, "identity"), out / "splices" / "clips"))
    if "judging" in kinds:
        bench.take_judging(pictures, [] if real is None else bench.real_until(real, "select"))
    for name, seen in result.seen.items():
        if name != FRESH:
            result.misses[name] = misses(seen, _folder(out, name) / "misses")
    return result


def _folder(out: Path, name: str) -> Path:
    return out / name.replace(" ", "-")


@dataclass(frozen=True)
class _Bench:
    policies: Mapping[str, Pipeline]
    out: Path
    crew: Crew
    result: Result

    @property
    def default(self) -> Pipeline:
        return self.policies[DEFAULT]

    def take_samples(self, those: Sequence[Set], together: str) -> None:
        every: list[Seen] = []
        pairs = Pairs([], [], [])
        for each in those:
            seen = self._seen(each)
            own = self._pairs(each, seen)
            every += seen
            pairs = pairs + own
            if len(those) > 1:
                self._tell(each.name, seen, measures.of_samples(seen), own)
        self._tell(together, every, measures.of_samples(every), pairs)

    def take_real(self, those: Set) -> None:
        seen = self._seen(those)
        labels = footage.figures(seen, Path(os.environ[sets.FOOTAGE]) / "labels")
        self._tell(REAL, seen, measures.of_real(seen) | {"as people see it": labels}, self._pairs(those, seen))

    def real_until(self, those: Set, stage: str) -> list[Seen]:
        """What is made of real clips is made of those that should be accepted, and needs no later stage."""
        if REAL in self.result.seen:
            return self.result.seen[REAL]
        return self._seen(Set(those.name, [clip for clip in those.clips if clip.state == "accepted"]), stage)

    def take_splices(self, those: Set) -> None:
        """The parts of a pipeline that tell near duplicates are left out: a clip and its own splice look alike."""
        alone = {name: pipeline.model_copy(update={"duplicates": None}) for name, pipeline in self.policies.items()}
        has_it = all(FINAL_STAGE in pipeline.stage_names for pipeline in alone.values())
        until = FINAL_STAGE if has_it else None
        store = _folder(self.out, those.name) / "store"
        measure(store, those.clips, list(alone.values()), self.crew, until)
        seen = read(make_store(store), those.clips, alone, alone[DEFAULT], until)
        told = {f"{those.name}, policy {policy}": swaps.figures(seen, policy) for policy in POLICIES}
        self.result.sections[those.name] = told | {f"{those.name}, cuts": swaps.cuts(seen)}
        self.result.seen[those.name] = seen

    def take_judging(self, seeds: Sequence[int], seen: Sequence[Seen]) -> None:
        """`seen` is of real footage."""
        folder = self.out / judging.NAME
        made = judging.judged(judging.rendered(seeds, judging.CASTS, folder), folder)
        told = {judging.title(seeds): judging.figures(made)}
        if seen:
            told[judging.REAL_TITLE] = judging.real_figures(judging.judged(judging.real(seen), folder))
        self.result.sections[judging.NAME] = told

    def _seen(self, those: Set, until: str = LAST_STAGE) -> list[Seen]:
        every = without_gates(self.default)
        store = _folder(self.out, those.name) / "store"
        measure(store, those.clips, [every], self.crew, until)
        return read(make_store(store), those.clips, self.policies, every, until)

    def _pairs(self, those: Set, seen: Sequence[Seen]) -> Pairs:
        return identities.pairs_of(seen, self.default, _folder(self.out, those.name) / "pairs.json")

    def _tell(self, name: str, seen: list[Seen], sections: Sections, pairs: Pairs) -> None:
        bound = identities.threshold(self.default)
        known: Figures = measures.of_identity(identities.told(pairs, bound), bound)
        self.result.sections[name] = sections | {"faces of one person and of two": known}
        self.result.seen[name] = seen
