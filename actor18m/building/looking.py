"""One look at all that is registered, when it was measured: what it came to, what of it would be published, and which
clips repeat which or show one person. Each of these needs every block of the survey, and none more than one at a time.
"""

from dataclasses import dataclass

import pyarrow as pa

from actor18m.publish.blocks import Relating, Relations
from actor18m.publish.guards import Outlook, Outlooking
from actor18m.storage.lease import Lease
from actor18m.survey.plan import Plan, Planning
from actor18m.survey.project import Project


@dataclass(frozen=True)
class Looked:
    """What there is to know before a version is made."""

    plan: Plan
    """Without prices: what is missing still, and how many inputs and images are in which state."""
    outlook: Outlook
    relations: Relations


def look(project: Project, lease: Lease, published: pa.Array | None) -> Looked:
    """And keeps in the store what was found of relations. `published`: the clips that the latest version has; None
    where there is none.
    """
    record = project.record()
    planning, outlooking, relating = Planning(record), Outlooking(project, published), Relating(project, record)
    for block, surveyed in record.surveyed(Relating.COLUMNS):
        planning.add(block, surveyed)
        outlooking.add(surveyed)
        relating.add(surveyed)
        relating.keep(lease)
    return Looked(planning.found(), outlooking.found(), relating.found())
