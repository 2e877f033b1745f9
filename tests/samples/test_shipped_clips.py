"""Every shipped clip is what its truth says, by looking at the pixels."""

from functools import cache
from itertools import pairwise

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest

from actor18m.samples.shipped import ShippedClip, find_clips
from actor18m.samples.truth import Truth

Pixels = npt.NDArray[np.uint8]

CUT_LEVELS = 16.0  # mean difference of small blurred neighbours, in 8-bit steps: above it at hard cuts, nowhere else
STANDS_OUT = 40
MASK_SLACK_PIXELS = 3

CLIPS = pytest.mark.parametrize("clip", find_clips(), ids=lambda clip: clip.name)
FIRST_OF_EACH_SCRIPT = pytest.mark.parametrize(
    "clip",
    [clip if clip.name.endswith("_1") else pytest.param(clip, marks=pytest.mark.slow) for clip in find_clips()],
    ids=lambda clip: clip.name,
)
"""The others are slow tests: a scene is rendered again for each clip."""


@cache
def opened(clip: ShippedClip) -> tuple[Truth, list[Pixels], list[float]]:
    """A clip's truth, upright frames and times; the last one is kept, since tests come clip by clip."""
    opened.cache_clear()
    frames: list[Pixels] = []
    times: list[float] = []
    with av.open(str(clip.video)) as container:
        for frame in container.decode(video=0):
            pixels = np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)
            frames.append(np.rot90(pixels, frame.rotation // 90))
            times.append(float(frame.time or 0.0))
    return Truth.read(clip.truth), frames, times


@CLIPS
def test_frames_size_and_times_are_as_told(clip: ShippedClip) -> None:
    truth, frames, times = opened(clip)
    assert len(frames) == truth.frame_count
    assert {frame.shape for frame in frames} == {(truth.height, truth.width, 3)}
    assert times == pytest.approx(truth.times_s, abs=1e-3)


@CLIPS
def test_the_picture_jumps_at_hard_cuts_and_nowhere_else(clip: ShippedClip) -> None:
    truth, frames, _ = opened(clip)
    small = [cv2.GaussianBlur(cv2.resize(f, (96, 54), interpolation=cv2.INTER_AREA), (0, 0), 1.5) for f in frames]
    jumps = [float(cv2.absdiff(a, b).mean()) for a, b in pairwise(small)]
    found = [i + 1 for i, jump in enumerate(jumps) if jump > CUT_LEVELS]
    assert found == [cut.first_frame for cut in truth.cuts if cut.kind == "hard"]


@CLIPS
def test_visible_keypoints_lie_inside_the_mask(clip: ShippedClip) -> None:
    truth, _, _ = opened(clip)
    kernel = np.ones((2 * MASK_SLACK_PIXELS + 1,) * 2, np.uint8)
    for actor in truth.actors:
        for frame, counts in zip(truth.mask_frames, actor.body_masks, strict=True):
            points = actor.keypoints[frame]
            if counts is None or points is None:
                continue
            near = cv2.dilate(truth.mask(counts).astype(np.uint8), kernel)
            assert all(near[y, x] for x, y, visible in points if visible == 2)


@FIRST_OF_EACH_SCRIPT
def test_masks_cover_the_actors_pixels_and_no_others(clip: ShippedClip) -> None:
    pytest.importorskip("anny", reason="the plate is rendered again with the extra 'actors'")
    from tests.studio.plate import plates

    truth, frames, _ = opened(clip)
    moments = [i for i in truth.mask_frames if not any(c.first_frame <= i <= c.last_frame for c in truth.cuts)]
    moments = [moments[len(moments) // 4], moments[-2]] if len(moments) > 2 else moments[:1]
    for i, plate in zip(moments, plates(truth, moments), strict=True):
        counts = [c for actor in truth.actors if (c := actor.body_masks[truth.mask_frames.index(i)]) is not None]
        masks = [truth.mask(c) for c in counts]
        mask = np.any(masks, axis=0) if masks else np.zeros(plate.shape[:2], np.bool_)
        frame = cv2.GaussianBlur(frames[i], (0, 0), 1.0).astype(np.int16)
        difference = frame - plate
        # A shadow darkens all colours; a person does not fit in that.
        person = (np.abs(difference).max(axis=2) > STANDS_OUT) & (difference.max(axis=2) > 8)
        slack = cv2.dilate(mask.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(np.bool_)
        assert (person & ~slack).mean() < 0.002
        if mask.sum() > 400 and truth.script not in ("very_dark", "overexposed"):
            assert (np.abs(difference)[mask].max(axis=1) > 10).mean() > 0.75
