"""A dataset for others tells less of where it came from, and its shards stay as they are."""

from dataclasses import replace

from tests.engine.site import Site, films
from tests.engine.steady import PIPELINE


def test_a_dataset_for_others_names_no_folder_and_nothing_that_was_left_out(site: Site) -> None:
    site.put(films("good", 3, 0.6, 1.0) | films("poor", 2, 0.2, 0.4) | {"bad": "this is broken"})
    site.build()
    shards, whole = site.shards(), site.table("inputs")
    told = replace(site, pipeline=f"{PIPELINE}publish: {{uris: names, inputs: accepted}}\n")
    told.build()
    assert told.shards() == shards, "not one shard is written again"
    rows = told.table("inputs")
    assert sorted(row["uri"] for row in rows) == ["good0.mp4", "good1.mp4", "good2.mp4"]
    assert [row["uris"] for row in told.table("clips")] == [
        [row["uri"]] for row in sorted(rows, key=lambda r: r["clip"])
    ]
    assert {row["clip"] for row in told.table("decisions")} == {row["clip"] for row in rows}
    for name, content in told.published().items():
        assert str(site.videos).encode() not in content, name
        assert b"poor" not in content, name
    told = replace(site, pipeline=f"{PIPELINE}publish: {{uris: whole}}\n")
    told.build()
    assert told.table("inputs") == whole, "the store has it all"
