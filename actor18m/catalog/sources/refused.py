"""Rows of a list that name what is never read, or nothing: each is an input that fails alone, and it is said which."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace

from actor18m.amounts import amount
from actor18m.inputs import Input, bad_row, refusal, shown

Row = tuple[str, Input]
"""Where in the list it stands, such as `line 3`, and what it names."""
REFUSED = "refused"
"""In such an input's source: where it stands."""
_TOLD = 5

_log = logging.getLogger(__name__)


def told(list_uri: str, rows: Iterable[Row]) -> Iterator[Input]:
    """The inputs. Of the refused ones the first few are told one by one, then how many there were."""
    refused = 0
    for where, row in rows:
        if found := refusal(row.uri):
            refused += 1
            if refused <= _TOLD:
                what = "" if found[0] == "bad_row" else f": {shown(row.uri)}"
                _log.warning("the list %s, %s%s fails: %s", shown(list_uri), where, what, found[1])
            row = replace(row, source={**row.source, REFUSED: f"the list {shown(list_uri)}, {where}"})
        yield row
    if refused > _TOLD:
        _log.warning("the list %s: %s in all", shown(list_uri), amount(refused, "row fails", "rows fail"))


def no_input(list_uri: str, where: str, reason: str, states: tuple[str, ...] = ()) -> Row:
    """A row that means no input."""
    return where, Input(bad_row(list_uri, where, reason), states=states)
