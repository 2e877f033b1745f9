"""Runs the face and pose models over rendered clips and puts what they say beside the truth, frame by frame."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import av
import cv2
import numpy as np

from actor18m.arrays import Box, Floats, Frame
from actor18m.media.boxes import overlap
from actor18m.media.geometry import wrapped_deg
from actor18m.models.centerface import CenterFace
from actor18m.models.dlib_face import DlibFace
from actor18m.models.mediapipe_face import MediaPipeFace
from actor18m.models.mediapipe_pose import MediaPipePose
from actor18m.models.roles import Face
from actor18m.samples.truth import ActorTruth, Truth

SAME_FACE_OVERLAP = 0.3
FACE_SHARE, BODY_SHARE = 0.5, 0.25
"""A face or body of which less is visible need not be found; what is found of it is still right. Head and shoulders
are a third of a body."""
FIT_PX, FIT_YAW_DEG, FIT_PITCH_DEG, FIT_SHARE = 48, 30.0, 20.0, 0.8
"""Faces whose embeddings are compared, by truth."""


@dataclass(frozen=True)
class FaceSeen:
    """A face that is visible by truth."""

    yaw_deg: float
    pitch_deg: float
    width_px: float
    found: bool
    meshed: bool = False
    yaw_error_deg: float = 0.0
    pitch_error_deg: float = 0.0


@dataclass(frozen=True)
class BodySeen:
    """A body that is visible by truth, and the pose model's view of its box."""

    yaw_deg: float
    found: bool
    yaw_error_deg: float = 0.0


@dataclass(frozen=True, eq=False)
class Embedded:
    identity: str
    clip: str
    vector: Floats


@dataclass
class ClipSeen:
    """All that was seen in the sampled frames of one clip."""

    clip: str
    script: str
    frames: int = 0
    faces: list[FaceSeen] = field(default_factory=list)
    detections: int = 0
    true_detections: int = 0
    bodies: list[BodySeen] = field(default_factory=list)
    frames_with_body: int = 0
    frames_with_body_found: int = 0
    frames_without_people: int = 0
    frames_without_people_found: int = 0
    embedded: list[Embedded] = field(default_factory=list)


class Models:
    """Every model at its default settings, one thread each."""

    def __init__(self) -> None:
        cv2.setNumThreads(1)
        self.faces = CenterFace.load()
        self.identity = DlibFace.load()
        self.mesh = MediaPipeFace.load()
        self.pose = MediaPipePose.load()


def clips_in(folder: Path) -> list[Path]:
    """The videos of a folder that have a truth beside them."""
    videos = sorted(p for p in folder.iterdir() if p.suffix in {".mp4", ".mkv", ".mov"})
    return [p for p in videos if p.with_suffix(".json").is_file()]


def sampled_frames(video: Path, truth: Truth, fps: float) -> Iterator[tuple[int, Frame]]:
    """Index and upright uint8[H, W, 3] of the frame shown at each 1/fps of a second."""
    times = np.asarray(truth.times_s)
    wanted = set(
        (np.searchsorted(times, np.arange(0.0, times[-1] + 1e-6, 1.0 / fps) + 1e-6, side="right") - 1).tolist()
    )
    with av.open(str(video)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            if index in wanted:
                upright = np.rot90(frame.to_ndarray(format="rgb24"), k=round(frame.rotation / 90) % 4)
                if upright.shape[:2] != (truth.height, truth.width):
                    raise ValueError(f"{video}: frames are {upright.shape[:2]}, truth says {truth.height, truth.width}")
                yield index, np.ascontiguousarray(upright)


def judge_clip(video: Path, models: Models, fps: float) -> ClipSeen:
    truth = Truth.read(video.with_suffix(".json"))
    seen = ClipSeen(truth.name, truth.script)
    for index, frame in sampled_frames(video, truth, fps):
        seen.frames += 1
        _judge_faces(seen, models, frame, truth.actors, index)
        _judge_bodies(seen, models, frame, truth, index)
    return seen


def _judge_faces(seen: ClipSeen, models: Models, frame: Frame, actors: list[ActorTruth], index: int) -> None:
    detected = models.faces.detect([frame])[0]
    boxes = [actor.face_box[index] for actor in actors]
    seen.detections += len(detected)
    seen.true_detections += sum(any(b and overlap(d.box, b) >= SAME_FACE_OVERLAP for b in boxes) for d in detected)
    for actor, box in zip(actors, boxes, strict=True):
        yaw, pitch, share = actor.head_yaw_deg[index], actor.head_pitch_deg[index], actor.face_visible[index]
        if box is None or yaw is None or pitch is None or share is None or share < FACE_SHARE or abs(yaw) > 90:
            continue
        face = _best(detected, box)
        width = box[2] - box[0]
        mesh = models.mesh.mesh([frame], [face.box])[0] if face else None
        if mesh is None:
            seen.faces.append(FaceSeen(yaw, pitch, width, found=face is not None))
        else:
            errors = abs(wrapped_deg(mesh.yaw_deg - yaw)), abs(mesh.pitch_deg - pitch)
            seen.faces.append(FaceSeen(yaw, pitch, width, True, True, *errors))
        fit = width >= FIT_PX and abs(yaw) <= FIT_YAW_DEG and abs(pitch) <= FIT_PITCH_DEG and share >= FIT_SHARE
        if face and fit:
            seen.embedded.append(Embedded(actor.identity, seen.clip, models.identity.embed([frame], [face])[0]))


def _best(detected: list[Face], box: Box) -> Face | None:
    best = max(detected, key=lambda face: overlap(face.box, box), default=None)
    return best if best and overlap(best.box, box) >= SAME_FACE_OVERLAP else None


def _judge_bodies(seen: ClipSeen, models: Models, frame: Frame, truth: Truth, index: int) -> None:
    whole = (0.0, 0.0, float(truth.width), float(truth.height))
    visible = False
    for actor in truth.actors:
        box, yaw, share = actor.body_box[index], actor.body_yaw_deg[index], actor.body_visible[index]
        if box is None or yaw is None or share is None or share < BODY_SHARE:
            continue
        visible = True
        pose = models.pose.pose([frame], [box])[0]
        error = 0.0 if pose is None or pose.body_yaw_deg is None else abs(wrapped_deg(pose.body_yaw_deg - yaw))
        seen.bodies.append(BodySeen(yaw, pose is not None, error))
    if visible or truth.people[index] == 0:
        found = models.pose.pose([frame], [whole])[0] is not None
        seen.frames_with_body += visible
        seen.frames_with_body_found += visible and found
        seen.frames_without_people += not visible
        seen.frames_without_people_found += found and not visible
