"""Which images the clips of subsets ask for: a request for each element of the lists in their rows."""

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from actor18m.survey.chain import Branch, Chain, Link, sources_of

REQUEST = pa.schema(
    [
        pa.field("number", pa.int64()),
        pa.field("clip", pa.string()),
        pa.field("lot", pa.int32()),
        pa.field("key", pa.string()),
        pa.field("asked_by", pa.string()),
        pa.field("asked@", pa.string()),
        pa.field("request", pa.string()),
        pa.field("source_image", pa.string()),
        pa.field("maker", pa.string()),
    ]
)
"""`asked@` is the input digest of the row that asks, `request` a digest of what it says of this image, `source_image`
the key of the image from which it is made."""


def requested(chain: Chain, branch: Branch, clips: pa.Table) -> int:
    """How many images a subset's clips ask for."""
    askers = [(link, f"{asker}?") for link in chain.images if link.name in branch.makers for asker in link.of]
    return sum(
        pc.sum(pc.list_value_length(clips[column])).as_py() or 0 for _, column in askers if column in clips.column_names
    )


def read_of_clips(maker: Link, images: Sequence[Link]) -> list[str]:
    """Columns in which clips carry what the maker reads of their rows, and who looks at its images."""
    readers = [link for link in images if link is maker or maker.name in link.of]
    names = [name for link in readers for needed in link.needs for name in (f"{needed}@", f"{needed}>{link.name}")]
    return list(dict.fromkeys(names))


def requests_to(
    link: Link, read: Sequence[str], branches: Sequence[Branch], admitted: Mapping[str, pa.Table]
) -> pa.Table:
    """REQUEST of all that the maker is asked for, with what is read of each clip's rows."""
    tables = [REQUEST.empty_table()]
    for asker in link.of:
        seen: pa.Array | None = None
        for branch in branches:
            clips = admitted[branch.subset]
            if link.name not in (*branch.makers, *branch.also) or f"{asker}?" not in clips.column_names:
                continue
            if seen is not None:  # two subsets may take in one clip: its images are asked for once
                clips = clips.filter(pc.invert(pc.is_in(clips["key"], value_set=seen)))
            keys = clips["key"].combine_chunks()
            seen = keys if seen is None else pa.concat_arrays([seen, keys])
            tables.append(_exploded(link, asker, clips, read))
    return pa.concat_tables(tables, promote_options="default").combine_chunks()


def clips_asked_in_full(link: Link, chain: Chain, admitted: Mapping[str, pa.Table]) -> pa.Array:
    """Clips of which all requests are known that a maker's source images may come from."""
    links = {each.name: each for each in chain.links}
    makers = sources_of(links, link.name)
    full = _keys(admitted.values())
    for maker in makers:
        for asker in links[maker].of:
            told = [
                admitted[branch.subset]
                for branch in chain.branches
                if maker in (*branch.makers, *branch.also) and f"{asker}?" in admitted[branch.subset].column_names
            ]
            full = full.filter(pc.is_in(full, value_set=_keys(told)))
    return full


def _keys(clips: Iterable[pa.Table]) -> pa.Array:
    return pa.concat_arrays([pa.array([], pa.string()), *(each["key"].combine_chunks() for each in clips)])


def _exploded(link: Link, asker: str, clips: pa.Table, read: Sequence[str]) -> pa.Table:
    """A row for each request of these clips."""
    lists = clips[f"{asker}?"].combine_chunks()
    parents = pc.list_parent_indices(lists)
    requests = pc.list_flatten(lists)
    carried = [name for name in read if name in clips.column_names]
    of_clip = clips.select(list(dict.fromkeys(["number", "key", "lot", f"{asker}@", *carried]))).take(parents)
    name, source = (pc.struct_field(requests, each) for each in ("name", "source"))
    count = len(parents)
    columns = {
        "number": of_clip["number"],
        "clip": of_clip["key"],
        "lot": of_clip["lot"],
        "key": pc.binary_join_element_wise(of_clip["key"], name, "-"),
        "asked_by": _same(asker, count),
        "asked@": of_clip[f"{asker}@"],
        "request": pc.struct_field(requests, "digest"),
        "source_image": pc.binary_join_element_wise(of_clip["key"], source, "-"),
        "maker": _same(link.name, count),
    }
    return pa.table(columns | {name: of_clip[name] for name in carried})


def _same(value: str, count: int) -> pa.Array:
    return pa.array([value] * count, pa.string())
