#version 450
#pragma kernel scene_backdrop_vert
#extension GL_GOOGLE_include_directive : require
#include "scene.glsl"
// One triangle over the whole picture, behind everything.

layout(location = 0) out vec3 ray;

void main() {
    vec2 at = vec2(gl_VertexIndex == 1 ? 2.0 : 0.0, gl_VertexIndex == 2 ? 2.0 : 0.0);
    ray = frame.ray_corner.xyz + frame.ray_right.xyz * at.x + frame.ray_down.xyz * at.y;
    gl_Position = vec4(at * 2.0 - 1.0, 1.0, 1.0);
}
