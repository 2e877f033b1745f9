"""What every judge of a made image answers, so that one can take another's place: `schema("judge", **VERDICT)`.

A judge is shown an image beside the image that it was made from, and asked whether both show one person in one outfit.
It is not told which view or setting was wanted: it says which view it sees, and rules compare.
"""

from typing import Literal, get_args

from pyarrow import DataType, float32, string

from actor18m.stage import KnownPairs

Answer = Literal["consistent", "inconsistent", "not_visible"]
"""Not visible: one of the two pictures does not show it well enough, so that it speaks neither for the image nor
against it."""
Told = Answer | Literal["not_judged"]
"""Not judged: this judge never looks at it, however well it is seen. A judge that is asked looks at all of them."""
ANSWERS: tuple[Told, ...] = (*get_args(Answer), "not_judged")

ATTRIBUTES = ("face", "hair", "garment", "colour", "accessories", "anatomy", "people")
"""What is answered one by one. `garment` is kind, cut and pattern of the clothes, `colour` their colours; `anatomy`
asks whether a body could look so, and `people` whether as many are there as in the source."""

VERDICT: dict[str, DataType] = {
    **dict.fromkeys(ATTRIBUTES, string()),
    "observed_view": string(),
    "verdict": string(),
    "confidence": float32(),
    "reason": string(),
    "judged_by": string(),
}
"""Columns of a judge. Each attribute is one of ANSWERS; `verdict` is `consistent` or `inconsistent`, and `confidence`
from 0 to 1 how sure the judge is of it. `observed_view` is one of
`actor18m.media.views.VIEWS`, null where none can be told. `reason` is for people: where a model wrote it, it may hold
whatever stood in a picture, and nothing may act upon it.
`judged_by` is `measured`, or the model's name."""

KNOWN_PAIR: dict[str, DataType] = {"known_kind": string(), "known_verdict": string(), "known_confidence": float32()}
"""Columns, beside VERDICT, of a judge that is put to the test: of some images it is also asked about a pair of which it
is known that the two differ, and in what (`known_kind`)."""
STRANGER = "another person"
"""A `known_kind`: the image beside a picture of somebody else."""
KNOWN_PAIRS = KnownPairs(
    "verdict", "confidence", "known_kind", "known_verdict", "known_confidence", accepts="consistent"
)
