"""Textured solids from which sets are put together: boxes with rounded edges, turned shapes, cloth, foliage.

Furniture and plants are lists of parts; `merge` turns them into one surface per material. On a part v = 0 is the first
row of the picture and v grows downwards; `merge` turns that round for surfaces, whose v grows upwards.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from studio.scenery.scene import Pixels, Surface

Array = npt.NDArray[np.float64]
Point = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Material:
    """What a part is made of; parts that share one Material object become one surface."""

    texture: Pixels
    tile_m: float = 1.0  # edge of one repeat of the texture
    gloss: float = 0.1
    emission: float = 0.0
    casts_shadow: bool = True
    has_grain: bool = True  # turns with the longer side of a box; brick and printed cloth do not


@dataclass(frozen=True, eq=False)
class Part:
    """A mesh of one material."""

    material: Material
    positions: Array  # [V, 3] metres
    normals: Array  # [V, 3] unit length
    uv: Array  # [V, 2]
    triangles: npt.NDArray[np.int64]  # [F, 3]


def merge(parts: Iterable[Part]) -> tuple[Surface, ...]:
    groups: dict[int, list[Part]] = {}
    for part in parts:
        groups.setdefault(id(part.material), []).append(part)
    return tuple(_surface(group) for group in groups.values())


def _surface(parts: list[Part]) -> Surface:
    starts = np.cumsum([0] + [len(p.positions) for p in parts[:-1]])
    material = parts[0].material
    positions = np.concatenate([p.positions for p in parts])
    normals = np.concatenate([p.normals for p in parts])
    uv = np.concatenate([p.uv for p in parts])
    triangles = np.concatenate([p.triangles + s for p, s in zip(parts, starts, strict=True)])
    # Counter-clockwise as seen from the side that the normals point to: the other side counts as the back.
    a, b, c = (positions[triangles[:, k]] for k in range(3))
    against = (np.cross(b - a, c - a) * normals[triangles].sum(1)).sum(1) < 0
    triangles[against] = triangles[against][:, ::-1]
    return Surface(
        positions=positions.astype(np.float32),
        normals=normals.astype(np.float32),
        uv=np.stack([uv[:, 0], 1 - uv[:, 1]], 1).astype(np.float32),
        triangles=triangles.astype(np.int32),
        texture=material.texture,
        gloss=material.gloss,
        emission=material.emission,
        casts_shadow=material.casts_shadow,
    )


def placed(parts: Iterable[Part], at: Point, yaw_deg: float = 0.0) -> list[Part]:
    """Turn counter-clockwise as seen from above, then move."""
    c, s = np.cos(np.radians(yaw_deg)), np.sin(np.radians(yaw_deg))
    turn = np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
    return [replace(p, positions=p.positions @ turn + np.array(at), normals=p.normals @ turn) for p in parts]


def leaning(parts: Iterable[Part], tilt_deg: float) -> list[Part]:
    """Tip backwards (towards +y) about the x axis through the origin."""
    c, s = np.cos(np.radians(tilt_deg)), np.sin(np.radians(tilt_deg))
    turn = np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])
    return [replace(p, positions=p.positions @ turn, normals=p.normals @ turn) for p in parts]


def rectangle(
    material: Material, corner: Point, right: Point, up: Point, window: tuple[float, float, float, float] | None = None
) -> Part:
    """Faces right x up. `window` = (u0, v0, u1, v1) shows that cut of the texture; without it, it tiles by metres."""
    c, r, u = np.array(corner), np.array(right), np.array(up)
    if window is None:
        window = (0.0, 0.0, float(np.linalg.norm(r)) / material.tile_m, float(np.linalg.norm(u)) / material.tile_m)
    u0, v0, u1, v1 = window
    normal = np.cross(r, u)
    return Part(
        material,
        np.array([c, c + r, c + r + u, c + u]),
        np.tile(normal / np.linalg.norm(normal), (4, 1)),
        np.array([[u0, v1], [u1, v1], [u1, v0], [u0, v0]]),
        np.array([[0, 1, 2], [0, 2, 3]]),
    )


def box(material: Material, low: Point, high: Point, radius: float = 0.0, steps: int = 1) -> Part:
    """Edges rounded by `radius` in `steps`; the texture is projected along the axes."""
    lo, hi = np.array(low), np.array(high)
    radius = min(radius, float((hi - lo).min()) * 0.499)
    positions, normals, uvs = list[Array](), list[Array](), list[Array]()
    triangles, count = list[npt.NDArray[np.int64]](), 0
    for axis in range(3):
        a, b = [(1, 2), (0, 2), (0, 1)][axis]
        ga, gb = np.meshgrid(_ticks(lo[a], hi[a], radius, steps), _ticks(lo[b], hi[b], radius, steps))
        for side in (0, 1):
            p = np.empty((ga.size, 3))
            p[:, a], p[:, b], p[:, axis] = ga.ravel(), gb.ravel(), (lo, hi)[side][axis]
            inner = np.clip(p, lo + radius, hi - radius)
            n = p - inner
            if radius == 0.0:
                n[:, axis] = 2 * side - 1
            n /= np.linalg.norm(n, axis=1, keepdims=True)
            triangles.append(_grid_triangles(len(ga), ga.shape[1]) + count)
            count += ga.size
            positions.append(inner + radius * n)
            normals.append(n)
            uv = np.stack([p[:, a], -p[:, b]], 1)
            turn = material.has_grain and hi[b] - lo[b] > 1.6 * (hi[a] - lo[a])
            uvs.append(uv[:, ::-1] if turn else uv)
    return Part(
        material,
        np.concatenate(positions),
        np.concatenate(normals),
        np.concatenate(uvs) / material.tile_m,
        np.concatenate(triangles),
    )


def _ticks(lo: float, hi: float, radius: float, steps: int) -> Array:
    if radius == 0.0:
        return np.array([lo, hi])
    rim = radius * (1 - np.cos(np.linspace(0, np.pi / 2, steps + 1)))
    return np.concatenate([lo + rim, hi - rim[::-1]])


def turned(material: Material, profile: Sequence[tuple[float, float]], at: Point = (0, 0, 0), sides: int = 20) -> Part:
    """A surface of revolution about z; `profile` lists (radius, height) from top to bottom."""
    radius, height = np.array(profile).T
    angle = np.linspace(0, 2 * np.pi, sides + 1)
    points = np.stack(
        [radius[:, None] * np.cos(angle), radius[:, None] * np.sin(angle), np.tile(height[:, None], (1, sides + 1))], -1
    )
    around = max(1, round(2 * np.pi * float(radius.max()) / material.tile_m)) * angle / (2 * np.pi)
    along = np.concatenate([[0], np.cumsum(np.hypot(np.diff(radius), np.diff(height)))]) / material.tile_m
    uv = np.stack(np.broadcast_arrays(around[None, :], along[:, None]), -1)
    return sheet(material, points + np.array(at), uv, closed=True)


def tube(material: Material, path: Sequence[Point], radii: float | Sequence[float], sides: int = 8) -> Part:
    """A pipe along a path, e.g. branches, rails, lamp arms."""
    points = np.array(path, float)
    ahead = np.gradient(points, axis=0)
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    helper = np.where(np.abs(ahead[:, 2:]) > 0.9, np.array([[1.0, 0.0, 0.0]]), np.array([[0.0, 0.0, 1.0]]))
    across = np.cross(ahead, helper)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    upward = np.cross(across, ahead)
    angle = np.linspace(0, 2 * np.pi, sides + 1)[None, :, None]
    ring = np.cos(angle) * across[:, None] + np.sin(angle) * upward[:, None]
    radius = np.broadcast_to(np.asarray(radii, float), (len(points),))
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    repeats = max(1, round(2 * np.pi * float(radius.max()) / material.tile_m))
    u, v = np.meshgrid(np.linspace(0, repeats, sides + 1), along / material.tile_m)
    surface = points[:, None] + radius[:, None, None] * ring
    return sheet(material, surface, np.stack([u, v], -1), closed=True, outward=ring)


def blob(
    material: Material, rng: np.random.Generator, at: Point, radii: Point, roughness: float = 0.12, rows: int = 9
) -> Part:
    """A lumpy ball, e.g. a bush, a pillow, the inside of a tree's crown."""
    polar, angle = np.meshgrid(
        np.linspace(0.02, np.pi - 0.02, rows), np.linspace(0, 2 * np.pi, 2 * rows), indexing="ij"
    )
    ball = np.stack([np.sin(polar) * np.cos(angle), np.sin(polar) * np.sin(angle), np.cos(polar)], -1)
    waves = rng.normal(0, 2.2, (6, 3))
    lumps = np.sin(ball @ waves.T + rng.uniform(0, 6.28, 6)).sum(-1) / 6
    points = ball * (1 + 2 * roughness * lumps[..., None]) * np.array(radii)
    uv = np.stack([angle * max(radii) / material.tile_m, polar * max(radii) / material.tile_m], -1)
    return sheet(material, points + np.array(at), uv, closed=True, outward=ball)


def sheet(material: Material, points: Array, uv: Array, closed: bool = False, outward: Array | None = None) -> Part:
    """A smooth surface through a grid of points [R, C, 3]; `closed` joins the last column to the first."""
    rows, columns = points.shape[:2]
    padded = np.concatenate([points[:, -2:-1], points, points[:, 1:2]], 1) if closed else points
    across = np.gradient(padded, axis=1)[:, 1:-1] if closed else np.gradient(points, axis=1)
    normals = np.cross(np.gradient(points, axis=0), across)
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    # Where the grid shrinks to a point (the pole of a turned shape) the side's own normal is undefined: look along z.
    pole = np.array([0.0, 0.0, 1.0]) * np.where(np.arange(rows) * 2 < rows, 1.0, -1.0)[:, None, None]
    normals = np.where(length > 1e-9, normals / np.maximum(length, 1e-9), pole)
    if outward is not None:
        normals = normals * np.where((normals * outward).sum(-1, keepdims=True) < 0, -1.0, 1.0)
    return Part(
        material, points.reshape(-1, 3), normals.reshape(-1, 3), uv.reshape(-1, 2), _grid_triangles(rows, columns)
    )


def leaves(material: Material, rng: np.random.Generator, at: Point, radii: Point, count: int, size_m: float) -> Part:
    """Loose diamond-shaped leaves around an ellipsoid: they give foliage a real outline without transparency."""
    away = rng.normal(size=(count, 3))
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    centre = away * np.array(radii) * rng.uniform(0.8, 1.12, (count, 1)) + np.array(at)
    long = rng.normal(size=(count, 3)) + 0.5 * away - np.array([0, 0, 0.4])
    long /= np.linalg.norm(long, axis=1, keepdims=True)
    wide = np.cross(long, away + rng.normal(0, 0.5, (count, 3)))
    wide /= np.linalg.norm(wide, axis=1, keepdims=True)
    size = size_m * rng.uniform(0.6, 1.3, (count, 1))
    corners = np.stack(
        [centre - long * size, centre + wide * size * 0.5, centre + long * size, centre - wide * size * 0.5], 1
    )
    normals = away + rng.normal(0, 0.25, away.shape)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    shown = rng.uniform(0, 1, (count, 1, 2)) + np.array([[0, 0], [0.05, 0.03], [0.1, 0.1], [0.03, 0.05]])
    triangles = np.arange(count)[:, None, None] * 4 + np.array([[0, 1, 2], [0, 2, 3]])
    return Part(
        material, corners.reshape(-1, 3), np.repeat(normals, 4, 0), shown.reshape(-1, 2), triangles.reshape(-1, 3)
    )


def _grid_triangles(rows: int, columns: int) -> npt.NDArray[np.int64]:
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1].ravel(), index[:-1, 1:].ravel(), index[1:, 1:].ravel(), index[1:, :-1].ravel()
    return np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
