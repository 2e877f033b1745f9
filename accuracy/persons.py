"""Are clips of one person told to be of one person, and of nobody else?

Each accepted clip is taken apart into pieces of a few seconds, which stand for clips of one person.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import combinations

import numpy as np

from accuracy.build import DEFAULT
from accuracy.figures import Figure, Figures, share
from accuracy.identities import TWINS
from accuracy.read import Seen
from actor18m.arrays import Floats
from actor18m.config.pipeline import load_pipeline
from actor18m.config.shipped import find_pipeline
from actor18m.relations.linkage import Linkage, Near, Same
from actor18m.survey.survey import ACCEPTED
from stages.identity import Identity, template

PIECE_S = 3.0
Piece = tuple[str, Floats]
"""A person's name, and the template of one piece of a clip."""


def figures(seen: Sequence[Seen]) -> Figures:
    good = [each for each in seen if _person(each) and each.fates[DEFAULT].state == ACCEPTED]
    return of_pieces([piece for each in good for piece in pieces(each)], _same()) | {
        "accepted clips by whose faces a person is known": share(_known(each) for each in good),
    }


def of_pieces(those: Sequence[Piece], same: Same) -> Figures:
    found = linked([vector for _, vector in those], same)
    by_person: dict[str, list[int]] = defaultdict(list)
    for (person, _), identity in zip(those, found, strict=True):
        by_person[person].append(identity)
    several = [identities for identities in by_person.values() if len(identities) > 1]
    most = sum(Counter(identities).most_common(1)[0][1] for identities in several)
    pairs = list(combinations(zip((person for person, _ in those), found, strict=True), 2))
    of_all = sum(map(len, several))
    return {
        "pairs of two people told to be one": share(a == b for (one, a), (other, b) in pairs if one != other),
        "a person's pieces together": Figure(round(most / of_all, 4) if of_all else None, of_all, "share"),
    }


def pieces(seen: Seen) -> Iterator[Piece]:
    """Those by which a person is known."""
    person, row = _person(seen), seen.rows.get("identity")
    if person is None or row is None or seen.vectors is None:
        return
    surest = [face for face in row["faces"] if face["rank"] == 0]
    by_piece: dict[int, list[int]] = defaultdict(list)
    for number, face in enumerate(surest):
        by_piece[int(row["frame_times"][face["frame"]] // PIECE_S)].append(number)
    for at in by_piece.values():
        vector = template(seen.vectors[at], [surest[number]["fitness"] for number in at], Identity.parameters)
        if vector is not None:
            yield person, vector


def linked(templates: Sequence[Floats], same: Same) -> list[int]:
    """The identity of each, as the engine finds it."""
    linkage = Linkage(same.share)
    for number, vector in enumerate(templates):
        near: dict[int, Near] = {}
        for other in range(number):
            if (apart := float(np.linalg.norm(vector - templates[other]))) <= same.within:
                identity, some = linkage.identity(other), Near(1, apart)
                near[identity] = near[identity] + some if identity in near else some
        linkage.join(near)
    return [linkage.identity(number) for number in range(len(templates))]


def _known(seen: Seen) -> bool:
    if seen.vectors is None:
        return False
    fitness = [face["fitness"] for face in seen.rows["identity"]["faces"] if face["rank"] == 0]
    return template(seen.vectors, fitness, Identity.parameters) is not None


def _person(seen: Seen) -> str | None:
    """None where it is not known to be one."""
    filmed = seen.filmed
    if filmed.state != ACCEPTED:
        return None
    return TWINS.get(filmed.name, filmed.name) if filmed.truth is None else filmed.truth.actors[0].identity


@cache
def _same() -> Same:
    found = load_pipeline(find_pipeline(DEFAULT)).identities
    assert found is not None, "the pipeline tells identities"
    return found
