"""Draws a scene and its actors with OpenGL (software EGL is enough): the picture, and who is where in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import moderngl
import numpy as np
import numpy.typing as npt

from studio.actor import Actor
from studio.buffers import ActorBuffers, Posed, Surface
from studio.camera import Camera, distance_of
from studio.scenery.scene import Scene

Floats = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]

SHADOW_PIXELS = 2048
SHADOW_REACH_M = 5.0
STAGE_CENTRE_M = (0.0, 0.0, 1.0)  # shadows reach about here, whoever is on: following actors, furniture's would pop
SAMPLES = 4
NEAR_HEAD_PIXELS = 110
SAMPLE_ALPHA_TO_COVERAGE = 0x809E


@dataclass(frozen=True)
class Identity:
    """Who covers each pixel."""

    objects: Pixels  # [H, W] 0 scene, n + 1 for the n-th actor
    face: npt.NDArray[np.bool_]  # [H, W] facial skin, eyes and mouth
    distance_m: Floats  # [H, W]


class Canvas:
    """One OpenGL context with one scene in it. Use as a context manager."""

    def __init__(self, scene: Scene, actors: Sequence[Actor], width: int, height: int) -> None:
        self.width, self.height = width, height
        self._gl = gl = moderngl.create_context(standalone=True, backend="egl")
        self._scene = scene
        size = (width, height)
        self._picture = gl.framebuffer([gl.renderbuffer(size, samples=SAMPLES)], gl.depth_renderbuffer(size, SAMPLES))
        self._resolved = gl.framebuffer([gl.renderbuffer(size)])
        self._depth = gl.depth_texture(size)
        self._identity = gl.framebuffer([gl.renderbuffer(size)], self._depth)
        self._shadow_map = gl.depth_texture((SHADOW_PIXELS, SHADOW_PIXELS))
        self._shadow_map.compare_func = "<="
        self._shadow = gl.framebuffer(depth_attachment=self._shadow_map)
        self._noise = _noise_volume(gl)
        self._surfaces = [Surface(gl, s) for s in scene.surfaces]
        self._actors = [ActorBuffers(gl, a) for a in actors]

    def __enter__(self) -> "Canvas":
        return self

    def __exit__(self, *_: object) -> None:
        self._gl.release()

    def picture(self, camera: Camera, cast: Sequence[Posed | None]) -> Pixels:
        """uint8[H, W, 3] RGB of the scene with those of its actors that are not None."""
        with self._gl as gl:
            for buffers, posed in zip(self._actors, cast, strict=True):
                if posed is not None:
                    buffers.place(posed)
            shadow_matrix = self._cast_shadows(cast)
            self._picture.use()
            gl.enable(moderngl.DEPTH_TEST)
            backdrop = _film(self._scene.backdrop * self._scene.lighting.exposure)
            gl.clear(*(float(c) for c in backdrop))
            frame = self._frame_uniforms(camera, 1.0) | {"shadow_matrix": shadow_matrix}
            self._draw(camera, frame, cast, "PICTURE", with_scene=True)
            gl.copy_framebuffer(self._resolved, self._picture)
            return _read(self._resolved, 3)

    def identity(
        self, camera: Camera, cast: Sequence[Posed | None], with_scene: bool = True, margin: float = 1.0
    ) -> Identity:
        """Who covers each pixel, actors placed as in the last `picture`; margin widens the view about its centre."""
        with self._gl as gl:
            self._identity.use()
            gl.enable(moderngl.DEPTH_TEST)
            gl.clear(0.0, 0.0, 0.0, 0.0)
            self._draw(camera, self._frame_uniforms(camera, margin), cast, "IDENTITY", with_scene)
            pixels = _read(self._identity, 3)
            depth = np.frombuffer(self._depth.read(), np.float32).reshape(self.height, self.width)[::-1]
        return Identity(pixels[:, :, 0], pixels[:, :, 1] > 127, distance_of(depth))

    def _frame_uniforms(self, camera: Camera, margin: float) -> dict[str, Any]:
        light = self._scene.lighting
        return {
            "view_projection": camera.projection(self.width, self.height, margin) @ camera.view(),
            "eye_position": camera.position,
            "key_direction": light.key_direction,
            "key_colour": light.key_colour,
            "sky_colour": light.sky_colour,
            "ground_colour": light.ground_colour,
            "exposure": light.exposure,
        }

    def _head_pixels(self, camera: Camera, posed: Posed) -> float:
        top = posed.positions[:, 2].max()
        head = np.array(
            [[*posed.positions[:, :2].mean(axis=0), top - 0.25], [*posed.positions[:, :2].mean(axis=0), top]]
        )
        seen = camera.project(head, self.width, self.height)
        return float(abs(seen[0, 1] - seen[1, 1]))

    def _draw(
        self, camera: Camera, frame: Mapping[str, Any], cast: Sequence[Posed | None], pass_name: str, with_scene: bool
    ) -> None:
        gl = self._gl
        gl.disable(moderngl.CULL_FACE)
        self._noise.use(1)
        self._shadow_map.use(2)
        common = dict(frame) | {"noise_map": 1, "shadow_map": 2, "object_id": 0.0}
        if with_scene:
            for surface in self._surfaces:
                surface.draw(pass_name, common)
        if pass_name == "PICTURE":
            gl.enable_direct(SAMPLE_ALPHA_TO_COVERAGE)
        for number, (buffers, posed) in enumerate(zip(self._actors, cast, strict=True), start=1):
            if posed is not None:
                near = pass_name == "PICTURE" and self._head_pixels(camera, posed) > NEAR_HEAD_PIXELS
                buffers.draw(
                    pass_name, common | {"object_id": float(number), "head_rotation": posed.head_rotation}, near
                )
        if pass_name == "PICTURE":
            gl.disable_direct(SAMPLE_ALPHA_TO_COVERAGE)

    def _cast_shadows(self, cast: Sequence[Posed | None]) -> npt.NDArray[np.float64]:
        towards = np.asarray(self._scene.lighting.key_direction, np.float64)
        sun = Camera(tuple(STAGE_CENTRE_M + towards), STAGE_CENTRE_M, 45.0).view()
        reach = np.diag([1 / SHADOW_REACH_M, 1 / SHADOW_REACH_M, -1 / (3 * SHADOW_REACH_M), 1.0])
        matrix = reach @ sun
        self._shadow.use()
        self._gl.enable(moderngl.DEPTH_TEST)
        self._gl.clear(depth=1.0)
        for surface in self._surfaces:
            if surface.casts_shadow:
                surface.draw("DEPTH", {"view_projection": matrix})
        for buffers, posed in zip(self._actors, cast, strict=True):
            if posed is not None:
                buffers.draw("DEPTH", {"view_projection": matrix, "head_rotation": posed.head_rotation})
        return matrix


def _noise_volume(gl: moderngl.Context) -> moderngl.Texture3D:
    size = 32
    values = np.random.default_rng(18).integers(0, 256, (size, size, size), np.uint8)
    volume = gl.texture3d((size, size, size), 1, values.tobytes())
    volume.filter = (moderngl.LINEAR, moderngl.LINEAR)
    return volume


def _read(framebuffer: moderngl.Framebuffer, components: int) -> Pixels:
    data = np.frombuffer(framebuffer.read(components=components, alignment=1), np.uint8)
    return data.reshape(framebuffer.height, framebuffer.width, components)[::-1]


def _film(linear: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    curve = linear * (2.51 * linear + 0.03) / (linear * (2.43 * linear + 0.59) + 0.14)
    return np.clip(curve, 0, 1) ** (1 / 2.2)
