"""What became of a subset: of the clips that it could have images of, and of the images that they ask for."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa

from actor18m.survey.admission import PENDING
from actor18m.survey.chain import Branch
from actor18m.survey.following import REJECTED
from actor18m.survey.images import KEPT
from actor18m.survey.images import STATES as IMAGE_STATES
from actor18m.survey.survey import Surveyed

_ENDS = ["state", "stage", "rule", "error_kind"]


@dataclass
class SubsetCounts:
    clips: int = 0
    """Those that ask for images."""
    stopped: dict[str, int] = field(default_factory=dict)
    """Clips that the subset would take in, and that ended in its own stages before they asked for any: by state."""
    why_stopped: dict[str, int] = field(default_factory=dict)
    """By state, stage, and rule or kind of error."""
    requested: int = 0
    """How many images the clips ask for, as the rows that ask count them."""
    states: dict[str, int] = field(default_factory=dict)
    """Of the images."""
    reasons: dict[str, int] = field(default_factory=dict)
    """Why some are not kept: by state, stage, and rule, kind of error or what cannot be done."""

    @property
    def entered(self) -> int:
        """Clips that came so far that the subset's own stages meet them."""
        return self.clips + sum(self.stopped.values())

    @property
    def lost(self) -> dict[str, int]:
        """Clips that ended, and do not only wait, by why."""
        return {why: count for why, count in self.why_stopped.items() if not why.startswith(PENDING)}

    @property
    def adds_up(self) -> bool:
        return self.requested == sum(self.states.values())

    def add(self, surveyed: Surveyed, branch: Branch) -> None:
        """Of some lots."""
        self.clips += surveyed.admitted[branch.subset].num_rows
        self.requested += surveyed.requested[branch.subset]
        for row in grouped(surveyed.held[branch.subset], _ENDS):
            _count(self.stopped, row["state"], row["count"])
            _count(self.why_stopped, reason(row), row["count"])
        for row in grouped(surveyed.images_of(branch), [*_ENDS, "why"]):
            _count(self.states, row["state"], row["count"])
            if row["state"] != KEPT:
                _count(self.reasons, reason(row), row["count"])

    def in_order(self) -> "SubsetCounts":
        """With states in their usual order, and what is most frequent first."""
        return SubsetCounts(
            self.clips,
            dict(sorted(self.stopped.items())),
            _most_first(self.why_stopped),
            self.requested,
            {state: self.states[state] for state in IMAGE_STATES if self.states.get(state)},
            _most_first(self.reasons),
        )

    def told(self) -> dict[str, Any]:
        return asdict(self)


def reason(row: Mapping[str, Any]) -> str:
    """`rejected by judge.same`, `failed in views: ValueError`, `unavailable in view_images: no frame shows it`."""
    where = f"{row['state']} {'by' if row['state'] == REJECTED else 'in'} {row['stage']}"
    where += f".{row['rule']}" if row["rule"] else ""
    why = row.get("why") or row["error_kind"]
    return f"{where}: {why}" if why else where


def grouped(table: pa.Table, columns: list[str]) -> list[dict[str, Any]]:
    """How often each combination of values is there, as `count`."""
    counted = table.select(columns).group_by(columns).aggregate([([], "count_all")])
    return [{**row, "count": row["count_all"]} for row in counted.to_pylist()]


def _count(counts: dict[str, int], name: str, more: int) -> None:
    counts[name] = counts.get(name, 0) + more


def _most_first(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda each: (-each[1], each[0])))
