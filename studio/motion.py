"""How actors move: a body's pose and face at one moment, and the small movements that keep it alive."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from studio import body
from studio.actor import Actor
from studio.anatomy import face_pitch_deg, normals, parts
from studio.buffers import Posed

Floats = npt.NDArray[np.float32]
Curve = Callable[[float], float]

STRIDE_M = 1.25  # two steps; what the legs below cover without sliding
STRONGEST = 1.5  # facial actions stay believable a little beyond their full weight
SOLE_M = 0.008  # shoes stand this much outside the body

EXPRESSIONS: Mapping[str, Mapping[str, float]] = {
    "neutral": {},
    "happiness": {"mouthSmile": 1.15, "cheekSquint": 0.9, "mouthUpperUp": 0.3, "eyeSquint": 0.35, "jawOpen": 0.08},
    "sadness": {"browInnerUp": 1.0, "mouthFrown": 1.0, "mouthShrugLower": 0.5, "eyeSquint": 0.25, "eyeLookDown": 0.4},
    "surprise": {"browInnerUp": 1.0, "browOuterUp": 1.0, "eyeWide": 1.0, "jawOpen": 0.6, "mouthFunnel": 0.2},
    "fear": {"browInnerUp": 1.0, "browDown": 0.3, "eyeWide": 1.0, "mouthStretch": 1.0, "jawOpen": 0.22},
    "anger": {"browDown": 1.0, "eyeSquint": 0.5, "noseSneer": 0.6, "mouthPress": 0.8, "mouthFrown": 0.4},
    "disgust": {"noseSneer": 1.0, "mouthUpperUp": 0.8, "browDown": 0.6, "eyeSquint": 0.6, "mouthFrown": 0.5},
    "contempt": {"mouthSmileLeft": 0.9, "mouthDimpleLeft": 0.9, "cheekSquintLeft": 0.4, "mouthPressLeft": 0.5},
}
"""The eight expressions of the attribute pool as weights of facial actions; a name without a side means both."""


@dataclass(frozen=True)
class Moment:
    """What an actor does at one time. Angles in degrees; positive yaw turns to the actor's own left."""

    x_m: float = 0.0
    y_m: float = 0.0
    heading_deg: float = 0.0  # 0 faces -y, where the camera stands
    head_yaw_deg: float = 0.0  # relative to the chest
    head_pitch_deg: float = 0.0
    head_roll_deg: float = 0.0
    walked_m: float = 0.0  # drives the legs
    stepping: float = 0.0  # 0 stands, 1 walks in full strides
    gesture_left: float = 0.0  # 0 arm hangs, 1 forearm raised before the chest
    gesture_right: float = 0.0
    lean_deg: float = 0.0
    sway_deg: float = 0.0
    expression: str = "neutral"
    face: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Performance:
    """A posed actor and what truth needs to know about the pose."""

    posed: Posed
    keypoints: Floats  # [17, 3] world
    face_rotation: Floats  # [3, 3] the average face on a level head to world
    chest_forward: Floats  # [3]
    hips_forward: Floats  # [3]


def perform(actor: Actor, moment: Moment) -> Performance:
    """The actor at this moment, feet on the floor."""
    turn = _about("z", moment.heading_deg).astype(np.float32)
    transforms = body.bone_transforms(actor.shape, _bone_rotations(moment))
    local = body.pose(actor.shape, transforms, _both_sides(moment.face))
    mesh = body.mesh()
    feet = mesh.corner_vertex[parts()["feet"]].reshape(-1)
    floor = local[feet, 2].min() - SOLE_M
    shift = np.array([moment.x_m, moment.y_m, 0.0], np.float32)
    positions = ((local - np.array([0, 0, floor], np.float32)) @ turn.T + shift).astype(np.float32)
    head, chest, hips = (turn @ transforms[mesh.bone_names.index(b), :, :3] for b in ("head", "spine01", "root"))
    posed = Posed(actor, positions, normals(positions), head)
    # The body at rest faces -y: that is where a bone's second axis points away from.
    face = (head @ _about("x", -face_pitch_deg(actor.shape))).astype(np.float32)
    return Performance(posed, mesh.keypoint_weights @ positions, face, -chest[:, 1], -hips[:, 1])


def express(name: str, weight: float = 1.0) -> dict[str, float]:
    """Facial actions of an expression at this strength."""
    return {action: weight * value for action, value in EXPRESSIONS[name].items()}


def blend(*faces: Mapping[str, float]) -> dict[str, float]:
    """The sum of facial actions, each kept within what faces can do."""
    out: dict[str, float] = {}
    for face in faces:
        for action, value in face.items():
            out[action] = float(np.clip(out.get(action, 0.0) + value, 0.0, STRONGEST))
    return out


def wander(rng: np.random.Generator, period_s: float) -> Curve:
    """Smooth aimless movement between about -1 and 1."""
    phase, pace = rng.uniform(0, 2 * np.pi, 3), rng.uniform(0.8, 1.25, 3) / period_s * np.array([1.0, 1.73, 2.61])
    weight = np.array([0.6, 0.3, 0.15])
    return lambda t: float((weight * np.sin(2 * np.pi * pace * t + phase)).sum())


def blinks(rng: np.random.Generator) -> Curve:
    """0 open, 1 shut; every two to five seconds."""
    times = np.cumsum(rng.uniform(1.8, 4.5, 12)) - rng.uniform(0.5, 1.5)
    return lambda t: float(np.exp(-(((t - times) / 0.055) ** 2)).max())


def talk(rng: np.random.Generator) -> Callable[[float], dict[str, float]]:
    """Facial actions of someone speaking: syllables at four to six a second, with pauses."""
    syllables, shape, pause, brows = wander(rng, 0.42), wander(rng, 0.33), wander(rng, 2.3), wander(rng, 1.6)

    def face(t: float) -> dict[str, float]:
        loud = float(np.clip(0.9 + 1.3 * pause(t), 0.15, 1.0))
        opened = max(0.0, 0.35 + 0.65 * syllables(t)) * loud
        wide = shape(t)
        return {
            "jawOpen": 0.34 * opened,
            "mouthFunnel": 0.5 * max(0.0, -wide) * loud,
            "mouthStretch": 0.45 * max(0.0, wide) * loud,
            "mouthLowerDown": 0.5 * opened,
            "mouthUpperUp": 0.22 * opened,
            "browInnerUp": 0.5 * max(0.0, brows(t)),
            "browOuterUp": 0.4 * max(0.0, brows(t)),
        }

    return face


def ease(t: float, start: float, end: float) -> float:
    """0 before start, 1 after end, smooth between."""
    s = float(np.clip((t - start) / (end - start), 0.0, 1.0))
    return s * s * (3 - 2 * s)


def _bone_rotations(m: Moment) -> dict[str, Floats]:
    out = {}
    phase = 2 * np.pi * m.walked_m / STRIDE_M
    for side, sign, at in (("L", 1.0, phase), ("R", -1.0, phase + np.pi)):
        hip, knee, ankle = _leg(at)
        out[f"upperleg01.{side}"] = _about("x", -hip * m.stepping) @ _about("y", 3.0 * sign)
        out[f"lowerleg01.{side}"] = _about("x", knee * m.stepping)
        out[f"foot.{side}"] = _about("x", ankle * m.stepping) @ _about("y", -3.0 * sign)
        gesture = m.gesture_left if side == "L" else m.gesture_right
        swing = -24 * np.cos(at) * m.stepping * (1 - gesture)
        out[f"shoulder01.{side}"] = _about("y", sign * 13)
        hang = _about("y", sign * (24 - 2 * gesture))
        out[f"upperarm01.{side}"] = _about("x", -swing - 18 * gesture) @ hang
        # Elbows bend about the axis across the hanging forearm; the rest pose already bends them a little.
        bend = 28 - 6 * swing / 24 * m.stepping - 85 * gesture
        out[f"lowerarm01.{side}"] = _about("x", bend) @ _about("z", sign * (14 - 44 * gesture))
    twist = 6 * np.cos(phase) * m.stepping
    out["root"] = _about("z", twist) @ _about("y", 1.5 * np.sin(phase) * m.stepping + 0.5 * m.sway_deg)
    out["spine03"] = _about("z", -1.0 * twist) @ _about("y", -m.sway_deg) @ _about("x", m.lean_deg)
    out["spine01"] = _about("z", -0.7 * twist) @ _about("x", 0.4 * m.lean_deg)
    yaw = m.head_yaw_deg + 0.7 * twist
    for bone, share in (("neck01", 0.2), ("neck02", 0.2), ("neck03", 0.2), ("head", 0.4)):
        turn = _about("z", share * yaw) @ _about("x", -share * m.head_pitch_deg)
        out[bone] = turn @ _about("y", share * m.head_roll_deg)
    look_aside = {"eye.L": 1.0, "eye.R": 1.0}
    for bone in look_aside:
        out[bone] = _about("z", 0.12 * np.clip(m.head_yaw_deg, -40, 40)) @ _about(
            "x", -0.15 * np.clip(m.head_pitch_deg, -30, 30)
        )
    return {name: rotation.astype(np.float32) for name, rotation in out.items()}


def _leg(phase: float) -> tuple[float, float, float]:
    """Degrees of hip flexion, knee flexion and ankle for a walking leg; phase 0 is the heel's strike."""
    wrapped = phase % (2 * np.pi)

    def bump(centre: float, width: float) -> float:
        gap = (wrapped - centre + np.pi) % (2 * np.pi) - np.pi
        return float(np.exp(-((gap / width) ** 2)))

    hip = 5 + 22 * np.cos(wrapped)
    knee = 6 + 10 * bump(0.8, 0.5) + 52 * bump(4.55, 0.75)
    ankle = -6 * bump(0.0, 0.5) - 8 * bump(2.6, 0.7) + 16 * bump(3.75, 0.45)
    return hip, knee, ankle


def _both_sides(face: Mapping[str, float]) -> dict[str, float]:
    known = set(body.mesh().face_actions)
    out: dict[str, float] = {}
    for name, value in face.items():
        for action in (name,) if name in known else (f"{name}Left", f"{name}Right"):
            out[action] = min(STRONGEST, out.get(action, 0.0) + value)
    return out


def _about(axis: str, degrees: float) -> npt.NDArray[np.float64]:
    vector = np.array([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]]["xyz".index(axis)]) * np.radians(degrees)
    return np.asarray(cv2.Rodrigues(vector)[0], dtype=np.float64)
