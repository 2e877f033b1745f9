"""What a dataset tells of its sources: all that is known, or less where it is for others than those who built it."""

from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from actor18m.config.pipeline import Publish
from actor18m.publish.content import Block, Part
from actor18m.survey.survey import ACCEPTED


def discreet(block: Block, settings: Publish) -> Block:
    """The block as the settings want it told. Videos and images are the same: shards name no source."""
    if settings.inputs == ACCEPTED:
        block = _accepted(block)
    return _with_names_alone(block) if settings.uris == "names" else block


def _accepted(block: Block) -> Block:
    clips = block.clips.filter(pc.equal(block.clips["state"], ACCEPTED))
    inside = pc.is_in(block.decisions["clip"], value_set=clips["clip"].combine_chunks())
    inputs = block.inputs.filter(pc.equal(block.inputs["state"], ACCEPTED))
    return replace(block, inputs=inputs, clips=clips, decisions=block.decisions.filter(inside))


def _with_names_alone(block: Block) -> Block:
    uris = block.clips["uris"].to_pylist()
    names = pa.array([None if each is None else list(map(_name, each)) for each in uris], pa.list_(pa.string()))
    return replace(
        block,
        inputs=_named(block.inputs),
        clips=block.clips.set_column(block.clips.column_names.index("uris"), "uris", names),
        subsets={name: Part(part.samples, _named(part.rows)) for name, part in block.subsets.items()},
    )


def _named(rows: pa.Table) -> pa.Table:
    names = pa.array([None if uri is None else _name(uri) for uri in rows["uri"].to_pylist()], pa.string())
    return rows.set_column(rows.column_names.index("uri"), rows.schema.field("uri"), names)


def _name(uri: str) -> str:
    return uri.rstrip("/").rpartition("/")[2]
