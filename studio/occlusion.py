"""How much sky each vertex of a body sees at rest: the soft shade in eye sockets, under chins and arms."""

import moderngl
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

DIRECTIONS = 48
SIDE = 384
BIAS_M = 0.006


def sky_share(vertices: Floats, normals: Floats, triangles: npt.NDArray[np.int32]) -> Floats:
    """[V] 0 to 1: the cosine-weighted share of directions in which a vertex is not hidden by the triangles."""
    gl = moderngl.create_context(standalone=True, backend="egl")
    try:
        program = gl.program(
            vertex_shader="#version 330\nuniform mat4 m; in vec3 p; void main() { gl_Position = m * vec4(p, 1); }",
            fragment_shader="#version 330\nvoid main() {}",
        )
        array = gl.vertex_array(
            program, [(gl.buffer(vertices.astype("f4").tobytes()), "3f", "p")], gl.buffer(triangles.tobytes())
        )
        depth = gl.depth_texture((SIDE, SIDE))
        target = gl.framebuffer(depth_attachment=depth)
        centre, reach = (
            vertices.mean(axis=0),
            float(np.linalg.norm(vertices - vertices.mean(axis=0), axis=1).max()) * 1.01,
        )
        seen, possible = np.zeros(len(vertices)), np.zeros(len(vertices))
        for direction in _sphere(DIRECTIONS):
            axes = _axes(direction)
            at = (vertices - centre) @ axes.T / reach
            matrix = np.eye(4)
            matrix[:3, :3] = (
                axes / reach * np.array([[1], [1], [-1]])
            )  # clip space: what is nearer to the light has lower depth
            matrix[:3, 3] = -matrix[:3, :3] @ centre
            target.use()
            gl.enable(moderngl.DEPTH_TEST)
            gl.clear(depth=1.0)
            program["m"].write(matrix.T.astype("f4").tobytes())
            array.render()
            nearest = np.frombuffer(depth.read(), np.float32).reshape(SIDE, SIDE)
            x, y = (((at[:, k] + 1) / 2 * SIDE).astype(int).clip(0, SIDE - 1) for k in (0, 1))
            own = (1 - at[:, 2]) / 2
            weight = (normals @ direction).clip(0)
            possible += weight
            seen += weight * (own <= nearest[y, x] + BIAS_M / reach)
        return np.asarray(seen / possible.clip(1e-6), dtype=np.float32)
    finally:
        gl.release()


def _sphere(count: int) -> Floats:
    """[count, 3] directions, evenly spread."""
    k = np.arange(count) + 0.5
    z, around = 1 - 2 * k / count, k * np.pi * (1 + 5**0.5)
    return np.stack([np.sqrt(1 - z**2) * np.cos(around), np.sqrt(1 - z**2) * np.sin(around), z], axis=1).astype(
        np.float32
    )


def _axes(direction: Floats) -> Floats:
    """[3, 3] rows: two directions across and the direction itself."""
    helper = np.array([0, 0, 1.0]) if abs(direction[2]) < 0.9 else np.array([1.0, 0, 0])
    across = np.cross(helper, direction)
    across /= np.linalg.norm(across)
    return np.stack([across, np.cross(direction, across), direction]).astype(np.float32)
