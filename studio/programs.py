"""Shaders: each program is compiled once for a context, by what it draws and in which pass."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import moderngl
import numpy as np


def render(array: moderngl.VertexArray, uniforms: Mapping[str, Any]) -> None:
    for name, value in uniforms.items():
        member = array.program.get(name, None)
        if member is None:
            continue
        if isinstance(value, np.ndarray) and value.ndim == 2:
            member.write(np.ascontiguousarray(value.T, dtype="f4").tobytes())
        elif isinstance(value, np.ndarray):
            member.write(value.astype("f4").tobytes())
        else:
            member.value = value
    array.render()


def program(gl: moderngl.Context, shader: str, pass_name: str) -> moderngl.Program:
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
    folder = files("studio") / "shaders"
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)
