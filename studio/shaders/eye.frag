in vec3 world, world_normal, at;
in float at_occlusion;
uniform vec3 iris_colour;

void main() {
#ifdef IDENTITY
    emit(vec3(0), 1.0, 1.0);
#else
    vec3 out_of_eye = normalize(vec3(abs(at.x) - 0.0308, at.y + 0.1305, at.z - 0.9025));
    float off_axis = acos(clamp(-out_of_eye.y, -1.0, 1.0));
    float spoke = atan(out_of_eye.z, out_of_eye.x);
    vec3 white = vec3(0.66, 0.60, 0.56) * mix(vec3(1), vec3(1.0, 0.72, 0.66), smoothstep(0.55, 1.1, off_axis));
    vec3 iris = iris_colour * (0.55 + 0.8 * noise(vec3(spoke * 1.9, off_axis * 0.7, 0.2)));
    iris *= 1.0 - 0.75 * smoothstep(0.36, 0.45, off_axis);
    vec3 albedo = mix(iris, white, smoothstep(0.42, 0.48, off_axis));
    albedo = mix(vec3(0.008), albedo, smoothstep(0.15, 0.19, off_axis));
    albedo *= mix(0.5, 1.0, smoothstep(0.55, 0.05, out_of_eye.z));   // the upper lid's shade
    vec3 normal = normalize(world_normal);
    emit(shade(albedo, world, normal, 0.95, 0.55, vec3(0.2)), 1.0, 0.0);
#endif
}
