"""Clips that cannot be published now: the others are, and these wait for the next build.

One clip's source is gone or was edited, its images cannot be read, or making its sample fails in a way that nobody
foresaw: that is no reason to publish nothing of thousands. Such a clip is told as `pending` at the stage `publish`, so
that the version is what it would be if the clip had not been measured yet. The next build tries again by itself.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from actor18m import stopping
from actor18m.dataset.root import DatasetError
from actor18m.publish.content import AcceptedClip, Block, Part, Sample
from actor18m.publish.samples import SourceError
from actor18m.redact import redact
from actor18m.storage.store import StoreError
from actor18m.survey.admission import PENDING
from actor18m.survey.survey import ACCEPTED

PUBLISH = "publish"
"""Stands where a fate names its stage."""


@dataclass(frozen=True)
class LeftOut:
    kind: str
    """One word to count by, which tables tell."""
    cause: str
    """For people."""


@contextmanager
def left_out_by(sample: Sample, left_out: MutableMapping[str, LeftOut]) -> Iterator[None]:
    """An error of this sample leaves out its clip. What the operating system or the store says is raised: troubles of
    sources are told apart from those (SourceError), so that is the dataset's, the store's or the machine's.
    """
    try:
        yield
    except Exception as error:
        stopping.check()
        if isinstance(error, OSError | StoreError | DatasetError):
            raise
        if isinstance(error, SourceError):
            left_out[sample.clip] = LeftOut(error.kind, redact(str(error)))
        else:
            what = sample.uri if isinstance(sample, AcceptedClip) else sample.key
            cause = f"{what}: cannot be published ({type(error).__name__}: {error})"
            left_out[sample.clip] = LeftOut(type(error).__name__, redact(cause))


def without(blocks: Iterable[Block], left_out: Mapping[str, LeftOut]) -> Iterator[Block]:
    """As if these clips had come as far as to be published, and not further."""
    for block in blocks:
        here = {video.clip for video in block.videos} & left_out.keys()
        yield _without(block, {clip: left_out[clip] for clip in here}) if here else block


def _without(block: Block, left_out: Mapping[str, LeftOut]) -> Block:
    return replace(
        block,
        inputs=_pending(block.inputs, left_out),
        clips=_pending(block.clips, left_out),
        videos=[video for video in block.videos if video.clip not in left_out],
        subsets={name: _part(part, left_out) for name, part in block.subsets.items()},
    )


def _part(part: Part, left_out: Mapping[str, LeftOut]) -> Part:
    rows = part.rows.filter(pc.invert(pc.is_in(part.rows["clip"], pa.array(sorted(left_out), pa.string()))))
    return Part([sample for sample in part.samples if sample.clip not in left_out], rows)


def _pending(rows: pa.Table, left_out: Mapping[str, LeftOut]) -> pa.Table:
    """Those that were accepted; a copy of one stays a duplicate of it."""
    states, clips = rows["state"].to_pylist(), rows["clip"].to_pylist()
    told = [left_out.get(clip) if state == ACCEPTED else None for state, clip in zip(states, clips, strict=True)]
    for at, field in enumerate(rows.schema):
        if field.name in _TELLS:
            says = _TELLS[field.name]
            values = [says(each) if each else old for each, old in zip(told, rows[field.name].to_pylist(), strict=True)]
            rows = rows.set_column(at, field, pa.array(values, field.type))
    return rows


_TELLS: Mapping[str, Callable[[LeftOut], str]] = {
    "state": lambda each: PENDING,
    "stage": lambda each: PUBLISH,
    "why": lambda each: f"{PUBLISH}: {each.kind}",
    "error_kind": lambda each: each.kind,
}
