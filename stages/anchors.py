"""The frames in which a golden clip shows its person from the front, the side and the back, for who makes a sheet."""

from actor18m.arrays import Frame
from actor18m.media.video import frames_at
from actor18m.stage import Image
from stages.cut import no_larger
from stages.told import SIDES


def anchor_frames(image: Image, fps: float) -> list[Frame]:
    """In the order of the request's anchors; they are read in the order of time. Samples are counted by `fps`."""
    anchors, clip = image.request["anchors"], image.clip
    order = sorted(range(len(anchors)), key=lambda number: anchors[number]["sample"])
    times = [anchors[number]["sample"] / fps for number in order]
    found = dict(zip(order, frames_at(clip.uri, times, clip.cut, clip.crop), strict=True))
    return [found[number] for number in range(len(anchors))]


def anchor_pictures(image: Image, fps: float, max_px: int) -> list[Frame]:
    """The bodies, cut out of these frames by their boxes; a larger one is made smaller until its longer side has
    `max_px`."""
    found = []
    for anchor, frame in zip(image.request["anchors"], anchor_frames(image, fps), strict=True):
        x0, y0, x1, y1 = (anchor[side] for side in SIDES)
        found.append(no_larger(frame[y0:y1, x0:x1], max_px))
    return found
