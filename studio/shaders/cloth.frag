in vec3 world, world_normal, at;
in vec2 at_limb;
in float at_occlusion;
uniform int kind;                    // 0 top, 1 trousers, 2 skirt, 3 shoes
uniform vec4 top;
uniform vec3 bottom;
uniform float gap;                   // metres that a jacket stands open in front, 0 when closed
uniform sampler2D fabric;
uniform vec3 sole_colour;
uniform float gloss, folds;

vec3 weave(vec3 p, vec3 n) {
    vec3 w = pow(abs(n), vec3(4.0));
    w /= w.x + w.y + w.z;
    const float metres = 0.42;
    return texture(fabric, p.yz / metres).rgb * w.x + texture(fabric, p.xz / metres).rgb * w.y + texture(fabric, p.xy / metres).rgb * w.z;
}

void main() {
    float inside;
    if (kind == 0) inside = top_cover(at, at_limb, top);
    else if (kind == 1) inside = bottom_cover(at, at_limb, bottom.xy);
    else if (kind == 2) inside = min(bottom.x - at.z, at.z - bottom.y);
    else inside = (at_limb.y - 2.0) * 0.2;
    if (gap > 0.0) inside = min(inside, at.y > -0.03 ? 1.0 : abs(at.x) - gap * (1.0 + 0.5 * smoothstep(0.4, 0.2, at.z)));
    if (kind == 1 && at_limb.y > 2.06) inside = -1.0;
    float alpha = clamp(inside / max(fwidth(inside), 1e-5) + 0.5, 0.0, 1.0);
#ifdef IDENTITY
    emit(vec3(0), alpha, 0.0);
#else
    vec3 normal = normalize(world_normal) * (gl_FrontFacing ? 1.0 : -1.0);
    vec3 albedo = pow(weave(at, normalize(world_normal)), vec3(2.2));
    // Folds run across limbs and gather at the waist, elbows and knees.
    vec3 f = at * vec3(5.0, 5.0, 9.0);
    float bend = 1.0 + 1.6 * exp(-pow((at_limb.x - 1.0) * 4.0, 2.0)) + 1.6 * exp(-pow((at_limb.y - 1.0) * 4.0, 2.0));
    vec3 crease = vec3(fractal(f), fractal(f + 5.3), fractal(f + 9.1)) - 0.5;
    normal = normalize(normal + crease * folds * bend);
    albedo *= 0.92 + 0.16 * fractal(f);
    albedo *= mix(0.62, 1.0, smoothstep(0.0, 0.006, abs(inside - 0.016) - 0.0006));   // a seam along the border
    albedo *= 0.93 + 0.14 * noise(at * 60.0);
    if (!gl_FrontFacing) albedo *= 0.35;
    if (kind == 3 && at.z < -0.822) albedo = sole_colour;
    emit(shade(albedo, world, normal, gloss, at_occlusion, vec3(0.1)), alpha, 0.0);
#endif
}
