"""What each stage's workers are for."""

from collections.abc import Sequence

from actor18m.execute.messages import Duty
from actor18m.storage.lease import Lease
from actor18m.survey.chain import Link, requests_of, upstream_of
from actor18m.survey.project import Project


def duties_of(project: Project, lease: Lease, chain: Sequence[Link]) -> dict[str, Duty]:
    """By stage, what a worker has to know."""
    ledgers = {link.name: link.ledger(project.store) for link in chain}
    return {
        link.name: Duty(
            stage=link.name,
            step=link.step,
            ledger=ledgers[link.name],
            upstream={name: ledgers[name] for name in upstream_of(link, chain)},
            requests=requests_of(link, chain),
            values=link.values,
            lease=lease,
        )
        for link in chain
    }
