"""What is in an image that was cut or made, by digest: a denial of one holds whatever the image is called later."""

import pyarrow.compute as pc

from actor18m.errors import ActorError
from actor18m.keys import KEY_DIGITS
from actor18m.ledger import ledgers
from actor18m.store import Store

IMAGES = "references"
"""The column in which a stage tells of its images."""
NAME, SHA256 = "name", "sha256"


def digests_of(store: Store, key: str) -> tuple[str, ...]:
    """Of the image of this key, with whatever parameters it was made."""
    clip, name = key[:KEY_DIGITS], key[KEY_DIGITS + 1 :]
    found: dict[str, None] = {}
    for ledger in ledgers(store):
        for files in ledger.files().values():
            rows = ledger.read_lot(files, [IMAGES])
            if IMAGES not in rows.column_names:
                break
            for images in rows.filter(pc.equal(rows["key"], clip))[IMAGES].to_pylist():
                found |= {image[SHA256]: None for image in images or () if image.get(NAME) == name and SHA256 in image}
    if not found:
        raise ActorError(
            f"there is no image {key} in {store.url}. Keys of images stand in `metadata/references` of the dataset; a "
            "clip has 20 digits."
        )
    return tuple(found)
