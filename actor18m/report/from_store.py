"""Pictures that no shard of a version has, from the store: of images that were not kept, or that are in no subset."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow.compute as pc

from actor18m.ledger.attachments import files_of_row
from actor18m.ledger.ledger import Ledger
from actor18m.ledger.rows import BESIDE, OK
from actor18m.media.encoded import decoded
from actor18m.media.tile import Pixels
from actor18m.report.tiles import Row
from actor18m.storage.store import Store
from actor18m.survey.runs import accounts, stages_of


@dataclass(frozen=True)
class FromStore:
    store: Store

    def of_row(self, row: Row) -> Pixels | None:
        """Of an image of the version's table, from its last attempt; None where the store has it no more."""
        return self._picture(Ledger(self.store, row["maker"], row["fingerprint"]), row["lot"], row["key"])

    def of_key(self, key: str, lot: int) -> Pixels | None:
        """Of an image that the table does not have, such as one that is only there for others to be made from."""
        return next((each for ledger in self._makers if (each := self._picture(ledger, lot, key)) is not None), None)

    @cached_property
    def _makers(self) -> list[Ledger]:
        """Those with pictures, as the last build had them."""
        last: dict[str, Any] = next(iter(reversed(accounts(self.store))), {})
        told = [(stage, str(about["fingerprint"])) for stage, about in stages_of(last).items()]
        return [Ledger(self.store, *each) for each in told if self.store.names("images/" + "/".join(each))]

    def _picture(self, ledger: Ledger, lot: int, key: str) -> Pixels | None:
        for files in ledger.files((lot,)).values():
            rows = ledger.read_lot(files, [], with_beside=True)
            mine = rows.filter(pc.and_(pc.equal(rows["key"], key), pc.equal(rows["state"], OK))).to_pylist()
            for last in mine[-1:]:
                shelf = ledger.shelf("images", lot, last[BESIDE["images"]])
                return decoded(files_of_row(shelf, last["key"], last["input_digest"])["webp"])
        return None
