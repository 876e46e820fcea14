#version 450
#pragma kernel scene_mesh_vert SHADED
#pragma kernel scene_silhouette_vert
#pragma kernel scene_shadow_vert SHADOW
#extension GL_GOOGLE_include_directive : require
#include "scene.glsl"
// One instance of a mesh. The variants that are compared pixel by pixel (what is seen, what would be) are one.

layout(location = 0) in vec4 row_x;      // rows of the place: what makes the world's x, y, z
layout(location = 1) in vec4 row_y;
layout(location = 2) in vec4 row_z;
layout(location = 3) in vec4 surface;    // stretch, turns of the pattern over u and v, gloss
layout(location = 4) in vec4 color_a;    // square roots of linear colors
layout(location = 5) in vec4 color_b;
layout(location = 6) in uvec2 kind;      // pattern, object
layout(location = 7) in vec4 vertex;     // position, share of the stretch
layout(location = 8) in vec3 vertex_normal;
layout(location = 9) in vec2 vertex_uv;

#ifdef SHADED
layout(location = 0) out vec3 world;
layout(location = 1) out vec3 normal;
layout(location = 2) out vec2 uv;
layout(location = 3) out vec3 shadow_place;
layout(location = 4) flat out vec4 a;  // w: gloss
layout(location = 5) flat out vec3 b;
layout(location = 6) flat out vec4 weights;
#elif !defined(SHADOW)
layout(location = 0) flat out uint object;
#endif

invariant gl_Position;

void main() {
    vec4 local = vec4(vertex.x, vertex.y + vertex.w * surface.x, vertex.z, 1.0);
    vec4 place = vec4(dot(row_x, local), dot(row_y, local), dot(row_z, local), 1.0);
#ifdef SHADOW
    gl_Position = frame.sun_projection * place;
#else
    gl_Position = frame.view_projection * place;
#endif
#ifdef SHADED
    world = place.xyz;
    // Columns at right angles: the inverse transpose divides each by its squared length.
    vec3 squared = row_x.xyz * row_x.xyz + row_y.xyz * row_y.xyz + row_z.xyz * row_z.xyz;
    vec3 n = vertex_normal / squared;
    normal = vec3(dot(row_x.xyz, n), dot(row_y.xyz, n), dot(row_z.xyz, n));
    // Marble runs through the body, for it does not close round it.
    uv = kind.x == 4u ? (vertex.xz + vertex.y * vec2(0.6, -0.8)) * surface.yz * 0.7 : vertex_uv * surface.yz;
    shadow_place = (frame.sun_projection * place).xyz;
    a = vec4(color_a.xyz * color_a.xyz, surface.w);
    b = color_b.xyz * color_b.xyz;
    weights = vec4(kind.x == 1u, kind.x == 2u, kind.x == 3u, kind.x == 4u);
#elif !defined(SHADOW)
    object = kind.y;
#endif
}
