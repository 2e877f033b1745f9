in vec3 position, normal;
in vec2 uv;
uniform mat4 view_projection;
out vec3 world, world_normal;
out vec2 texture_uv;

void main() {
    world = position;
    world_normal = normal;
    texture_uv = uv;
    gl_Position = view_projection * vec4(position, 1);
}
