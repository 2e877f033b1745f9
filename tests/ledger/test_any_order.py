"""The ledger against a model of a few lines, in any order of commits, folds, deaths, takeovers, index and gc."""

import os
import shutil
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from actor18m.ledger.fold import fold_lot, superseded
from actor18m.ledger.index import refresh
from actor18m.ledger.ledger import Ledger
from actor18m.ledger.rows import checked
from actor18m.storage.lease import Lease, hold
from actor18m.storage.parquet import to_bytes
from actor18m.storage.sealed import digest_of
from actor18m.storage.store import make_store
from tests.measured import failed, known, measured, rows

LOTS = (0, 1, 2000)
KEYS, DIGESTS = ("a", "b", "c"), ("d", "e")
RANKS = ["ok", "quarantined", "failed"]

About = tuple[int, str, str]
Said = tuple[str, float | None]

outcomes = st.one_of(
    st.tuples(st.just("ok"), st.sampled_from([0.25, 0.5, 0.75])),
    st.tuples(st.sampled_from(RANKS[1:]), st.none()),
)
commits = st.dictionaries(st.tuples(st.sampled_from(KEYS), st.sampled_from(DIGESTS)), outcomes, min_size=1, max_size=4)
moments = st.sampled_from(["lives", "lives", "dies before", "dies after"])


class Died(BaseException):
    pass


class LedgerMachine(RuleBasedStateMachine):
    @initialize()
    def start(self) -> None:
        self.root = Path(tempfile.mkdtemp())
        self.store = make_store(self.root / "store")
        self.ledger = Ledger(self.store, "identity", "f00d")
        self.open = ExitStack()
        self.fast = patch.object(os, "fsync", lambda handle: None)
        self.fast.start()
        self.lease: Lease = self.open.enter_context(hold(self.store, beat_s=3600))
        self.rows: dict[About, dict[str, Said]] = {}
        self.folded: dict[About, Said] = {}

    def teardown(self) -> None:
        self.open.close()
        self.fast.stop()
        shutil.rmtree(self.root)

    @rule(lot=st.sampled_from(LOTS), given=commits, moment=moments)
    def commit(self, lot: int, given: dict[tuple[str, str], Said], moment: str) -> None:
        table = rows(
            *(
                measured(key, value, digest) if value is not None else failed(key, state, digest)
                for (key, digest), (state, value) in given.items()
            )
        )
        part = digest_of(to_bytes(checked(table)))
        self.until(moment, lambda: self.ledger.commit(self.lease, lot, table))
        if moment != "dies before":
            for (key, digest), said in given.items():
                self.rows.setdefault((lot, key, digest), {})[part] = said

    @rule(lot=st.sampled_from(LOTS), moment=moments)
    def fold(self, lot: int, moment: str) -> None:
        files = self.ledger.files((lot,)).get(lot)
        if files is not None:
            self.until(moment, lambda: fold_lot(self.lease, self.ledger, files))
            if moment != "dies before":
                held = self.expected()
                self.folded |= {about: said for about, said in held.items() if about[0] == lot and said[0] == "ok"}

    @rule()
    def collect(self) -> None:
        for path in list(superseded(self.ledger)):
            self.lease.delete(path)

    @rule(moment=moments)
    def index(self, moment: str) -> None:
        self.until(moment, lambda: refresh(self.lease, self.ledger))

    @rule()
    def lose_the_index(self) -> None:
        shutil.rmtree(self.root / "store" / "index", ignore_errors=True)

    @rule()
    def take_over(self) -> None:
        old = self.lease
        self.lease = self.open.enter_context(hold(self.store, take_over=True, beat_s=3600))
        with suppress(Exception):
            self.ledger.commit(old, LOTS[0], rows(measured("a", 0.125)))

    @invariant()
    def the_rows_that_hold_are_the_models(self) -> None:
        found = {
            (lot, row["key"], row["input_digest"]): (row["state"], row["similarity"])
            for lot, table in self.ledger.read()
            for row in table.to_pylist()
        }
        assert found == self.expected()

    @invariant()
    def planning_knows_the_same(self) -> None:
        expected = {about: state for about, (state, _) in self.expected().items()}
        listed = known(self.ledger).to_pylist()
        assert {(row["lot"], row["key"], row["input_digest"]): row["state"] for row in listed} == expected
        assert len(listed) == len(expected)

    def expected(self) -> dict[About, Said]:
        def holds(about: About) -> Said:
            if about in self.folded:
                return self.folded[about]
            said = self.rows[about]
            return said[min(said, key=lambda part: (RANKS.index(said[part][0]), part))]

        return {about: holds(about) for about in self.rows}

    def until(self, moment: str, act: Any) -> None:
        """Runs it, or lets the process die around the one move of a file to its name."""
        link = os.link

        def dying(source: Path, target: Path) -> None:
            if moment == "dies after":
                link(source, target)
            raise Died

        with suppress(Died), patch.object(os, "link", link if moment == "lives" else dying):
            act()


TestLedger = LedgerMachine.TestCase
TestLedger.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
