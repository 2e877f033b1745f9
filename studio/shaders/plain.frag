in vec3 world, world_normal, at;
uniform vec3 colour;
uniform float gloss;

void main() {
#ifdef IDENTITY
    emit(vec3(0), 1.0, 1.0);
#else
    float deep = smoothstep(-0.10, -0.145, at.y);   // it is dark in a mouth
    emit(shade(colour, world, normalize(world_normal), gloss, 0.6 * deep, vec3(0.3)) * deep, 1.0, 0.0);
#endif
}
