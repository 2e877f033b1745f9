"""Two thousand single bits, each flipped alone in a copy of a store, of datasets and of a folder of weights.

The cheapest one that must believe or refuse the file is asked. Either its error names the file; or the damage is
noticed, the log names the file, and what was in it is made again, right; or the bit is one that nothing is made of, and
is argued for here (`carries nothing`). None is silently believed.

What is flipped is all that tells or holds what is published. The journal, accounts of runs and claims of writers are
not among it: nothing that is published comes from them.
"""

import os
import random
import re
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from actor18m.catalog.catalog import Catalog
from actor18m.dataset import hashes
from actor18m.errors import ActorError
from actor18m.ledger.attachments import files_of_row, read_files
from actor18m.ledger.index import Index
from actor18m.ledger.ledger import Ledger
from actor18m.models import weights
from actor18m.models.lock import Url, WeightFile
from actor18m.policy.words import read_words
from actor18m.publish import Block
from actor18m.storage.sealed import digest_in
from actor18m.storage.store import StoreError, open_store
from actor18m.verify.dataset import verify_dataset
from actor18m.verify.known_files import BESIDE, ROWS, What
from actor18m.verify.store import verify_store
from tests.engine.drawing import PIPELINE
from tests.engine.drawn import WORDS
from tests.engine.site import Site, content_of
from tests.publish.material import key_of, lot, sample, video
from tests.publish.test_damage import published

SEED = 18
NAMED, AGAIN, NOTHING = "named in an error", "made again, right", "carries nothing"
SILENT = "believed"
OUTCOMES = (NAMED, AGAIN, NOTHING, SILENT)
Ask = Callable[[Path, Path], str]
"""What comes of a damaged file: asked with a copy, and the file in it."""


@dataclass(frozen=True)
class Kind:
    name: str
    root: Path
    """What is copied."""
    of: str
    """The files of this kind, as a pattern of their paths below it."""
    flips: int
    ask: Ask

    def files(self) -> list[Path]:
        below = (path for path in self.root.rglob("*") if path.is_file() and not path.is_symlink())
        names = sorted(path.relative_to(self.root).as_posix() for path in below)
        return [Path(name) for name in names if re.fullmatch(self.of, name)]


@pytest.mark.slow
def test_no_flipped_bit_is_silently_believed(
    site: Site,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    kinds = [*of_a_site(site, caplog), *of_videos(tmp_path / "plain", caplog), *of_weights(tmp_path, monkeypatch)]
    assert sum(kind.flips for kind in kinds) >= 2000
    whole = {kind.root: content_of(kind.root) for kind in kinds}
    dice, counts, silent = random.Random(SEED), Counter[str](), list[str]()
    with capsys.disabled():
        print("\n" + line("", ["flips", *OUTCOMES]))
        for kind in kinds:
            found = Counter[str]()
            names = kind.files()
            assert names, kind
            for number in range(kind.flips):
                name = names[number % len(names)]
                at = dice.randrange((kind.root / name).stat().st_size * 8)
                copy = copied(kind.root, tmp_path / "copy" / str(number) / kind.root.name)
                flip(copy / name, at)
                caplog.clear()
                try:
                    outcome = kind.ask(copy, copy / name)
                except (Exception, pytest.fail.Exception) as error:
                    outcome = SILENT
                    silent.append(f"{kind.name}: bit {at} of {name}: {type(error).__name__}: {error}")
                found[outcome] += 1
                shutil.rmtree(copy.parent)
            print(line(kind.name, [found.total(), *(found[each] for each in OUTCOMES)]))
            counts += found
        print(line("all", [counts.total(), *(counts[each] for each in OUTCOMES)]))
    assert silent == [], "\n".join(silent)
    assert {root: content_of(root) for root in whole} == whole, "nobody wrote into what copies share"


def copied(root: Path, into: Path) -> Path:
    """By hard links."""
    shutil.copytree(root, into, symlinks=True, copy_function=os.link)
    return into


def flip(path: Path, bit: int) -> None:
    """In a file of its own: other copies share the one that is there."""
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.unlink()
    path.write_bytes(content)


def line(name: str, cells: Sequence[object]) -> str:
    """Of a table for people."""
    return name.ljust(24) + "".join(str(cell).rjust(20) for cell in cells)


def of_a_site(site: Site, caplog: pytest.LogCaptureFixture) -> list[Kind]:
    """A store that has seen a rename, a correction, and two words, and its dataset with images."""
    videos = site.videos
    site = replace(site, root=site.root / "site", pipeline=f"{PIPELINE}identities: {{stage: draw, within: 0.5}}\n")

    def on(store: Path) -> Site:
        return replace(site, root=store.parent)

    replace(site, root=videos.parent).put(WORDS)
    site.root.mkdir()
    site.build(given=videos)
    (videos / "plums.mp4").rename(videos / "prunes.mp4")
    replace(site, root=videos.parent).put({"quinces": "a film about quinces"})
    site.build("--sync", given=videos)
    (videos.parent / "terms.csv").write_text("path,licence\nvideos/pears.mp4,CC0\n")
    for words in (
        ("relicense", "--input", str(videos.parent / "terms.csv"), "--why", "the contract came"),
        ("deny", str(videos / "pears.mp4"), "--why", "asked to be left out"),
        ("allow", str(videos / "apples.mp4"), "--why", "looked at"),
    ):
        result = site.run(*words)
        assert result.exit_code == 0, result.output
    site.build("--sync", given=videos)
    assert site.build("--sync", given=videos)["published"]["is_new"] is False
    right, planned, whole = site.published(), site.ask("plan"), site.root / "store"
    said = len(read_words(open_store(whole)).said)

    def refused(result: Any, damaged: Path) -> str:
        assert result.exit_code == 1, result.output
        assert str(damaged) in result.output.replace("\n", ""), result.output
        return NAMED

    def told(damaged: Path) -> str:
        assert str(damaged) in caplog.text, caplog.text
        return AGAIN

    def by_plan(store: Path, damaged: Path) -> str:
        """Which rights are registered is compared with those of what is given."""
        at = on(store)
        return refused(at.run("plan", str(at.root / "steady.yaml"), "--input", str(videos)), damaged)

    def by_words(store: Path, damaged: Path) -> str:
        return refused(on(store).run("words"), damaged)

    def by_build(store: Path, damaged: Path) -> str:
        """Publishes all anew, and finds identities again. It reads one of two equal templates, when a renamed film has
        its row in two lots.
        """
        shutil.rmtree(store / "restricted" / "identities")
        at = on(store)
        result = at.run("build", str(at.root / "steady.yaml"), "--input", str(videos))
        if result.exit_code == 0:
            assert at.published() == right
            assert has_twins(whole / damaged.relative_to(store))
            return NOTHING
        return refused(result, damaged)

    def read_rows(store: Path, damaged: Path) -> str:
        ledger, lot = ledger_of(ROWS, store, damaged)
        return raised(lambda: ledger.read_lot(ledger.files((lot,))[lot]), damaged)

    def read_catalog(store: Path, damaged: Path) -> str:
        return raised(lambda: list(Catalog(open_store(store)).read()), damaged)

    def read_said(store: Path, damaged: Path) -> str:
        return raised(lambda: read_words(open_store(store)), damaged)

    def read_beside(store: Path, damaged: Path) -> str:
        kind: Any = damaged.relative_to(store).parts[0]
        ledger, lot = ledger_of(BESIDE, store, damaged)
        shelf = ledger.shelf(kind, lot, str(digest_in(damaged.name)))
        return raised(lambda: (files_of_row(shelf, "any", "row"), read_files(shelf)), damaged)

    def planned_as_before(store: Path, damaged: Path) -> str:
        found = on(store).ask("plan")
        assert (found["states"], found["stages"]) == (planned["states"], planned["stages"])
        return told(damaged)

    def known_as_before(store: Path, damaged: Path) -> str:
        stage, fingerprint = damaged.relative_to(store).parts[1:3]
        known = [Index(Ledger(open_store(at), stage, fingerprint)).read(range(1)) for at in (store, whole)]
        assert known[0].equals(known[1])
        return told(damaged)

    def built_as_before(copy: Path, damaged: Path) -> str:
        at = on(copy / "store" if copy.name == site.root.name else copy)
        at.build("--sync", given=videos)
        assert at.published() == right
        return told(damaged)

    def opened(store: Path, damaged: Path) -> str:
        """Which version of actor18m wrote it is for people only; what the layout is must not be misread."""
        try:
            open_store(store)
        except StoreError as error:
            return NAMED if str(store) in str(error) else SILENT
        assert re.search(rb'"schema": 2,\n', damaged.read_bytes())
        return NOTHING

    def verified(store: Path, damaged: Path) -> str:
        """What a mark tells stands in its name; the content is for people, and `verify` looks at it."""
        assert list(Catalog(open_store(store)).read())
        assert len(read_words(open_store(store)).said) == said
        assert str(damaged) in {finding.path for finding in verify_store(str(store))}
        return NOTHING

    def older(copy: Path, damaged: Path) -> str:
        """No build reads versions before the latest, but to bring one back."""
        assert str(damaged) in {finding.path for finding in verify_dataset(str(copy / "dataset"))}
        return NAMED

    latest = (site.dataset / "latest").readlink().name
    assert latest == "000003"
    return [
        Kind("folds of the ledger", whole, r"ledger/.*", 400, mostly(read_rows, by_plan)),
        Kind("catalog: inputs", whole, r"catalog/batch.*parquet", 100, mostly(read_catalog, by_plan)),
        Kind("catalog: presence", whole, r"catalog/presence.*parquet", 80, mostly(read_catalog, by_plan)),
        Kind("catalog: rights", whole, r"catalog/rights.*parquet", 80, mostly(read_catalog, by_plan)),
        Kind("marks", whole, r"(catalog|words)/.*mark", 20, verified),
        Kind("words", whole, r"words/.*json", 250, mostly(read_said, by_words)),
        Kind("images", whole, r"images/.*", 200, mostly(read_beside, by_build, 41)),
        Kind("restricted", whole, r"restricted/draw/.*", 200, mostly(read_beside, by_build, 41)),
        Kind("index", whole, r"index/.*", 80, mostly(known_as_before, planned_as_before)),
        Kind("relations", whole, r"relations/.*", 8, built_as_before),
        Kind("identities", whole, r"restricted/identities/.*", 8, built_as_before),
        Kind("store.json", whole, r"store\.json", 40, opened),
        Kind("dataset with images", site.root, rf"dataset/{latest}/(?!manifest\.json).*", 14, built_as_before),
        Kind("its older versions", site.root, r"dataset/00000[12]/.*", 20, older),
    ]


def mostly(by_hand: Ask, by_command: Ask, one_in: int = 17) -> Ask:
    """The one function through which all commands read such files; now and then a command."""
    number = count()
    return lambda copy, damaged: (by_hand if next(number) % one_in else by_command)(copy, damaged)


def has_twins(file: Path) -> bool:
    """All that is in it is in other files, too."""
    rows = pq.read_table(file).to_pylist()
    others = [row for other in file.parent.iterdir() if other != file for row in pq.read_table(other).to_pylist()]
    return all(row in others for row in rows)


def raised(read: Callable[[], object], damaged: Path) -> str:
    with pytest.raises(ActorError, match=re.escape(str(damaged))):
        read()
    return NAMED


def ledger_of(kind: What, store: Path, file: Path) -> tuple[Ledger, int]:
    """With the lot."""
    match = kind.pattern.fullmatch(file.relative_to(store).as_posix())
    assert match is not None
    *_, stage, fingerprint, lot = match.groups()
    return Ledger(open_store(store), stage, fingerprint), int(lot)


def of_videos(root: Path, caplog: pytest.LogCaptureFixture) -> list[Kind]:
    """A dataset of real videos, put together without a store."""
    root.mkdir()
    dark, low, over, second = map(sample, ("very_dark_1", "low_resolution_1", "overexposed_1", "one_second_1"))
    given: list[Block] = [
        lot(0, [video(dark), video(low)]),
        lot(1, [video(over), video(second)], rejected=[key_of(over)]),
    ]
    right = content_of(Path(published(root / "d", given).path))

    def again(copy: Path, damaged: Path) -> str:
        assert content_of(Path(published(copy / "d", given).path)) == right
        assert damaged.name == hashes.NAME or str(damaged) in caplog.text, caplog.text
        return AGAIN

    def refused(copy: Path, damaged: Path) -> str:
        return raised(lambda: published(copy / "d", given), damaged)

    return [
        Kind("shards", root, r"d/000001/videos/.*", 80, again),
        Kind("tables", root, r"d/000001/metadata/.*", 80, again),
        Kind("README, pipeline", root, r"d/000001/(README\.md|pipeline\.yaml)", 20, again),
        Kind("remembered hashes", root, re.escape(f"d/{hashes.NAME}"), 20, again),
        Kind("manifest", root, r"d/000001/manifest\.json", 180, refused),
    ]


def of_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Kind]:
    """Files of random bytes, which a lock names."""
    root = tmp_path / "weights"
    root.mkdir()
    locked = {}
    for name in ("face.onnx", "pose.task"):
        content = random.Random(name).randbytes(50_000)
        (root / name).write_bytes(content)
        source = Url(url=f"https://example.org/{name}")
        locked[name] = WeightFile(name=name, size=50_000, sha256=sha256(content).hexdigest(), sources=[source])
    monkeypatch.setattr(weights, "_locked", lambda: locked)

    def refused(copy: Path, damaged: Path) -> str:
        monkeypatch.setenv("ACTOR18M_MODELS", str(copy))
        return raised(lambda: weights.content_of(damaged.name), damaged)

    def refused_to_others(copy: Path, damaged: Path) -> str:
        monkeypatch.setenv("ACTOR18M_MODELS", str(copy))
        return raised(lambda: weights.path_of(damaged.name), damaged)

    return [Kind("weights", root, r".*", 200, mostly(refused, refused_to_others, 3))]
