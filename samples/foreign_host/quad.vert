#version 450
// A rectangle that stands upright in the world, facing the camera: two triangles from six vertex indices. The camera
// looks along z; x goes right and y down, as in the picture.

layout(push_constant) uniform Quad {
    vec4 rect;    // x1, y1, x2, y2 in the world
    vec4 camera;  // x, y, z; the focal length: half the picture's height is 1 / focal at distance 1
    float depth;  // z of the rectangle
    float aspect; // of the picture: width / height
    vec2 repeat;  // how often the texture is repeated
} q;

layout(location = 0) out vec2 uv;

void main() {
    const vec2 corners[6] = vec2[](vec2(0, 0), vec2(1, 0), vec2(0, 1), vec2(0, 1), vec2(1, 0), vec2(1, 1));
    const vec2 corner = corners[gl_VertexIndex];
    const vec3 seen = vec3(mix(q.rect.xy, q.rect.zw, corner), q.depth) - q.camera.xyz;
    uv = corner * q.repeat;
    gl_Position = vec4(seen.x * q.camera.w / q.aspect, seen.y * q.camera.w, 0.0, seen.z);
}
