"""What became so far of clips and images that came to a stage: by it, what is to come is foreseen.

It is read from rows that are there, by the rules that hold now. Of a stage that has none as it is now, rows that it
measured with other parameters or models serve. Of a large store some lots stand for all.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from actor18m.errors import ActorError
from actor18m.ledger.index import Index
from actor18m.ledger.ledger import ledgers
from actor18m.ledger.rows import OK
from actor18m.policy.rules import by_name, judge
from actor18m.storage.block_cache import LOTS_PER_SEGMENT
from actor18m.survey.admission import where
from actor18m.survey.chain import CLIP, Branch, Link
from actor18m.survey.runs import stages_of
from actor18m.survey.snapshot import Record

_RANGES, _LOTS = 8, 16
"""So many ranges of so many lots stand for all."""
_ATTEMPT = r"-c(?P<attempt>\d+)$"
_WORD = r"^[^-]+-[^-]+-(?P<word>[^-]+)-"
Judged = Callable[[Link, pa.Table], pa.ChunkedArray]
"""Which of a stage's rows pass."""
Of = tuple[str, str]
"""A stage, and the third word of the keys of the images that it is about; of clips, no text."""


@dataclass(frozen=True)
class Shares:
    """What is not in it is not known."""

    passing: Mapping[Of, float] = field(default_factory=dict)
    """Of clips or images that were measured, the share that the stage's rules pass; of those that a maker is asked for,
    the share that is made and passes its rules, with whatever attempt."""
    by_gate: Mapping[Of, float] = field(default_factory=dict)
    """By subset and stage, of clips the share that passes the rules of the subset's gate."""
    asking: Mapping[str, float] = field(default_factory=dict)
    """How many images a clip asks for, by the stage that asks."""
    attempts: Mapping[Of, float] = field(default_factory=dict)
    """How many one image took its maker."""


def shares_of(record: Record, repeating: float, accounts: Iterable[Mapping[str, Any]]) -> Shares:
    """`repeating` is the share of clips that repeat another one, of those that pass the first stage."""
    chain = record.surveyor.stages
    first, told = chain.clips[0], list(accounts)
    lots = _some({lot: None for link in chain.links for lot in record.files[link.name]})
    rows = {link.name: _rows(record, link, told, lots) for link in chain.links}
    passing, came = _followed(chain.clips, rows, lambda _, rows: rows["passed"], None)
    by_gate = dict[Of, float]()
    for branch in chain.branches:
        entered = came
        if branch.gate is not None:
            through, entered = _followed((first, *branch.way), rows, partial(_by_gate, branch), None)
            by_gate |= {(branch.subset, stage): share for (stage, _), share in through.items()}
        passing |= _followed(branch.links, rows, lambda _, rows: rows["passed"], entered)[0]
    for shares, of_first in ((passing, [(first.name, "")]), (by_gate, [of for of in by_gate if of[1] == first.name])):
        shares |= {of: shares[of] * (1 - repeating) for of in of_first if of in shares}
    asking, attempts = dict[str, float](), dict[Of, float]()
    for link in chain.links:
        if link.stage_class.requests is not None and rows[link.name].num_rows:
            ok = where(rows[link.name], pc.equal(rows[link.name]["state"], OK))
            asking[link.name] = pc.mean(pc.fill_null(pc.list_value_length(ok["_requests"]), 0)).as_py() or 0.0
        for word, of_word in _by_word(rows[link.name]) if link.unit == "images" else ():
            passing[link.name, word] = _share(of_word["key"], of_word["passed"])
            if link.stage_class.of == "requests":
                attempts[link.name, word] = _attempts(of_word)
    return Shares(passing, by_gate, asking, attempts)


def _followed(
    links: Iterable[Link], rows: Mapping[str, pa.Table], judged: Judged, came: pa.ChunkedArray | None
) -> tuple[dict[Of, float], pa.ChunkedArray | None]:
    """Shares of those that come from stage to stage, and who comes through: another way may have led others to these
    stages. None: whoever has a row."""
    shares = dict[Of, float]()
    for link in links:
        here = rows[link.name]
        if came is not None:
            here = here.filter(pc.is_in(here["key"], value_set=came))
        if not here.num_rows:
            came = None
            continue
        passed = pc.fill_null(judged(link, here), False)
        shares[link.name, ""] = _share(here["key"], passed)
        # the first stage's rows are those of inputs
        came = here[f"_{CLIP}" if f"_{CLIP}" in link.empty.column_names else "key"].filter(passed).combine_chunks()
    return shares, came


def _by_gate(branch: Branch, link: Link, rows: pa.Table) -> pa.ChunkedArray:
    """Whether each row passes the rules of a subset's gate."""
    verdicts = judge(rows, by_name((branch.gate or {}).get(link.name, {})))
    return pc.and_(pc.equal(rows["state"], OK), verdicts["passed"])


def _rows(record: Record, link: Link, accounts: Iterable[Mapping[str, Any]], lots: Iterable[range]) -> pa.Table:
    """Judged, of the stage as it is now; or as it was when it was measured with last."""
    tables = [record.judged(link, some) for some in lots]
    if not any(table.num_rows for table in tables):
        for other in _others(record, link, accounts):
            tables = _of_another(record, link, Index(other, link.values), lots)
            if any(table.num_rows for table in tables):
                break
    return pa.concat_tables([record.surveyor.judged(link, link.empty), *tables], promote_options="default")


def _of_another(record: Record, link: Link, index: Index, lots: Iterable[range]) -> list[pa.Table]:
    """None, where rows of an older version lack what the rules of now compare."""
    try:
        known = [pa.concat_tables([link.empty, index.read(some)], promote_options="default") for some in lots]
        return [record.surveyor.judged(link, each) for each in known]
    except (ActorError, KeyError, pa.ArrowException):
        return []


def _others(record: Record, link: Link, accounts: Iterable[Mapping[str, Any]]) -> list[Any]:
    """Other ledgers of the stage, the one that was measured with last first."""
    latest = list[str]()
    for account in accounts:
        if (told := stages_of(account).get(link.name)) is not None:
            latest.insert(0, str(told["fingerprint"]))
    there = {ledger.fingerprint: ledger for ledger in ledgers(record.store, link.name)}
    return [there[name] for name in dict.fromkeys(latest) if name in there and name != link.fingerprint]


def _some(files: Mapping[int, object]) -> list[range]:
    """Ranges of lots that have rows, each within a block, spread over all."""
    starts = sorted({lot - lot % _LOTS for lot in files})
    step = -(-len(starts) // _RANGES) or 1
    assert LOTS_PER_SEGMENT % _LOTS == 0
    return [range(start, start + _LOTS) for start in starts[::step]]


def _share(keys: pa.ChunkedArray, passed: pa.ChunkedArray) -> float:
    """Of the keys, those of which any row passes."""
    passed = pc.fill_null(passed, False)
    return float(pc.count_distinct(keys.filter(passed)).as_py() / pc.count_distinct(keys).as_py())


def _by_word(rows: pa.Table) -> list[tuple[str, pa.Table]]:
    words = pc.struct_field(pc.extract_regex(rows["key"], _WORD), "word")
    return [(word, rows.filter(pc.equal(words, word))) for word in pc.unique(words).to_pylist() if word is not None]


def _attempts(rows: pa.Table) -> float:
    """The last one of each image, on average."""
    told = pc.struct_field(pc.extract_regex(rows["input_digest"], _ATTEMPT), "attempt")
    counted = pa.table({"key": rows["key"], "attempt": pc.fill_null(told.cast(pa.int32()), 1)})
    return float(pc.mean(counted.group_by("key").aggregate([("attempt", "max")])["attempt_max"]).as_py() or 1.0)
