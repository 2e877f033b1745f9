"""What a build came to: values for who called it, the account that is kept of it, and what is raised of a bad end."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actor18m.amounts import amount
from actor18m.catalog.register import Registration
from actor18m.catalog.sources.left_out import FilesLeftOut
from actor18m.errors import ActorError, Refused
from actor18m.execute.tally import Stopped, Tally
from actor18m.publish import Published
from actor18m.survey.admission import PENDING
from actor18m.survey.meaning import Meaning
from actor18m.survey.project import Project
from actor18m.survey.subsets import SubsetCounts
from actor18m.survey.survey import ACCEPTED, STATES


@dataclass(frozen=True)
class Built:
    """What a build came to."""

    project: Project
    """For questions that the rest leaves open, as `status`, `explain` and `what-if` ask them."""
    states: Mapping[str, int]
    """How many inputs are in which state, as the version tells them."""
    subsets: Mapping[str, SubsetCounts]
    """Of each, how many images are in which state and why, and of how many clips there are none and why."""
    registration: Registration
    """How what was given differs from what was registered."""
    not_taken: FilesLeftOut
    """Files that were given, and that are no videos and no lists."""
    tally: Tally
    """What was measured now, by stage."""
    published: Published | None
    """The version; None where a part of the stages was asked for, and where nothing could be published. Its `left_out`
    names accepted clips whose files have gone: the next build tries again.
    """
    meaning: Meaning
    """What people's words came to."""
    account: Mapping[str, Any]
    """All of it, as the store keeps it of this run, and `actor18m build --json` prints it."""

    @property
    def images(self) -> dict[str, dict[str, int]]:
        """By subset, how many images are in which state, of those that are asked for."""
        return {subset: each.states for subset, each in self.subsets.items()}


class StageStopped(ActorError):
    """A stage failed clips alike and was stopped. All others went on; nothing was published."""

    def __init__(self, built: Built) -> None:
        super().__init__(why_stopped(built.tally))
        self.built = built


class NotPublished(Refused):
    """All was measured, and a guard refused to publish it."""

    def __init__(self, why: str, built: Built) -> None:
        super().__init__(why)
        self.built = built


def stopped(stage: str, why: Stopped) -> str:
    """What happened, in a sentence."""
    so_many = amount(why.clips, why.unit.removesuffix("s"))
    return (
        f"stage {stage} was stopped: {so_many} failed alike with no success between, {why.example} for one: "
        f"{why.error}."
    )


def why_stopped(tally: Tally) -> str:
    return " ".join(stopped(*each) for each in tally.stopped.items())


def as_published(states: Mapping[str, int], published: Published | None) -> dict[str, int]:
    """The states as the version tells them, in which the clips that were left out wait for the next build."""
    waiting = 0 if published is None else len(published.left_out)
    counts = dict.fromkeys(STATES, 0) | dict(states)
    counts |= {ACCEPTED: counts[ACCEPTED] - waiting, PENDING: counts[PENDING] + waiting}
    return {state: count for state, count in counts.items() if count}
