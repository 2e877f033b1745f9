"""How clips go from stage to stage, as far as their rows are there and pass: against a plain loop over clips."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from actor18m.config.pipeline import parse_pipeline
from actor18m.survey.chain import chain_of
from actor18m.survey.following import MISSING, REJECTED, follow
from tests.engine.steady import PIPELINE

READ, LOOK, DEEP = chain_of(parse_pipeline(PIPELINE, "steady")).clips
NOTHING, PASSES, FAILS, FAILED, STALE = "nothing", "passes", "fails", "failed", "stale"
"""What is known of a clip at a stage. A stale row is of another input, such as what the stage before gave
in an older version."""
CLIPS = st.lists(st.tuples(*[st.sampled_from([NOTHING, PASSES, FAILS, FAILED, STALE])] * 2), max_size=12)


def read_of(number: int) -> pa.Table:
    """A clip that came through the first stage, which gives the digest of what it read to two readers."""
    return pa.table(
        {"number": [number], "key": [f"clip{number}"], "lot": pa.array([0], pa.int32())}
        | {"read@": ["v"], "read>look": [f"text{number}"], "read>deep": [f"words{number}"]}
    )


def row_of(stage: str, number: int, known: str) -> dict[str, object] | None:
    if known == NOTHING:
        return None
    digest = {"look": f"text{number}", "deep": f"words{number}-score{number}"}[stage]
    is_ok = known in (PASSES, FAILS, STALE)
    return {
        "key": f"clip{number}",
        "lot": 0,
        "input_digest": "older" if known == STALE else digest,
        "state": "ok" if is_ok else "failed",
        "error_kind": None if is_ok else "Unlucky",
        "passed": known != FAILS if is_ok else None,
        "rule": "score" if known == FAILS else None,
        "value": "0.1" if known == FAILS else None,
        "bound": "at least 0.4" if known == FAILS else None,
        **({"_for_deep": f"score{number}"} if stage == "look" else {}),
    }


def known_of(clips: list[tuple[str, str]]) -> Mapping[str, pa.Table]:
    text = ("key", "input_digest", "state", "error_kind", "rule", "value", "bound", "_for_deep")
    found = {}
    for at, stage in enumerate(("look", "deep")):
        fields = [(name, pa.string()) for name in text if stage == "look" or name != "_for_deep"]
        shape = pa.schema([*fields, ("lot", pa.int32()), ("passed", pa.bool_())])
        rows = [row for number, each in enumerate(clips) if (row := row_of(stage, number, each[at])) is not None]
        found[stage] = pa.Table.from_pylist(rows, schema=shape)
    return found


def one_by_one(clips: list[tuple[str, str]]) -> dict[int, tuple[str, str | None]]:
    """Of each clip, in which state it stands and at which stage."""
    fates: dict[int, tuple[str, str | None]] = {}
    for number, each in enumerate(clips):
        fates[number] = ("through", None)
        for stage, known in zip(("look", "deep"), each, strict=True):
            if known in (NOTHING, STALE):
                fates[number] = ("pending", stage)
            elif known == FAILED:
                fates[number] = ("failed", stage)
            elif known == FAILS:
                fates[number] = (REJECTED, stage)
            else:
                continue
            break
    return fates


@given(CLIPS)
def test_every_clip_stands_where_a_plain_loop_says(clips: list[tuple[str, str]]) -> None:
    came = pa.concat_tables([read_of(0).slice(0, 0), *(read_of(number) for number in range(len(clips)))])
    way = follow(came, [LOOK, DEEP], known_of(clips))
    stopped = [row for table in way.stopped for row in table.to_pylist()]
    fates = {row["number"]: (row["state"], row["stage"]) for row in stopped}
    fates |= dict.fromkeys(way.clips["number"].to_pylist(), ("through", None))
    assert fates == one_by_one(clips)
    assert len(stopped) + way.clips.num_rows == len(clips), "each once"
    for row in stopped:
        assert (row["rule"], row["value"]) == (("score", "0.1") if row["state"] == REJECTED else (None, None))
        assert row["error_kind"] == ("Unlucky" if row["state"] == "failed" else None)
    for stage in ("look", "deep"):
        missing = way.missing[stage]
        assert missing["number"].to_pylist() == [
            n for n, fate in one_by_one(clips).items() if fate == ("pending", stage)
        ]
        assert missing.column_names[: len(MISSING)] == [*MISSING]
    assert way.missing["deep"]["look@"].to_pylist() == [f"text{n}" for n in way.missing["deep"]["number"].to_pylist()]


@given(CLIPS)
def test_no_clip_depends_on_those_beside_it(clips: list[tuple[str, str]]) -> None:
    known = known_of(clips)
    came = [read_of(number) for number in range(len(clips))]
    whole = follow(pa.concat_tables([read_of(0).slice(0, 0), *came]), [LOOK, DEEP], known)
    alone = [follow(each, [LOOK, DEEP], known) for each in came]
    through = [number for way in alone for number in way.clips["number"].to_pylist()]
    assert whole.clips["number"].to_pylist() == through
    for stage in ("look", "deep"):
        keys = [key for way in alone for key in way.missing[stage]["key"].to_pylist()]
        assert whole.missing[stage]["key"].to_pylist() == keys


def test_other_rules_than_the_stage_s_may_judge() -> None:
    clips = [(FAILS, PASSES), (PASSES, FAILS)]
    came = pa.concat_tables([read_of(number) for number in range(len(clips))])

    def all_pass(stage: str, rows: pa.Table) -> pa.Table:
        passed = pa.array(np.ones(rows.num_rows, bool))
        return rows.set_column(rows.column_names.index("passed"), "passed", passed)

    assert follow(came, [LOOK, DEEP], known_of(clips)).clips.num_rows == 0
    assert follow(came, [LOOK, DEEP], known_of(clips), all_pass).clips["number"].to_pylist() == [0, 1]
