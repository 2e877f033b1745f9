"""What is in an image that was cut or made, by digest: a denial of one holds whatever the image is called later."""

import pyarrow.compute as pc

from actor18m.errors import ActorError
from actor18m.ledger.ledger import ledgers
from actor18m.storage.store import Store

SHA256 = "sha256"


def digests_of(store: Store, key: str) -> tuple[str, ...]:
    """Of the image of this key, with whatever parameters and in whatever attempt it was made."""
    found: dict[str, None] = {}
    for ledger in ledgers(store):
        for files in ledger.files().values():
            rows = ledger.read_lot(files, [SHA256])
            if SHA256 not in rows.column_names:
                break
            found |= dict.fromkeys(rows.filter(pc.equal(rows["key"], key))[SHA256].drop_null().to_pylist())
    if not found:
        raise ActorError(
            f"there is no image {key} in {store.url}. Keys of images stand in `metadata/references` of the dataset; a "
            "clip has 20 digits."
        )
    return tuple(found)
