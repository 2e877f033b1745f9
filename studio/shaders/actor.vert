// One actor's corner: posed on the processor, pushed out along its normal here to make garments and hair layers.
in vec3 position, normal, template_position;
in vec2 uv, limb;  // limb: how far along the arm (0 shoulder, 1 elbow, 2 wrist) and the leg (0 hip, 1 knee, 2 ankle)
in float occlusion;
uniform mat4 view_projection;
uniform mat3 head_rotation;
uniform float offset;     // metres outwards
uniform float flare;      // metres more at the hem of a loose garment
uniform vec2 hair_layer;  // length in metres, share of it that this layer stands at
uniform vec3 crown;       // template position that hair flows away from
uniform float lie;        // how flat hair lies, 0 upright to 1 flat
out vec3 world, world_normal, at, strand;
out vec2 at_uv, at_limb;
out float at_occlusion;

void main() {
    at = template_position;
    at_uv = uv;
    at_limb = limb;
    at_occlusion = occlusion;
    world_normal = normal;
    float loose = smoothstep(0.62, 0.12, at.z) * (1.0 - smoothstep(0.1, 0.4, limb.x)) + 0.6 * smoothstep(0.2, 1.0, limb.x);
    vec3 away = at - crown;
    strand = normalize(head_rotation * (away - vec3(0, 0, 0.10)));
    float length = hair_layer.x * hair_layer.y;
    vec3 flow = normalize(strand - normal * dot(strand, normal) + vec3(1e-5));
    world = position + normal * (offset + flare * loose + length * (1.0 - 0.75 * lie)) + flow * length * hair_layer.y * lie;
    gl_Position = view_projection * vec4(world, 1);
}
