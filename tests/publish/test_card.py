from pathlib import Path

import pyarrow as pa

from actor18m.ledger.attachments import Shelf
from actor18m.publish.card import Card
from actor18m.publish.content import Block, Part, Reference
from actor18m.storage.store import store_at


def test_views_are_counted_as_they_were_asked_for_or_else_seen(tmp_path: Path) -> None:
    """A sheet has no view, and who tells no region is known by the image's key."""
    rows = pa.table(
        {
            "key": ["a-face-self-00", "a-face-mesh-01", "a-body-mesh-02", "a-sheet-own-03"],
            "region": ["face", "face", None, None],
            "viewpoint": ["front", None, "front", None],
            "seen_viewpoint": ["left", "up", None, None],
            "stage": pa.nulls(4, pa.string()),
            "rule": pa.nulls(4, pa.string()),
            "state": ["kept"] * 4,
        }
    )
    shelf = Shelf(store_at(str(tmp_path)), "images", "draw", "f", 0, "d")
    samples = [Reference(key, shelf, (key, "d"), {"webp": "0"}, {}) for key in rows["key"].to_pylist()]
    texts = ("state", "stage", "rule", "error_kind", "clip", "licence", "consent")
    nothing = pa.table({name: pa.array([], pa.string()) for name in texts})
    clips = nothing.append_column("without_images", pa.array([], pa.list_(pa.string())))
    decisions = nothing.append_column("passed", pa.array([], pa.bool_()))
    card = Card()
    card.add(Block(range(1), nothing, clips, decisions, [], {"A": Part(samples, rows)}))
    text = card.text({})
    table = "| body front | 1 |\n| face front | 1 |\n| face up | 1 |\n| sheet | 1 |\n"
    assert f"| region and viewpoint | images |\n|---|---|\n{table}" in text
    assert "WebDataset(shards" in text.partition("webdataset, subset A")[2]
    assert 'videos.urls")' not in text, "there is no video to read"
    assert "mask.png" not in text
