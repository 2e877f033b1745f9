"""Draws a scene and its actors with OpenGL (software EGL is enough): the picture, and who is where in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import moderngl
import numpy as np
import numpy.typing as npt

from actor18m.samples.studio import body
from actor18m.samples.studio.actor import Actor
from actor18m.samples.studio.anatomy import face_map, hang_cloth, limbs, parts
from actor18m.samples.studio.camera import Camera, distance_of
from actor18m.samples.studio.layers import Layer, bare_skin, layers
from actor18m.samples.studio.scenery.scene import Scene

Floats = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]

SHADOW_PIXELS = 2048
SHADOW_REACH_M = 5.0
STAGE_CENTRE_M = (0.0, 0.0, 1.0)  # shadows reach about here, whoever is on: following actors, furniture's would pop
SAMPLES = 4
NEAR_HEAD_PIXELS = 110
SAMPLE_ALPHA_TO_COVERAGE = 0x809E
LAYER_DEFAULTS = {"offset": 0.0, "flare": 0.0, "hair_layer": (0.0, 0.0), "fabric": 0, "face_map": 0}


@dataclass(frozen=True)
class Posed:
    """An actor at one moment: what the canvas needs to draw."""

    actor: Actor
    positions: Floats  # [V, 3] world
    normals: Floats  # [V, 3]
    head_rotation: Floats  # [3, 3] template to world


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
        self._surfaces = [_Surface(gl, s) for s in scene.surfaces]
        self._actors = [_ActorBuffers(gl, a) for a in actors]

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


class _Surface:
    """A scene surface on the graphics side."""

    def __init__(self, gl: moderngl.Context, surface: Any) -> None:
        self.casts_shadow: bool = surface.casts_shadow
        self._look = {"gloss": surface.gloss, "emission": surface.emission, "albedo_map": 0}
        self._texture = gl.texture(
            surface.texture.shape[1::-1], 3, np.ascontiguousarray(surface.texture[::-1]).tobytes(), alignment=1
        )
        self._texture.build_mipmaps()  # no anisotropy: llvmpipe takes minutes over surfaces seen edge-on
        vertices = np.concatenate([surface.positions, surface.normals, surface.uv], axis=1).astype("f4")
        buffer, index = gl.buffer(vertices.tobytes()), gl.buffer(surface.triangles.astype("i4").tobytes())
        self._arrays = {
            name: gl.vertex_array(
                _program(gl, "scene", name), [(buffer, "3f 3f 2f", "position", "normal", "uv")], index, skip_errors=True
            )
            for name in ("PICTURE", "IDENTITY", "DEPTH")
        }

    def draw(self, pass_name: str, uniforms: Mapping[str, Any]) -> None:
        self._texture.use(0)
        _render(self._arrays[pass_name], self._look | dict(uniforms))


class _ActorBuffers:
    """An actor on the graphics side: layers of skin, eyes, cloth and hair over one set of corners."""

    def __init__(self, gl: moderngl.Context, actor: Actor) -> None:
        self._gl = gl
        mesh = body.mesh()
        fixed = np.concatenate(
            [
                hang_cloth(mesh.template)[mesh.corner_vertex],
                mesh.corner_uv,
                hang_cloth(limbs())[mesh.corner_vertex],
                actor.occlusion[mesh.corner_vertex, None],
            ],
            axis=1,
        ).astype("f4")
        self._moving = gl.buffer(reserve=len(fixed) * 24, dynamic=True)
        content = [
            (self._moving, "3f 3f", "position", "normal"),
            (gl.buffer(fixed.tobytes()), "3f 2f 2f 1f", "template_position", "uv", "limb", "occlusion"),
        ]
        masks = face_map()
        self._face_map = gl.texture(masks.shape[1::-1], 3, np.ascontiguousarray(masks[::-1]).tobytes())
        self._face_map.build_mipmaps()
        self._fabrics: dict[int, moderngl.Texture] = {}
        self._layers: list[tuple[Layer, dict[str, moderngl.VertexArray]]] = []
        indices: dict[str, moderngl.Buffer] = {}
        for layer in layers(actor):
            if layer.fabric is not None and id(layer.fabric) not in self._fabrics:
                texture = gl.texture(layer.fabric.shape[1::-1], 3, layer.fabric.tobytes())
                texture.build_mipmaps()
                self._fabrics[id(layer.fabric)] = texture
            if layer.part not in indices:
                triangles = bare_skin(actor.outfit) if layer.part == "bare skin" else parts()[layer.part]
                indices[layer.part] = gl.buffer(triangles.tobytes())
            arrays = {
                name: gl.vertex_array(_program(gl, layer.shader, name), content, indices[layer.part], skip_errors=True)
                for name in ("PICTURE", "IDENTITY", "DEPTH")
                if name != "DEPTH" or layer.casts_shadow
            }
            self._layers.append((layer, arrays))

    def place(self, posed: Posed) -> None:
        corner = body.mesh().corner_vertex
        self._moving.write(
            np.concatenate([posed.positions[corner], posed.normals[corner]], axis=1).astype("f4").tobytes()
        )

    def draw(self, pass_name: str, uniforms: dict[str, Any], near: bool = False) -> None:
        for layer, arrays in self._layers:
            if pass_name not in arrays or (layer.only_near and not near):
                continue
            if layer.fabric is not None:
                self._fabrics[id(layer.fabric)].use(0)
            else:
                self._face_map.use(0)
            _render(
                arrays[pass_name],
                LAYER_DEFAULTS | dict(layer.uniforms) | uniforms,
            )


def _render(array: moderngl.VertexArray, uniforms: Mapping[str, Any]) -> None:
    program = array.program
    for name, value in uniforms.items():
        member = program.get(name, None)
        if member is None:
            continue
        if isinstance(value, np.ndarray) and value.ndim == 2:
            member.write(np.ascontiguousarray(value.T, dtype="f4").tobytes())
        elif isinstance(value, np.ndarray):
            member.write(value.astype("f4").tobytes())
        else:
            member.value = value
    array.render()


def _program(gl: moderngl.Context, shader: str, pass_name: str) -> moderngl.Program:
    programs = gl.extra = gl.extra or {}
    if (shader, pass_name) not in programs:
        vertex = "scene.vert" if shader == "scene" else "actor.vert"
        head = "#version 330\n" + ("#define IDENTITY\n" if pass_name == "IDENTITY" else "")
        fragment = (
            head + _source("depth.frag")
            if pass_name == "DEPTH"
            else head + _source("light.glsl", "garment.glsl", "hairline.glsl", f"{shader}.frag")
        )
        programs[shader, pass_name] = gl.program(
            vertex_shader="#version 330\n" + _source(vertex), fragment_shader=fragment
        )
    return programs[shader, pass_name]


@cache
def _source(*names: str) -> str:
    folder = files("actor18m.samples.studio") / "shaders"
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)


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
