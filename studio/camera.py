"""A pinhole camera in world axes (z up, metres)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
NEAR_M, FAR_M = 0.08, 80.0


@dataclass(frozen=True)
class Camera:
    """Where the camera stands, what it looks at, and its vertical field of view."""

    position: tuple[float, float, float]
    target: tuple[float, float, float]
    fov_deg: float
    roll_deg: float = 0.0

    def view(self) -> Floats:
        """[4, 4] world to camera; the camera looks along -z."""
        back = np.subtract(self.position, self.target)
        back = back / np.linalg.norm(back)
        right = np.cross([0.0, 0.0, 1.0], back)
        right /= np.linalg.norm(right)
        up = np.cross(back, right)
        roll = np.radians(self.roll_deg)
        axes = np.stack([np.cos(roll) * right + np.sin(roll) * up, np.cos(roll) * up - np.sin(roll) * right, back])
        out = np.eye(4)
        out[:3, :3] = axes
        out[:3, 3] = -axes @ self.position
        return out

    def projection(self, width: int, height: int, margin: float = 1.0) -> Floats:
        """[4, 4] camera to clip space; a margin of 2 sees twice as wide and high."""
        scale = 1.0 / (np.tan(np.radians(self.fov_deg) / 2) * margin)
        depth = NEAR_M - FAR_M
        return np.array(
            [
                [scale * height / width, 0, 0, 0],
                [0, scale, 0, 0],
                [0, 0, (FAR_M + NEAR_M) / depth, 2 * FAR_M * NEAR_M / depth],
                [0, 0, -1, 0],
            ]
        )

    def project(self, points: npt.NDArray[np.floating], width: int, height: int) -> Floats:
        """[N, 3] world to [N, 3]: x and y in pixels, and the distance along the optical axis in metres."""
        homogeneous = np.concatenate([points, np.ones((len(points), 1))], axis=1)
        clip = homogeneous @ (self.projection(width, height) @ self.view()).T
        x, y = clip[:, 0] / clip[:, 3], clip[:, 1] / clip[:, 3]
        return np.stack([(x + 1) / 2 * width, (1 - y) / 2 * height, clip[:, 3]], axis=1)


def distance_of(depth: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Depth buffer values (0 to 1) as metres along the optical axis."""
    z = 2.0 * depth - 1.0
    return np.asarray(2.0 * FAR_M * NEAR_M / (FAR_M + NEAR_M - z * (FAR_M - NEAR_M)), dtype=np.float32)
