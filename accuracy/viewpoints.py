"""Which viewpoints a dataset has before and after views are added, as in Table 1 of the paper, and which of the wanted
views were obtained, by how.

Both are read from the table of references of a version. Viewpoints are those seen in the images, whatever was wanted.
Of views that were not obtained the table tells where the pipeline says `publish: {images: all}`.

python -m accuracy.viewpoints DATASET [--json]
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from actor18m.media.views import VIEWS, BodyView, FaceView, view_shown
from actor18m.survey.images import KEPT

LATEST = "latest/metadata/references"
BINS: Mapping[str, Sequence[str]] = {"face": get_args(FaceView), "body": get_args(BodyView)}
NOT_TOLD, ALL = "not told", "all"
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Share:
    """Of the images of one region that are kept, how many show which viewpoint."""

    subset: str
    region: str
    source: str
    """self-crop, view-aug and so on; or `all`."""
    images: int
    viewpoints: dict[str, int]


@dataclass(frozen=True)
class Obtained:
    """What became of the requests for one view."""

    region: str
    view: str
    wanted: int
    as_wanted: dict[str, int]
    """Kept images that are seen to show it, by how they were made."""
    as_other: dict[str, int]
    """Kept images that are seen to show another view or none that can be told, likewise."""
    lost: dict[str, int]
    """The rest, by state."""


def shares(rows: Sequence[Row]) -> list[Share]:
    """By subset and region: each source, and all together."""
    kept = [row for row in rows if row["state"] == KEPT and _region(row) in BINS]
    found = []
    for subset, region in dict.fromkeys((row["subset"], _region(row)) for row in kept):
        of_both = [row for row in kept if (row["subset"], _region(row)) == (subset, region)]
        sources = {
            source: [r for r in of_both if r["source"] == source] for source in {r["source"]: 0 for r in of_both}
        }
        for source, some in [*sources.items(), ("all", of_both)][: None if len(sources) > 1 else 1]:
            told = Counter(row["seen_viewpoint"] or NOT_TOLD for row in some)
            found.append(Share(subset, region, source, len(some), {b: told[b] for b in (*BINS[region], NOT_TOLD)}))
    return found


def obtained(rows: Sequence[Row]) -> list[Obtained]:
    """Of every region and view that was asked for."""
    asked = [row for row in rows if row.get("view")]
    found = []
    for region in BINS:
        for view in VIEWS:
            some = [row for row in asked if (_region(row), row["view"]) == (region, view)]
            kept = [row for row in some if row["state"] == KEPT]
            right = [row for row in kept if view_shown(row["seen_viewpoint"], row["seen_yaw_deg"]) == view]
            other = [row for row in kept if row not in right]
            lost = Counter(row["state"] for row in some if row["state"] != KEPT)
            if some:
                found.append(Obtained(region, view, len(some), _by_how(right), _by_how(other), dict(lost)))
    return found


def together(told: Sequence[Obtained], region: str) -> Obtained:
    """All views of a region."""
    own = [each for each in told if each.region == region]
    counts = [sum((Counter(getattr(e, name)) for e in own), Counter()) for name in ("as_wanted", "as_other", "lost")]
    return Obtained(region, ALL, sum(each.wanted for each in own), *map(dict, counts))


def _by_how(rows: Sequence[Row]) -> dict[str, int]:
    return dict(Counter(row["how"] for row in rows))


def _region(row: Row) -> str:
    return str(row["key"]).split("-")[1]


def show(rows: Sequence[Row], console: Console) -> None:
    for region, bins in BINS.items():
        table = Table("subset", "source", "images", *bins, NOT_TOLD, title=f"Viewpoints of kept images: {region}, in %")
        for each in shares(rows):
            if each.region == region:
                parts = (f"{100 * count / each.images:.1f}" for count in each.viewpoints.values())
                table.add_row(each.subset, each.source, str(each.images), *parts)
        console.print(table)
    views = obtained(rows)
    table = Table("region", "view", "wanted", "obtained", "by", "kept, of another view", "not obtained", title="Views")
    for region in BINS:
        own = [wanted for wanted in views if wanted.region == region]
        for one in (*own, together(views, region)) if own else ():
            share = f"{100 * sum(one.as_wanted.values()) / one.wanted:.1f}%"
            words = (_counted(counts) for counts in (one.as_wanted, one.as_other, one.lost))
            table.add_row(region, one.view, str(one.wanted), share, *words, end_section=one.view == ALL)
    console.print(table)
    if views and not any(one.lost for one in views):
        console.print("Views that were not obtained are not told of: publish them with `publish: {images: all}`.")


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "-"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path, help="its folder, of which the latest version is read")
    parser.add_argument("--json", action="store_true", help="print both as JSON")
    args = parser.parse_args()
    table = args.dataset / LATEST
    if not table.is_dir():
        sys.exit(f"{args.dataset} has no table of references: build it with a subset that has images.")
    rows = pq.read_table(table).to_pylist()
    if args.json:
        told = {"viewpoints": [*map(asdict, shares(rows))], "views": [*map(asdict, obtained(rows))]}
        print(json.dumps(told, indent=2))
    else:
        show(rows, Console() if sys.stdout.isatty() else Console(width=200))


if __name__ == "__main__":
    main()
