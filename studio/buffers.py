"""A scene's surfaces and its actors on the graphics side: what they are made of is sent once, poses every time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import moderngl
import numpy as np
import numpy.typing as npt

from studio import body
from studio.actor import Actor
from studio.anatomy import face_map, hang_cloth, limbs, parts
from studio.layers import Layer, bare_skin, layers
from studio.programs import program, render

Floats = npt.NDArray[np.float32]

LAYER_DEFAULTS = {"offset": 0.0, "flare": 0.0, "hair_layer": (0.0, 0.0), "fabric": 0, "face_map": 0}


@dataclass(frozen=True)
class Posed:
    """An actor at one moment: what the canvas needs to draw."""

    actor: Actor
    positions: Floats  # [V, 3] world
    normals: Floats  # [V, 3]
    head_rotation: Floats  # [3, 3] template to world


class Surface:
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
                program(gl, "scene", name), [(buffer, "3f 3f 2f", "position", "normal", "uv")], index, skip_errors=True
            )
            for name in ("PICTURE", "IDENTITY", "DEPTH")
        }

    def draw(self, pass_name: str, uniforms: Mapping[str, Any]) -> None:
        self._texture.use(0)
        render(self._arrays[pass_name], self._look | dict(uniforms))


class ActorBuffers:
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
                name: gl.vertex_array(program(gl, layer.shader, name), content, indices[layer.part], skip_errors=True)
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
            render(
                arrays[pass_name],
                LAYER_DEFAULTS | dict(layer.uniforms) | uniforms,
            )
