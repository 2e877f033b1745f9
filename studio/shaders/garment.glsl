// Where a garment covers the body, in template coordinates: metres inside its border, negative outside.
// top: x hem height, y sleeve end on the arm, z neckline in front, w its slope (0 round, else V)
// bottom: x waist height, y trouser end on the leg
float top_cover(vec3 p, vec2 limb, vec4 top) {
    float inside = p.z - top.x;
    inside = min(inside, (top.y - limb.x) * 0.28);
    float front = top.w > 0.0 ? top.z + top.w * abs(p.x) : top.z + 12.5 * p.x * p.x;
    float neck = mix(front, 0.742, smoothstep(-0.035, 0.015, p.y));
    return min(inside, neck - p.z);
}

float bottom_cover(vec3 p, vec2 limb, vec2 bottom) {
    return min(bottom.x - p.z, (bottom.y - limb.y) * 0.42);
}
