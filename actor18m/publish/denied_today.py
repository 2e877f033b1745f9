"""Which clips and images of an old version are denied today: a version is as it was, whatever was said since."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from actor18m.dataset import Version
from actor18m.policy.words import DENY, read_words
from actor18m.publish.made_from import and_made_from
from actor18m.relations.signature_search import DuplicateRule
from actor18m.storage.store import Store
from actor18m.survey.contents import contents
from actor18m.survey.like_denied import LikeDenied
from actor18m.survey.meaning import Force
from actor18m.yaml_file import parse_yaml

_ASKED = ("clip", "uris", "content_sha256", "cut", "crop", "shard")


def denied_today(version: Version, store: Store) -> list[str]:
    """Keys of clips whose videos it has: by the words that the store has, or as near duplicates by its own rule."""
    force = Force([word for word in read_words(store).in_force if not word.is_of_image])
    if not force.words:
        return []
    rows = [row for row in _clips(version) if row["shard"] is not None]
    newest = {row["clip"]: _newest(force, row) for row in rows}
    denied = {clip for clip, rank in newest.items() if rank >= 0 and force.words[rank].verb == DENY}
    published = pa.array(newest, pa.string())
    like = LikeDenied(_duplicate_rule(version), force.denied())
    for known in contents(store, with_looks=True):
        clips = known.filter(pc.is_in(known["clip"], published))
        for clip, found in zip(clips["clip"].to_pylist(), like.of(clips), strict=True):
            if found is not None and found.rank > newest[clip]:
                denied.add(clip)
    return sorted(denied)


def denied_images_today(version: Version, store: Store) -> list[str]:
    """Keys of images that it has and that were denied: by key, by content, or with what they are made from."""
    denied = pa.array(sorted(read_words(store).denied_images), pa.string())
    found, published = set[str](), set[str]()
    if not len(denied):
        return []
    with version.near(version.parts("references")) as parts:
        for part in parts:
            rows = pq.read_table(part, columns=["key", "sha256", "shard"])
            is_denied = pc.or_(*(pc.is_in(rows[name], value_set=denied) for name in ("key", "sha256")))
            found |= {*rows.filter(is_denied)["key"].to_pylist()}
        found = and_made_from(found, parts)
        for part in parts:
            rows = pq.read_table(part, columns=["key", "shard"])
            is_there = pc.and_(pc.is_in(rows["key"], pa.array(found, pa.string())), pc.is_valid(rows["shard"]))
            published |= {*rows.filter(is_there)["key"].to_pylist()}
    return sorted(published)


def _clips(version: Version) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    nothing = dict.fromkeys(_ASKED)
    with version.near(version.parts("clips")) as parts:
        for part in parts:
            there = [name for name in _ASKED if name in pq.read_schema(part).names]
            found += [nothing | row for row in pq.read_table(part, columns=there).to_pylist()]
    return found


def _newest(force: Force, row: Mapping[str, Any]) -> int:
    """Of the words on any of its sources; -1 where there is none."""
    about = {"clip": row["clip"], "content": row["content_sha256"], "cut": row["cut"], "crop": row["crop"]}
    ranks = (force.newest(about | {"uri": uri}) for uri in row["uris"] or [None])
    return max((rank for rank in ranks if rank is not None), default=-1)


def _duplicate_rule(version: Version) -> DuplicateRule | None:
    """As the version was built: stages that its pipeline names may not be there any more."""
    pipeline = parse_yaml(version.read("pipeline.yaml").decode())
    rule = pipeline.get("duplicates") if isinstance(pipeline, Mapping) else None
    return None if rule is None else DuplicateRule.model_validate(rule)
