"""What planning keeps of requests and of pictures: enough to tell which image is missing, and no more."""

import re
from collections.abc import Mapping, Sequence

import pyarrow as pa

from actor18m import keys
from actor18m.ledger.rows import OK
from actor18m.stage import PICTURE, UNAVAILABLE, Requests

SOURCE = "source_image"
"""The field of a request that names the image of the same clip from which this one is made, or is empty."""
ASKED = pa.list_(pa.struct([("name", pa.string()), ("digest", pa.string()), ("source", pa.string())]))
"""Of one clip's row: each request's name, a digest of all that it says, and the name of its source image."""
_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)*")
_HALF = keys.SHORT_DIGITS


def asked(rows: pa.Table, requests: Requests) -> pa.Array:
    """ASKED of each row; null where there is none."""
    told = zip(rows["state"].to_pylist(), rows[requests.column].to_pylist(), strict=True)
    return pa.array([_asked(each) if state == OK else None for state, each in told], ASKED)


def pictures(rows: pa.Table) -> pa.Array:
    """Of each row of a maker, what its bytes are told by: a digest of the picture, and one of the mask."""
    columns = [name for name in PICTURE.values() if name in rows.column_names]
    told = zip(rows["state"].to_pylist(), *(rows[name].to_pylist() for name in columns), strict=True)
    return pa.array(["".join((d or "")[:_HALF] for d in each) if state == OK else None for state, *each in told],
                    pa.string())  # fmt: skip


def whys(rows: pa.Table) -> pa.Array:
    """Of each row of an image that cannot be made, why; without its numbers, so that like reasons are one."""
    told = zip(rows["error_kind"].to_pylist(), rows["error"].to_pylist(), strict=True)
    return pa.array([_NUMBER.sub("…", text or "") or kind if kind == UNAVAILABLE else None for kind, text in told],
                    pa.string())  # fmt: skip


def is_of(picture: str, sha256: str) -> bool:
    """Whether a picture is the one with this digest."""
    return picture[:_HALF] == sha256[:_HALF]


def _asked(requests: Sequence[Mapping[str, object]] | None) -> list[dict[str, object]]:
    return [
        {"name": each["name"], "digest": keys.input_digest(each), "source": each.get(SOURCE) or None}
        for each in requests or ()
    ]
