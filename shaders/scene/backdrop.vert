#version 450
#pragma kernel scene_backdrop_vert
#extension GL_GOOGLE_include_directive : require
#include "scene.glsl"
// One triangle over the whole picture, behind everything.

layout(location = 0) out vec4 ray;  // w: towards the wall
layout(location = 1) out vec3 ray_in_shadow;
layout(location = 2) flat out vec4 eye_in_shadow;  // w: the eye's distance from the wall

void main() {
    vec2 at = vec2(gl_VertexIndex == 1 ? 2.0 : 0.0, gl_VertexIndex == 2 ? 2.0 : 0.0);
    vec3 to = frame.ray_corner.xyz + frame.ray_right.xyz * at.x + frame.ray_down.xyz * at.y;
    ray = vec4(to, dot(to, frame.wall_plane.xyz));
    ray_in_shadow = mat3(frame.sun_projection) * to;
    eye_in_shadow.xyz = (frame.sun_projection * vec4(frame.eye.xyz, 1.0)).xyz;
    eye_in_shadow.w = dot(frame.eye.xyz, frame.wall_plane.xyz) + frame.wall_plane.w;
    gl_Position = vec4(at * 2.0 - 1.0, 1.0, 1.0);
}
