"""A build that splits can be killed at any moment, also while it registers clips: the dataset is the same."""

import itertools
import os
import shutil
import time
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from functools import partial
from io import BytesIO
from pathlib import Path
from random import Random

import av
import pyarrow.parquet as pq
import pytest

from actor18m.media.x264 import REPEATABLE
from actor18m.samples.shipped import SHIPPED
from actor18m.storage.lease import Lease
from tests.engine.killing import PAUSE_S, ROOT, Build, Project, kill_often
from tests.engine.reels import REELS, reel
from tests.engine.site import Site

WHILE_SPLITTING = ("shots",)
"""Once at least; the other kills come later, in whatever is going on then."""
HOUR_S = 3600


class Killed(BaseException):
    pass


def put_reels(folder: Path, count: int, shots: int) -> None:
    folder.mkdir(exist_ok=True)
    random = Random(18)
    for number in range(count):
        words = []
        for shot in range(shots):
            take = number if number % 7 else number - 1  # some are taken twice
            said = "broken" if random.random() < 0.1 else f"shot {shot} of reel {take}"
            words += ["cut", *said.split(), *["on"] * random.randrange(4)]
        (folder / f"reel{number:03d}.mp4").write_bytes(reel(" ".join(words[1:])))


@pytest.fixture(scope="module")
def reels(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Of some sources, clips for two lots."""
    root = tmp_path_factory.mktemp("reels")
    put_reels(root / "in", 40, 8)
    # sources so slowly that a task has few of them
    slowly = REELS.replace(
        "run: {clips_per_call: 1}", f"run: {{clips_per_call: 1}}, parameters: {{pause_s: {8 * PAUSE_S}}}"
    )
    (root / "pipeline.yaml").write_text(slowly)
    project = Project(root / "undisturbed", root / "in", root / "pipeline.yaml")
    project.finish()
    assert project.states()["split"] == 40
    assert pq.read_table(project.latest / "metadata" / "inputs")["lot"].to_pylist()[-1] == 2
    return project


def test_killed_and_resumed_it_publishes_the_same_bytes(reels: Project, tmp_path: Path) -> None:
    kill_often(reels, reels.again(tmp_path / "killed"), WHILE_SPLITTING, in_stages=4, in_publish=1)


@pytest.mark.slow
def test_killed_on_ray_with_changing_workers_it_publishes_the_same_bytes(reels: Project, tmp_path: Path) -> None:
    def workers(run: int) -> tuple[str, ...]:
        return ("--executor", "ray", "--workers", str((2, 1, 3)[run % 3]))

    kill_often(reels, reels.again(tmp_path / "killed"), WHILE_SPLITTING, in_stages=8, in_publish=2, options=workers)


def test_killed_between_the_words_of_a_registration_nothing_is_lost(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever file of the catalog it was that was written last, or was not written any more."""
    create = Lease.create
    dies: list[str] = []

    def dying(lease: Lease, path: str, content: bytes | Path) -> bool:
        if path.startswith("catalog/") and dies and dies[0] in path:
            if dies.pop() == "presence":  # written, and nobody was told
                create(lease, path, content)
            raise Killed
        return create(lease, path, content)

    monkeypatch.setattr(Lease, "create", dying)
    put_reels(site.videos, 5, 4)
    edited = site.videos / "reel000.mp4"
    original = reel("so long cut short cut again quite long now")
    (site.root / "calm").mkdir()
    sites = [replace(site, pipeline=REELS), replace(site, root=site.root / "calm", pipeline=REELS)]
    longer = "split.shots.min_s=2"  # some clips go
    lower = "split.shots.min_score=0.1"  # others come
    for each, kinds in zip(sites, (("children", "presence", "children"), ()), strict=True):
        edited.write_bytes(original)
        os.utime(edited, (0, 0))
        for step, options in enumerate(((), ("--set", longer), ("--set", longer, "--set", lower))):
            if step == 2:
                edited.write_bytes(reel("one two three four fade five six seven eight"))
                os.utime(edited, (step, step))
            if kinds:
                dies.append(kinds[step])
                with pytest.raises(Killed):
                    each.build(*options, given=site.videos)
            each.build(*options, given=site.videos)
        assert not dies
    assert sites[0].published() == sites[1].published()


@pytest.mark.slow
@pytest.mark.usefixtures("embedded_models")
def test_an_hour_of_samples_gives_the_same_clips_however_often_it_was_killed(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    shots = _an_hour(tmp_path / "in" / "hour.mp4")
    shutil.copy(SHIPPED / "talk_pitch_1.mp4", tmp_path / "in")
    pipeline = (ROOT / "pipelines" / "embedded.yaml").read_text().replace("mode: none", "mode: shots")
    (tmp_path / "pipeline.yaml").write_text(pipeline)
    whole = Project(tmp_path / "undisturbed", tmp_path / "in", tmp_path / "pipeline.yaml", patience_s=HOUR_S)
    print(whole.finish())
    rows = pq.read_table(whole.latest / "metadata" / "inputs").to_pylist()
    assert sorted(row["cut"] for row in rows if row["parent"]) == shots
    states = Counter(row["state"] for row in rows)
    assert states["split"] == 1
    assert states["accepted"] + states["rejected"] + states["duplicate"] == len(shots) + 1
    killed = whole.again(tmp_path / "killed")
    for pause_s in (0.2, 10.0):
        build = killed.start()
        build.until(partial(_is_splitting, build))
        time.sleep(pause_s)
        build.kill()
        assert not killed.rows()
    build = killed.start()
    build.until(lambda: killed.rows()["shots"] == 2)
    build.kill()
    assert set(killed.rows()) == {"shots"}  # the clips are being registered, if at all
    kill_often(whole, killed, ("intake", "motion"), in_stages=4, in_publish=1)


NAMES = (
    "talk_yaw_1", "turn_standing_1", "half_turn_1", "from_behind_1", "two_people_1", "nobody_1", "talk_yaw_2",
    "turn_standing_2", "half_turn_2", "from_behind_2",
)  # fmt: skip


def _is_splitting(build: Build) -> bool:
    return "shots" in build.stages()


def _an_hour(path: Path) -> list[list[int]]:
    """Samples one after the other, each encoded once and repeated; the cuts between them."""
    takes = [_taken(name) for name in NAMES]
    cuts, at = list[list[int]](), 0
    with av.open(str(path), "w") as made, av.open(takes[0]) as first:
        out = made.add_stream_from_template(first.streams.video[0])
        packets = [_packets(take) for take in takes]
        for number in itertools.count():
            if at >= HOUR_S * 24:
                return cuts
            take = packets[number % len(packets)]
            cuts.append([at, at + len(take)])
            for content, is_keyframe in take:
                packet = av.Packet(content)
                packet.pts = packet.dts = at
                packet.time_base, packet.duration, packet.is_keyframe = Fraction(1, 24), 1, is_keyframe
                packet.stream = out
                made.mux(packet)
                at += 1
    raise AssertionError


def _taken(name: str) -> BytesIO:
    """At half the size, each picture stored when it is shown."""
    made = BytesIO()
    options = {"preset": "veryfast", "crf": "26", "x264-params": f"keyint=48:bframes=0:{REPEATABLE}"}
    with av.open(str(SHIPPED / f"{name}.mp4")) as given, av.open(made, "w", format="mp4") as small:
        out = small.add_stream("libx264", rate=24, options=options)
        out.width, out.height, out.pix_fmt = 480, 270, "yuv420p"
        for number, frame in enumerate(given.decode(video=0)):
            picture = frame.reformat(480, 270, "yuv420p", threads=1)
            picture.pts, picture.time_base = number, Fraction(1, 24)
            picture.pict_type = 0
            small.mux(out.encode(picture))
        small.mux(out.encode(None))
    made.seek(0)
    return made


def _packets(take: BytesIO) -> list[tuple[bytes, bool]]:
    take.seek(0)
    with av.open(take, "r") as given:
        return [(bytes(packet), packet.is_keyframe) for packet in given.demux(video=0) if packet.size]
