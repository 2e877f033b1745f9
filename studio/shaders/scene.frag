in vec3 world, world_normal;
in vec2 texture_uv;
uniform sampler2D albedo_map;
uniform float gloss, emission;

void main() {
#ifdef IDENTITY
    emit(vec3(0), 1.0, 0.0);
#else
    vec3 albedo = pow(texture(albedo_map, texture_uv).rgb, vec3(2.2));
    vec3 normal = normalize(world_normal) * (gl_FrontFacing ? 1.0 : -1.0);
    // Light thins out towards the floor near walls as it does in rooms: a cheap contact shade.
    float occlusion = 0.8 + 0.2 * smoothstep(0.0, 0.35, world.z);
    if (normal.z > 0.7) occlusion = 1.0;
    emit(mix(shade(albedo, world, normal, gloss, occlusion, vec3(0)), albedo, emission), 1.0, 0.0);
#endif
}
