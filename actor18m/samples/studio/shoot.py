"""Films a script: every frame's picture, and the truth about it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import numpy.typing as npt

from actor18m.samples.studio.actor import Actor
from actor18m.samples.studio.camera import Camera
from actor18m.samples.studio.canvas import Canvas, Identity
from actor18m.samples.studio.motion import Moment, Performance, perform
from actor18m.samples.studio.scene import Scene
from actor18m.samples.truth import (
    ActorTruth,
    Box,
    Cut,
    Expected,
    Keypoint,
    Occlusion,
    Truth,
    encode_mask,
    mask_frames,
)

Pixels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

HIDDEN_SHARE = 0.4  # an actor is occluded while less than this of what the frame would show is seen
SELF_COVER_M = {"face": 0.035, "body": 0.16}  # how deep inside the surface a keypoint may lie and still be seen
SEEN_PIXELS = 20


@dataclass(frozen=True)
class Grade:
    """What lens, sensor and exposure do to the picture."""

    exposure: float = 1.0
    noise: float = 1.6  # standard deviation in 8-bit steps
    softness_pixels: float = 0.5
    vignette: float = 0.15


@dataclass(frozen=True)
class Take:
    """One shot: where, who, and what happens over the clip's time."""

    scene: Scene
    cast: tuple[Actor, ...]
    camera: Callable[[float], Camera]
    action: Callable[[float], tuple[Moment | None, ...]]


@dataclass(frozen=True)
class Film:
    """A clip to be shot. A take ends where the next begins; a dissolve ends there and began earlier."""

    name: str
    script: str
    seed: int
    times_s: tuple[float, ...]
    takes: tuple[tuple[float, Take], ...]  # (start, take)
    expected: Expected
    width: int = 960
    height: int = 540
    rotation: int = 0
    dissolve_s: float = 0.0
    grade: Grade = field(default_factory=Grade)
    crf: int = 27


@dataclass
class _Sighting:
    """What is known about one actor in one frame."""

    body_yaw_deg: float
    head_angles_deg: tuple[float, float, float]
    expression: str
    body: Mask
    face: Mask
    body_visible: float
    face_visible: float
    in_frame_visible: float
    keypoints: list[Keypoint]


def shoot(film: Film) -> Iterator[tuple[Pixels, list[_Sighting | None]]]:
    """Frames as uint8[H, W, 3] RGB with a sighting for each of the film's people (see `people_of`)."""
    people = people_of(film)
    sensor = np.random.default_rng([film.seed, 77])
    noise = _sensor_noise(film, sensor)
    with ExitStack() as stack:
        canvases = {}
        for t in film.times_s:
            picture: npt.NDArray[np.float32] | None = None
            sightings: list[_Sighting | None] = [None] * len(people)
            for number, share in _mix(film, t):
                take = film.takes[number][1]
                if number not in canvases:
                    lit = replace(take.scene.lighting, exposure=take.scene.lighting.exposure * film.grade.exposure)
                    scene = replace(take.scene, lighting=lit)
                    canvases[number] = stack.enter_context(Canvas(scene, take.cast, film.width, film.height))
                pixels, seen = _frame(canvases[number], take, t)
                picture = share * pixels.astype(np.float32) + (0 if picture is None else picture)
                for actor, sighting in zip(take.cast, seen, strict=True):
                    sightings[people.index(actor.identity)] = sighting
            assert picture is not None
            yield _graded(picture, film.grade, noise, sensor), sightings


def people_of(film: Film) -> list[str]:
    """Identities in order of appearance; the first is the subject."""
    return list(dict.fromkeys(actor.identity for _, take in film.takes for actor in take.cast))


def write_truth(film: Film, seen: Sequence[Sequence[_Sighting | None]]) -> Truth:
    """The truth of a film from the sightings of all its frames."""
    people = people_of(film)
    sampled = mask_frames(np.array(film.times_s))
    frames = len(film.times_s)
    columns = [[frame[k] for frame in seen] for k in range(len(people))]
    duration = film.times_s[-1] + (film.times_s[-1] - film.times_s[0]) / (frames - 1)
    occlusions = [o for k, column in enumerate(columns) for o in _occlusions(k, column)]
    return Truth(
        schema_version=1,
        name=film.name,
        script=film.script,
        seed=film.seed,
        width=film.width,
        height=film.height,
        rotation=film.rotation,  # type: ignore[arg-type]  # pydantic checks that it is a quarter turn
        fps=round(frames / duration, 4),
        duration_s=round(duration, 4),
        frame_count=frames,
        expected=film.expected,
        cuts=_cuts(film),
        occlusions=occlusions,
        times_s=[round(t, 5) for t in film.times_s],
        people=[sum(s is not None and int(s.body.sum()) >= SEEN_PIXELS for s in frame) for frame in seen],
        mask_frames=sampled,
        actors=[_actor_truth(identity, k == 0, column, sampled) for k, (identity, column) in enumerate(zip(people, columns, strict=True))],
    )


def _actor_truth(identity: str, subject: bool, column: Sequence[_Sighting | None], sampled: Sequence[int]) -> ActorTruth:
    def angles(k: int) -> list[float | None]:
        return [None if s is None else round(s.head_angles_deg[k], 1) for s in column]

    return ActorTruth(
        identity=identity,
        role="subject" if subject else "other",
        body_yaw_deg=[None if s is None else round(s.body_yaw_deg, 1) for s in column],
        head_yaw_deg=angles(0),
        head_pitch_deg=angles(1),
        head_roll_deg=angles(2),
        expression=[None if s is None else s.expression for s in column],
        body_box=[None if s is None else _box(s.body) for s in column],
        face_box=[None if s is None else _box(s.face) for s in column],
        body_visible=[None if s is None else round(s.body_visible, 3) for s in column],
        face_visible=[None if s is None else round(s.face_visible, 3) for s in column],
        keypoints=[None if s is None else s.keypoints for s in column],
        body_masks=[None if (s := column[i]) is None else encode_mask(s.body) for i in sampled],
        face_masks=[None if (s := column[i]) is None else encode_mask(s.face) for i in sampled],
    )


def _mix(film: Film, t: float) -> list[tuple[int, float]]:
    """Which takes show at a time, and how strongly."""
    starts = [start for start, _ in film.takes]
    current = max(k for k, start in enumerate(starts) if t >= start - 1e-9)
    following = current + 1
    if film.dissolve_s and following < len(starts) and t > starts[following] - film.dissolve_s:
        share = (t - starts[following] + film.dissolve_s) / film.dissolve_s
        return [(current, 1 - share), (following, share)]
    return [(current, 1.0)]


def _cuts(film: Film) -> list[Cut]:
    times = np.array(film.times_s)
    out = []
    for (_, before), (start, after) in zip(film.takes, film.takes[1:], strict=False):
        last = int(np.searchsorted(times, start - 1e-9))
        first = int(np.searchsorted(times, start - film.dissolve_s, side="right")) if film.dissolve_s else last
        same = [a.identity for a in before.cast] == [a.identity for a in after.cast]
        out.append(Cut(kind="dissolve" if film.dissolve_s else "hard", first_frame=first, last_frame=last, same_identity=same))
    return out


def _occlusions(actor: int, column: Sequence[_Sighting | None]) -> list[Occlusion]:
    hidden = [s is not None and s.in_frame_visible < HIDDEN_SHARE for s in column]
    out, first = [], None
    for i, h in enumerate([*hidden, False]):
        if h and first is None:
            first = i
        elif not h and first is not None:
            out.append(Occlusion(actor=actor, first_frame=first, last_frame=i - 1))
            first = None
    return out


def _frame(canvas: Canvas, take: Take, t: float) -> tuple[Pixels, list[_Sighting | None]]:
    camera, moments = take.camera(t), take.action(t)
    performances = [None if m is None else perform(a, m) for a, m in zip(take.cast, moments, strict=True)]
    cast = [None if p is None else p.posed for p in performances]
    pixels = canvas.picture(camera, cast)
    together = canvas.identity(camera, cast) if any(cast) else None
    seen: list[_Sighting | None] = []
    for number, (performance, moment) in enumerate(zip(performances, moments, strict=True)):
        if performance is None or moment is None or together is None:
            seen.append(None)
            continue
        alone = [p if k == number else None for k, p in enumerate(cast)]
        seen.append(_sighting(canvas, camera, performance, moment, number + 1, together, alone))
    return pixels, seen


def _sighting(
    canvas: Canvas, camera: Camera, performance: Performance, moment: Moment, number: int, together: Identity, alone: list
) -> _Sighting:
    body, face = together.objects == number, (together.objects == number) & together.face
    unhindered = canvas.identity(camera, alone, with_scene=False)
    in_frame = int((unhindered.objects == number).sum())
    margin = _margin(camera, performance, canvas)
    if margin > 1:
        unhindered = canvas.identity(camera, alone, with_scene=False, margin=margin)
    covers = float((unhindered.objects == number).sum()) * margin**2
    face_covers = float(((unhindered.objects == number) & unhindered.face).sum()) * margin**2
    return _Sighting(
        body_yaw_deg=body_yaw(camera, performance),
        head_angles_deg=head_angles(camera, performance),
        expression=moment.expression,
        body=body,
        face=face,
        body_visible=min(1.0, body.sum() / covers) if covers else 0.0,
        face_visible=min(1.0, face.sum() / face_covers) if face_covers else 0.0,
        in_frame_visible=body.sum() / in_frame if in_frame >= SEEN_PIXELS else 1.0,
        keypoints=_keypoints(camera, performance, number, together, canvas.width, canvas.height),
    )


def _margin(camera: Camera, performance: Performance, canvas: Canvas) -> float:
    """How much wider a view must be to hold the whole actor; 1 when the frame does."""
    at = camera.project(performance.posed.positions[::7], canvas.width, canvas.height)
    if (at[:, 2] < 0.1).any():
        return 4.0
    x, y = np.abs(at[:, 0] / canvas.width * 2 - 1).max(), np.abs(at[:, 1] / canvas.height * 2 - 1).max()
    reach = float(max(x, y)) * 1.02
    return 1.0 if reach <= 1.0 else min(reach, 4.0)


def _keypoints(camera: Camera, performance: Performance, number: int, seen: Identity, width: int, height: int) -> list[Keypoint]:
    out: list[Keypoint] = []
    for k, (x, y, distance) in enumerate(camera.project(performance.keypoints, width, height)):
        column, row = int(np.floor(x)), int(np.floor(y))
        if not (0 <= column < width and 0 <= row < height) or distance <= 0:
            out.append((column, row, 0))
            continue
        deep = SELF_COVER_M["face" if k < 5 else "body"]
        shown = seen.objects[row, column] == number and distance - seen.distance_m[row, column] < deep
        out.append((column, row, 2 if shown else 1))
    return out


def body_yaw(camera: Camera, performance: Performance) -> float:
    """Degrees: chest and hips together, seen from the camera."""
    centre = performance.keypoints[[5, 6, 11, 12]].mean(axis=0)
    forward = performance.chest_forward / np.linalg.norm(performance.chest_forward) + performance.hips_forward / np.linalg.norm(performance.hips_forward)
    seen = _facing_axes(camera, centre).T @ forward
    return float(np.degrees(np.arctan2(seen[0], -seen[1])))


def head_angles(camera: Camera, performance: Performance) -> tuple[float, float, float]:
    """Yaw, pitch and roll of the head in degrees, seen from the camera."""
    centre = performance.keypoints[:5].mean(axis=0)
    seen = _facing_axes(camera, centre).T @ performance.head_rotation
    forward = -seen[:, 1]
    yaw, pitch = np.arctan2(forward[0], -forward[1]), np.arcsin(np.clip(forward[2], -1, 1))
    level = cv2.Rodrigues(np.array([0, 0, yaw]))[0] @ cv2.Rodrigues(np.array([-pitch, 0, 0]))[0]
    leaning = level.T @ seen
    return float(np.degrees(yaw)), float(np.degrees(pitch)), float(np.degrees(np.arctan2(leaning[0, 2], leaning[2, 2])))


def _facing_axes(camera: Camera, at: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """[3, 3] columns: the image's right, away from the camera, and up, for someone standing at this place."""
    away = at - np.array(camera.position)
    away = away / np.linalg.norm(away)
    right = np.cross(away, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    return np.stack([right, away, np.cross(right, away)], axis=1)


def _box(mask: Mask) -> Box | None:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _sensor_noise(film: Film, sensor: np.random.Generator) -> npt.NDArray[np.float32]:
    """A sheet of noise four times the frame's size: each frame looks at another part of it."""
    height, width = 2 * film.height, 2 * film.width
    grey, colour = (sensor.standard_normal((height, width, n), dtype=np.float32) for n in (1, 3))
    return np.asarray(film.grade.noise * (grey + 0.6 * colour), dtype=np.float32)


def _graded(picture: npt.NDArray[np.float32], grade: Grade, noise: npt.NDArray[np.float32], sensor: np.random.Generator) -> Pixels:
    height, width = picture.shape[:2]
    if grade.softness_pixels:
        picture = cv2.GaussianBlur(picture, (0, 0), grade.softness_pixels)
    y, x = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    picture = picture * (1 - grade.vignette * (x**2 + y**2) / 2).astype(np.float32)[..., None]
    row, column = sensor.integers(0, height), sensor.integers(0, width)
    return np.asarray(np.clip(picture + noise[row : row + height, column : column + width], 0, 255).round(), dtype=np.uint8)
