"""What rows bring along besides their values: files that are committed beside them."""

from collections.abc import Iterable, Mapping

import pyarrow as pa

from actor18m.ledger.attachments import FILES, Kind
from actor18m.stage import Failure, Row


def files_of(outcomes: Iterable[Row | Failure], input_digests: Mapping[str, str]) -> dict[Kind, pa.Table]:
    """By kind, the files that rows brought along; a kind without any is left out."""
    rows = [row for row in outcomes if isinstance(row, Row)]
    brought: dict[Kind, list[Mapping[str, bytes]]] = {
        "images": [row.images for row in rows],
        "restricted": [row.restricted for row in rows],
    }
    found: dict[Kind, pa.Table] = {}
    for kind, files in brought.items():
        if any(files):
            found[kind] = pa.Table.from_pylist(
                [
                    {"key": row.key, "input_digest": input_digests[row.key], "name": name, "content": content}
                    for row, of_row in zip(rows, files, strict=True)
                    for name, content in of_row.items()
                ],
                schema=FILES,
            )
    return found
