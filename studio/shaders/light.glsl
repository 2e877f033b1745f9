// Light, shadow, noise and film response shared by everything that is drawn. `emit` ends every fragment: in the picture
// pass it writes a colour, in the identity pass the object and whether the fragment is facial skin.
uniform vec3 eye_position;
uniform vec3 key_direction, key_colour, sky_colour, ground_colour;
uniform float exposure;
uniform mat4 shadow_matrix;
uniform sampler2DShadow shadow_map;
uniform sampler3D noise_map;
uniform float object_id;

out vec4 result;

float noise(vec3 p) { return texture(noise_map, p).r; }
float fractal(vec3 p) { return 0.55 * noise(p) + 0.3 * noise(p * 2.03 + 0.37) + 0.15 * noise(p * 4.1 + 0.71); }

float lit(vec3 world, vec3 normal) {
    vec4 s = shadow_matrix * vec4(world + normal * 0.012, 1);
    vec3 p = s.xyz * 0.5 + 0.5;
    if (any(lessThan(p.xy, vec2(0.01))) || any(greaterThan(p.xy, vec2(0.99)))) return 1.0;
    float sum = 0.0, step = 0.9 / 2048.0;   // each of the four taps is itself smoothed over four texels
    for (int y = -1; y <= 1; y += 2)
        for (int x = -1; x <= 1; x += 2) sum += texture(shadow_map, vec3(p.xy + vec2(x, y) * step, p.z - 0.0008));
    return sum / 4.0;
}

// albedo and result are linear; wrap lets light bleed past the terminator, per colour (skin bleeds red).
vec3 shade(vec3 albedo, vec3 world, vec3 normal, float gloss, float occlusion, vec3 wrap) {
    vec3 view = normalize(eye_position - world), half_way = normalize(view + key_direction);
    float shadow = lit(world, normal);
    vec3 diffuse = max((dot(normal, key_direction) + wrap) / (1.0 + wrap), 0.0) * mix(shadow, 1.0, 0.04);
    float sharpness = exp2(1.0 + 8.0 * gloss), facing = max(dot(normal, key_direction), 0.0);
    float fresnel = 0.04 + 0.96 * pow(1.0 - max(dot(view, half_way), 0.0), 5.0);
    float highlight = fresnel * (sharpness + 8.0) / 25.0 * pow(max(dot(normal, half_way), 0.0), sharpness) * facing * shadow;
    vec3 ambient = mix(ground_colour, sky_colour, normal.z * 0.5 + 0.5) * occlusion;
    float grazing = pow(1.0 - max(dot(view, normal), 0.0), 4.0);
    return albedo * (key_colour * diffuse + ambient) + key_colour * highlight * gloss * 2.0 + ambient * grazing * gloss * 0.35;
}

vec3 film(vec3 c) {
    c *= exposure;
    c = c * (2.51 * c + 0.03) / (c * (2.43 * c + 0.59) + 0.14);
    return pow(clamp(c, 0.0, 1.0), vec3(1.0 / 2.2));
}

void emit(vec3 linear_colour, float alpha, float is_face) {
#ifdef IDENTITY
    if (alpha < 0.5) discard;
    result = vec4(object_id / 255.0, is_face, 0, 1);
#else
    if (alpha < 0.02) discard;
    result = vec4(film(linear_colour), alpha);
#endif
}
