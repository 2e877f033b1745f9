in vec3 world, world_normal, at, strand;
in float at_occlusion;
uniform vec3 hair_colour;
uniform vec2 hair_layer;             // length in metres, share of it that this layer stands at
uniform int style;                   // 0 scalp, 1 long hull, 2 beard
uniform float hull_end;              // height where long hair ends
uniform float curl;                  // 0 straight to 1 tightly curled

void main() {
    // Strands run along meridians from the crown; curls break them up.
    vec3 c = at - vec3(0.0, 0.005, 0.93);
    float around = atan(c.x, -c.y), down = acos(clamp(c.z / length(c), -1.0, 1.0));
    if (style == 1) down = at.z * 9.0;
    vec3 straight = vec3(around * 3.1, down * 0.35, hair_layer.y * 0.03);
    vec3 curled = at * 16.0 + vec3(0, 0, hair_layer.y * 0.1);
    float tuft = mix(noise(straight + 0.5), noise(curled * 0.6), curl);
    float single = mix(noise(straight * vec3(5.0, 1.5, 1.0)), noise(curled * 1.9), curl);
    float height = 0.55 * tuft + 0.45 * single;

    float alpha = 1.0;
    float border = hair_border(at);
    if (style == 0) {
        if (at.z < 0.8) discard;
        float grows = smoothstep(-0.004, 0.010, border + 0.014 * (single - 0.5));
        alpha = smoothstep(0.0, 0.08, height + 0.28 - mix(0.10, 0.62, hair_layer.y)) * grows;
        alpha *= 1.0 - smoothstep(0.4, 1.0, hair_layer.y) * (1.0 - smoothstep(0.0, 0.035, border));
    } else if (style == 1) {
        float face = max(at.y + 0.082, at.z - 0.985);   // the hull's curtain before the face is cut away
        alpha = smoothstep(-0.004, 0.004, face + 0.006 * (single - 0.5)) * smoothstep(0.0, 0.02, at.z - hull_end - 0.09 * single);
    } else if (style == 2) {
        float chin = smoothstep(0.850, 0.840, at.z) * smoothstep(0.745, 0.770, at.z) * smoothstep(-0.055, -0.08, at.y);
        float mouth = length(vec2(at.x / 0.026, (at.z - 0.829) / 0.009));
        alpha = smoothstep(0.0, 0.1, noise(at * 55.0) + 0.25 - mix(0.05, 0.7, hair_layer.y)) * chin * smoothstep(0.9, 1.15, mouth);
    }
#ifdef IDENTITY
    emit(vec3(0), alpha, style == 2 && at.z > 0.775 ? 1.0 : 0.0);   // a beard belongs to the face, as parsers see it
#else
    vec3 normal = normalize(world_normal) * (gl_FrontFacing ? 1.0 : -1.0);
    normal = normalize(normal + 0.55 * (vec3(noise(straight * 3.0), noise(straight * 3.0 + 3.1), tuft) - 0.5) * (1.0 + curl));
    vec3 albedo = hair_colour * (0.45 + 0.75 * height) * mix(0.45, 1.0, style == 1 ? 0.9 : hair_layer.y);
    vec3 view = normalize(eye_position - world), half_way = normalize(view + key_direction);
    float slant = dot(normalize(strand), half_way);
    float sheen = pow(max(1.0 - slant * slant, 0.0), 24.0) * max(dot(normal, key_direction), 0.0) * (1.0 - 0.7 * curl);
    vec3 colour = shade(albedo, world, normal, 0.12, at_occlusion, vec3(0.2));
    colour += key_colour * sheen * (0.05 + 0.25 * hair_colour) * (0.4 + single) * lit(world, normal);
    emit(colour, alpha, 0.0);
#endif
}
