"""Which files the ledgers have, and their indexes, as far as somebody looked: each folder is listed once."""

from actor18m.ledger.index import Index
from actor18m.ledger.ledger import LotFiles
from actor18m.storage.store import Store
from actor18m.survey.chain import Link


class Seen:
    """A build has one from its beginning to its end: it holds the lease, so nobody else writes, and it forgets what it
    wrote to itself. Who only asks takes a new one for each question, since a build may go on meanwhile. What is read is
    checked by its digest, so that an old listing can hide rows and show no wrong ones.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._files: dict[tuple[str, str], dict[int, LotFiles]] = {}
        self._indexes: dict[tuple[str, str, str], Index] = {}

    def files(self, link: Link) -> dict[int, LotFiles]:
        """lot -> where its rows are."""
        about = link.name, link.fingerprint
        if about not in self._files:
            self._files[about] = link.ledger(self._store).files()
        return self._files[about]

    def index(self, link: Link) -> Index:
        about = link.name, link.fingerprint, link.values.name
        if about not in self._indexes:
            self._indexes[about] = Index(link.ledger(self._store), link.values, self.files(link))
        return self._indexes[about]

    def forget(self, link: Link) -> None:
        """Its ledger was written to."""
        self._files.pop((link.name, link.fingerprint), None)
        for about in [each for each in self._indexes if each[:2] == (link.name, link.fingerprint)]:
            del self._indexes[about]
