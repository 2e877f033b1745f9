"""What is known about a rendered clip: one JSON beside each video. docs/truth.md explains it with pictures.

Pixels are those of the upright frame (rotation metadata applied). Left and right are the subject's own. Yaw is 0 facing
the camera and grows when the subject turns to their own left; pitch grows when they look up; roll grows when the head
leans to their own left shoulder. Degrees, yaw in (-180, 180].
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from actor18m.media.run_lengths import from_run_lengths, to_run_lengths

MASK_FPS = 8

KEYPOINTS = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle",
)  # fmt: skip
"""COCO's names, in the order of `ActorTruth.keypoints`."""

Box = Annotated[tuple[int, int, int, int], "x0, y0, x1, y1 in pixels; x1 and y1 are exclusive"]
Keypoint = Annotated[tuple[int, int, Literal[0, 1, 2]], "x, y, and 0 outside the frame, 1 hidden, 2 visible"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Expected(_Record):
    """What a right pipeline decides about the clip."""

    state: Literal["accepted", "rejected", "failed", "duplicate"]
    rules: list[str] = Field(description="rules of which one must fire, the likeliest first; empty when accepted")
    why: str
    duplicate_of: str | None = Field(default=None, description="name of the clip that this one repeats")


class Cut(_Record):
    """A change of shot. A hard cut has first_frame == last_frame, the first frame of the new shot."""

    kind: Literal["hard", "dissolve"]
    first_frame: int
    last_frame: int
    same_identity: bool


class Occlusion(_Record):
    """Frames first to last (inclusive) in which something in the scene hides most of an actor's body."""

    actor: int
    first_frame: int
    last_frame: int


class ActorTruth(_Record):
    """One actor through time. Lists have one entry a frame, null while the actor is not in the shot at all."""

    identity: str
    role: Literal["subject", "other"]
    body_yaw_deg: list[float | None]
    head_yaw_deg: list[float | None]
    head_pitch_deg: list[float | None]
    head_roll_deg: list[float | None]
    expression: list[str | None]
    body_box: list[Box | None] = Field(description="tight box of the visible pixels; null if none is visible")
    face_box: list[Box | None] = Field(description="tight box of the visible skin of the face; null if none is visible")
    body_visible: list[float | None] = Field(description="visible share of the pixels the body would cover unhindered")
    face_visible: list[float | None] = Field(
        description="visible share of the facial skin that faces the camera; 0 when seen from behind"
    )
    keypoints: list[list[Keypoint] | None] = Field(description="the 17 COCO points")
    body_masks: list[str | None] = Field(description="COCO RLE counts of the visible body, one a mask frame")
    face_masks: list[str | None] = Field(description="COCO RLE counts of the visible facial skin, one a mask frame")


class Truth(_Record):
    """One clip's truth."""

    schema_version: Literal[1]
    name: str
    script: str
    seed: int
    width: int = Field(description="of the upright frame")
    height: int = Field(description="of the upright frame")
    rotation: Literal[0, 90, 180, 270] = Field(description="degrees clockwise that a player turns the coded frame by")
    fps: float = Field(description="frames divided by duration; times_s has the exact times")
    duration_s: float
    frame_count: int
    expected: Expected
    cuts: list[Cut]
    occlusions: list[Occlusion]
    times_s: list[float]
    people: list[int] = Field(description="people of whom anything is visible")
    mask_frames: list[int] = Field(description="for each eighth of a second, the last frame shown by then")
    actors: list[ActorTruth]

    @model_validator(mode="after")
    def _columns_agree(self) -> Self:
        columns: dict[str, list[Any]] = {"times_s": self.times_s, "people": self.people}
        for i, actor in enumerate(self.actors):
            masks = {"body_masks": actor.body_masks, "face_masks": actor.face_masks}
            for name, column in masks.items():
                if len(column) != len(self.mask_frames):
                    raise ValueError(
                        f"actors[{i}].{name} has {len(column)} entries, mask_frames {len(self.mask_frames)}"
                    )
            for name, value in actor:
                if isinstance(value, list) and name not in masks:
                    columns[f"actors[{i}].{name}"] = value
        for name, column in columns.items():
            if len(column) != self.frame_count:
                raise ValueError(f"{name} has {len(column)} entries, the clip {self.frame_count} frames")
        return self

    @classmethod
    def read(cls, path: Path) -> Self:
        return cls.model_validate_json(path.read_bytes())

    def write(self, path: Path) -> None:
        path.write_text(self.model_dump_json() + "\n", encoding="utf-8")

    def mask(self, counts: str) -> npt.NDArray[np.bool_]:
        """One of this clip's RLE strings as bool[height, width]."""
        return from_run_lengths(counts.encode(), self.height, self.width)


def encode_mask(mask: npt.NDArray[np.bool_]) -> str:
    """bool[H, W] as COCO RLE counts."""
    return to_run_lengths(mask).decode()


def mask_frames(times_s: npt.NDArray[np.float64], fps: float = MASK_FPS) -> list[int]:
    """For each 1/fps of a second, the last frame shown by then (float dust forgiven)."""
    samples = np.arange(0.0, float(times_s[-1]) + 1e-6, 1.0 / fps)
    return [int(i) for i in np.searchsorted(times_s, samples + 1e-6, side="right") - 1]
