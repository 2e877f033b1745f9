"""Where every input stands: the funnel, and the proof that states add up."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow.compute as pc

from actor18m.survey.admission import PENDING, REMOVED, SPLIT, SUPERSEDED
from actor18m.survey.following import REJECTED
from actor18m.survey.known_pairs import Judging
from actor18m.survey.of_kept import Counts, counts_of_kept, told_of_kept
from actor18m.survey.plan import counted
from actor18m.survey.snapshot import Record
from actor18m.survey.subsets import SubsetCounts, grouped
from actor18m.survey.survey import DUPLICATE, STATES

LISTED = ("id", "clip", "state", "stage", "rule", "error_kind", "uri")


@dataclass
class StageCounts:
    """Who entered a stage, and what became of them there."""

    name: str
    entered: int = 0
    passed: int = 0
    rejected: int = 0
    failed: int = 0
    quarantined: int = 0
    duplicates: int = 0
    pending: int = 0
    split: int = 0
    """Whose clips entered the next stage in their place."""
    rules: dict[str, int] = field(default_factory=dict)


@dataclass
class Status:
    inputs: int
    """Counted in the catalog."""
    states: dict[str, int]
    funnel: list[StageCounts]
    errors: dict[str, int]
    """By stage and kind."""
    images: dict[str, SubsetCounts]
    """By subset."""
    tells: dict[str, list[dict[str, Any]]]
    """By subset, of how many of the kept images is true what stages tell of them."""
    judges: dict[str, dict[str, Any]]
    """Of each stage that judges, how often it accepts pairs of which it is known that the two differ."""
    listing: list[dict[str, str | None]]
    """Of each input what is told of it, where that was asked for."""

    @property
    def is_split(self) -> bool:
        """Some inputs are, or would be."""
        return any(stage.split for stage in self.funnel)

    @property
    def adds_up(self) -> bool:
        """Each input is in one state, and who enters a stage passes it or stops there."""
        stops = (
            stage.entered == stage.passed + stage.rejected + stage.failed + stage.quarantined + stage.duplicates
            + stage.pending + stage.split
            for stage in self.funnel
        )  # fmt: skip
        images = (each.adds_up for each in self.images.values())
        return self.inputs == sum(self.states.values()) and all(stops) and all(images)

    def told(self) -> dict[str, Any]:
        return asdict(self) | {"adds_up": self.adds_up}


def status(record: Record, with_inputs: bool = False) -> Status:
    """Surveys everything that is registered."""
    inputs, states, clips, whole = 0, Counter[str](), 0, 0
    at: Counter[tuple[str, str]] = Counter()
    splitter = record.splitter
    rules: dict[str, Counter[str]] = {link.name: Counter() for link in record.surveyor.chain}
    errors: Counter[str] = Counter()
    measured: Counter[str] = Counter()
    listing: list[dict[str, str | None]] = []
    branches, judging = record.surveyor.stages.branches, Judging(record)
    images = {branch.subset: SubsetCounts() for branch in branches}
    of_kept: dict[str, Counts] = {branch.subset: Counter() for branch in branches}
    for block, surveyed in record.surveyed(("id", "lot", "uri") if with_inputs else ("id", "lot")):
        inputs += block.inputs.num_rows
        is_clip, enters = pc.is_valid(block.inputs["parent"]), pc.is_null(block.inputs["entry_state"])
        clips += pc.sum(pc.and_(enters, is_clip)).as_py() or 0
        whole += pc.sum(pc.and_not(enters, is_clip)).as_py() or 0
        states.update(counted(surveyed.inputs["state"]))
        for row in grouped(surveyed.inputs, ["stage", "state", "rule", "error_kind"]):
            if row["stage"] is None:
                continue
            at[row["stage"], row["state"]] += row["count"]
            if row["state"] == REJECTED:
                rules[row["stage"]][row["rule"]] += row["count"]
            if row["error_kind"] is not None:
                errors[f"{row['state']} in {row['stage']}: {row['error_kind']}"] += row["count"]
        for link in record.surveyor.chain:
            measured[link.name] += pc.sum(surveyed.measured[link.name]["passed"]).as_py() or 0
        for branch in branches:
            images[branch.subset].add(surveyed, branch)
        for subset, counts in counts_of_kept(record, block.known, surveyed).items():
            of_kept[subset].update(counts)
        judging.add(surveyed)
        if with_inputs:
            listing += [{name: row[name] for name in LISTED} for row in surveyed.inputs.to_pylist()]
    entered, funnel = inputs - states[SUPERSEDED] - states[REMOVED], list[StageCounts]()
    if splitter is not None:
        funnel.append(
            StageCounts(
                name=splitter.name,
                entered=entered - clips,
                passed=whole,
                failed=at[splitter.name, "failed"],
                quarantined=at[splitter.name, "quarantined"],
                pending=at[splitter.name, PENDING],
                split=at[splitter.name, SPLIT],
            )
        )
        entered = whole + clips
    for link in record.surveyor.chain:
        stage = StageCounts(
            name=link.name,
            entered=entered,
            passed=measured[link.name] - at[link.name, DUPLICATE],
            rejected=at[link.name, REJECTED],
            failed=at[link.name, "failed"],
            quarantined=at[link.name, "quarantined"],
            duplicates=at[link.name, DUPLICATE],
            pending=at[link.name, PENDING],
            rules=dict(rules[link.name].most_common()),
        )
        funnel.append(stage)
        entered = stage.passed
    return Status(
        inputs,
        {state: states[state] for state in STATES if states[state]},
        funnel,
        dict(errors.most_common()),
        {subset: each.in_order() for subset, each in images.items() if each.entered},
        {subset: told for subset, counts in of_kept.items() if (told := told_of_kept(record, counts))},
        {stage: each.told() for stage, each in judging.found().items()},
        listing,
    )
