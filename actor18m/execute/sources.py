"""Are the files of clips still those that were registered? Asked before and after a stage is called.

A stage is written by anybody, and reads a file with whatever it likes. So it is not asked to take care: its worker
looks at the file before the call and after it, and what is away or another file at either time gets no row. A file that
is another one only in between, as where a link was turned and turned back, is met when it is opened (media/watch.py).
"""

import time
from collections.abc import Callable, Mapping, Sequence

from actor18m.inputs import shown
from actor18m.media.watch import SourceTrouble, not_as_registered
from actor18m.storage.file_versions import versions_now

Wanted = tuple[str, str | None]
"""A file's URI, and its version when it was registered."""


def troubles(
    wanted: Mapping[str, Wanted],
    pauses_s: Sequence[float] = (),
    is_transient: Callable[[Exception], bool] = lambda error: False,
) -> dict[str, SourceTrouble]:
    """By clip, what is the matter with its file; nothing where it is as it was registered. A place that cannot be asked
    is asked again after each pause.
    """
    found = versions_now([uri for uri, _ in wanted.values()])
    for pause_s in pauses_s:
        again = [uri for uri, answer in found.items() if isinstance(answer, Exception) and is_transient(answer)]
        if not again:
            break
        time.sleep(pause_s)
        found |= versions_now(again)
    told = {key: _trouble(uri, version, found[uri]) for key, (uri, version) in wanted.items()}
    return {key: trouble for key, trouble in told.items() if trouble is not None}


def _trouble(uri: str, version: str | None, now: str | Exception | None) -> SourceTrouble | None:
    if not isinstance(now, Exception):
        return not_as_registered(uri, version, now)
    if version is None:  # it was never reached: the stage says so
        return None
    return SourceTrouble(
        f"{shown(uri)} cannot be looked at now ({type(now).__name__}: {now}); nothing was measured of it"
    )
