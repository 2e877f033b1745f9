"""From what was measured to a version of the dataset, unless the guards refuse it."""

from collections.abc import Callable
from functools import partial

import av
import pyarrow as pa

from actor18m.amounts import amount
from actor18m.building.looking import Looked
from actor18m.dataset import Dataset
from actor18m.execute.crews import Crew
from actor18m.publish import Published, guards, publish
from actor18m.publish.blocks import Blocks, with_images
from actor18m.publish.discretion import discreet
from actor18m.publish.heard import Hearing
from actor18m.publish.previous import samples_of
from actor18m.storage.lease import Lease
from actor18m.survey.project import Project

OTHERS_MAY_TAKE_S = 60.0
"""Who was taken over while it published makes the shard that it is at, and then gives the dataset free."""


def release(
    project: Project,
    lease: Lease,
    looked: Looked,
    published: pa.Array | None,
    dataset: Dataset,
    crew: Crew,
    allowed: guards.Allowed,
    hearing: Hearing,
    note: Callable[[str], None],
) -> Published:
    """Publishes what is accepted. Raises Refused where that is hardly meant. `published`: the clips that the latest
    version has; None where there is none.
    """
    found = looked.outlook
    guards.check_failed(found, looked.plan.subsets, allowed)
    guards.check_lost(found, None if published is None else len(published), allowed)
    if published is not None and (count := len(found.withdrawn)):
        note(f"withdrawn by a word: {count} of the {amount(len(published), 'clip')} of the latest version")
    images = [word.of for word in project.words.in_force if word.is_of_image]
    withdrawn = samples_of(dataset, found.withdrawn, images)
    return publish(
        dataset,
        Blocks(project, looked.relations),
        project.pipeline.render(with_run=False),
        _facts(project),
        aliases=looked.relations.aliases,
        make_shards=crew.make_shards,
        subsets=with_images(project),
        lots_per_shard=project.pipeline.publish.lots_per_shard,
        check=lease.check_epoch,
        patience_s=OTHERS_MAY_TAKE_S,
        told=partial(discreet, settings=project.pipeline.publish),
        accept=partial(guards.check_counts, allowed=allowed, withdrawn=withdrawn),
        hearing=hearing,
    )


def _facts(project: Project) -> dict[str, str]:
    """What made the version's values and bytes."""
    facts = {f"fingerprint.{link.name}": link.fingerprint for link in project.links}
    facts |= {
        f"model.{link.name}.{role}": " ".join(backend)
        for link in project.links
        for role, backend in link.backends.items()
    }
    return facts | {"pyarrow": pa.__version__, "av": av.__version__}  # another one may write other bytes
