// How far above the hairline a template position lies, in metres; nine knots from the forehead to the nape.
uniform float hairline[9];

float hair_border(vec3 p) {
    float around = atan(abs(p.x), -(p.y + 0.045)) / 3.14159 * 8.0;
    int knot = int(min(floor(around), 7.0));
    return p.z - mix(hairline[knot], hairline[knot + 1], around - float(knot));
}
