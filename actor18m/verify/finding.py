"""Something that is wrong with a file, and what to do about it."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["damaged", "missing", "foreign", "open"]


@dataclass(frozen=True)
class Finding:
    kind: Kind
    """`open`: others can read what only its owner may."""
    path: str
    wrong: str
    """The end of a sentence that begins with the path."""
    way_out: str

    def __str__(self) -> str:
        return f"{self.path} {self.wrong}. {self.way_out}"


FOREIGN = "is no file of actor18m's"
DELETE_IT = "Delete it, or move it away: it is never read."
