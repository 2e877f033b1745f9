in vec3 world, world_normal, at;
in vec2 at_uv, at_limb;
in float at_occlusion;
uniform sampler2D face_map;          // r lips, g face, b eyelids
uniform vec3 skin_colour, lip_colour, brow_colour, hair_colour;
uniform vec4 brow;                   // height, thickness, arch, strength
uniform float stubble, freckles, makeup, age;
uniform vec4 top;
uniform vec3 bottom;                 // z: 1 when the legs are dressed in trousers
uniform float shaved;                // how dark the scalp is where hair grows

void main() {
    float covered = top_cover(at, at_limb, top);
    if (bottom.z > 0.5) covered = max(covered, bottom_cover(at, at_limb, bottom.xy));
    if (covered > 0.012 || at_limb.y > 2.03) discard;  // under cloth and in shoes
    vec3 parts = texture(face_map, at_uv).rgb;
#ifdef IDENTITY
    emit(vec3(0), 1.0, step(0.5, parts.g));
#else
    vec3 normal = normalize(world_normal);
    float fine = noise(at * 31.0), coarse = fractal(at * 7.0), pore = noise(at * 90.0);
    vec3 bump = vec3(noise(at * 70.0 + 0.1), noise(at * 70.0 + 0.4), noise(at * 70.0 + 0.8)) - 0.5;
    normal = normalize(normal + bump * (0.08 + 0.10 * age));

    vec3 albedo = skin_colour * (0.90 + 0.16 * coarse + 0.06 * (pore - 0.5));
    // Blood shows at cheeks, nose tip, ears, knuckles, elbows.
    float cheek = exp(-(pow((abs(at.x) - 0.046) / 0.022, 2.0) + pow((at.z - 0.866) / 0.020, 2.0))) * step(at.y, -0.05);
    float nose = exp(-(pow(at.x / 0.014, 2.0) + pow((at.z - 0.866) / 0.013, 2.0))) * step(at.y, -0.12);
    float ear = smoothstep(0.074, 0.084, abs(at.x)) * step(0.8, at.z);
    albedo *= mix(vec3(1), vec3(1.06, 0.84, 0.82), clamp(0.55 * cheek + 0.6 * nose + 0.5 * ear + 0.5 * makeup * cheek, 0.0, 1.0));
    float under_eye = exp(-(pow((abs(at.x) - 0.031) / 0.016, 2.0) + pow((at.z - 0.886) / 0.007, 2.0))) * step(at.y, -0.08);
    albedo *= 1.0 - under_eye * (0.10 + 0.15 * age);
    albedo *= 1.0 - freckles * 0.35 * smoothstep(0.62, 0.72, fine) * parts.g;

    // Lips, lids, lashes.
    albedo = mix(albedo, lip_colour * (0.92 + 0.16 * noise(at * vec3(160, 30, 30))), smoothstep(0.3, 0.75, parts.r));
    albedo *= mix(vec3(1), mix(vec3(0.86, 0.78, 0.76), vec3(0.45, 0.38, 0.40), makeup), parts.b * 0.8);
    vec3 to_eye = vec3(abs(at.x) - 0.031, at.y + 0.130, at.z - 0.902);
    float lash = 1.0 - smoothstep(0.0142, 0.0152, length(to_eye));
    albedo = mix(albedo, vec3(0.03, 0.02, 0.02), lash * (to_eye.z > 0.0 ? 0.85 : 0.45));

    // Eyebrows: an arched band of short strokes.
    float along = clamp((abs(at.x) - 0.013) / 0.040, 0.0, 1.0);
    float middle = brow.x + brow.z * sin(along * 2.2) - 0.010 * max(along - 0.72, 0.0);
    float width = brow.y * mix(1.0, 0.35, along * along);
    float hairs = 0.55 + 0.75 * (noise(vec3(at.x * 75.0, at.z * 28.0 + at.x * 30.0, 0.3)) - 0.4);
    float band = smoothstep(width, width * 0.35, abs(at.z - middle)) * smoothstep(0.009, 0.016, abs(at.x));
    band *= smoothstep(0.058, 0.050, abs(at.x)) * step(at.y, -0.06);
    albedo = mix(albedo, brow_colour, clamp(band * hairs * 1.6, 0.0, 1.0) * brow.w);

    // Stubble and the shadow of hair on the scalp.
    float chin = smoothstep(0.852, 0.838, at.z) * smoothstep(0.742, 0.765, at.z) * smoothstep(-0.055, -0.075, at.y);
    chin *= 1.0 - smoothstep(0.2, 0.5, parts.r);
    albedo = mix(albedo, hair_colour * 0.8 + vec3(0.02), clamp(chin * stubble * (0.5 + 0.7 * noise(at * 150.0)), 0.0, 0.9));
    float scalp = smoothstep(-0.006, 0.006, hair_border(at) + 0.008 * (fine - 0.5)) * step(0.8, at.z);
    albedo = mix(albedo, hair_colour * 0.6, scalp * shaved * (0.75 + 0.25 * pore));

    float gloss = mix(0.42, 0.30, stubble * chin) + 0.22 * smoothstep(0.3, 0.75, parts.r) - 0.10 * coarse;
    emit(shade(albedo, world, normal, gloss, at_occlusion, vec3(0.38, 0.17, 0.10)), 1.0, 0.0);
#endif
}
