#version 450
#pragma kernel scene_mesh_frag
#pragma kernel scene_backdrop_frag BACKDROP
#extension GL_GOOGLE_include_directive : require
#include "scene.glsl"
// The light on a mesh, or on floor and wall.

layout(set = 0, binding = 1) uniform sampler2DShadow shadow_map;
layout(location = 0) out vec4 color;

// 1 in every second half turn of t, with edges as wide as a pixel; grey where turns are smaller than pixels.
float bars(float t, float width) {
    float wave = abs(fract(t) * 2.0 - 1.0);
    return clamp((wave - 0.5) / max(2.0 * width, 1e-4) + 0.5, 0.0, 1.0);
}

// How much of the second color there is at uv. All patterns are evaluated: that is cheaper than branches between pixels.
float pattern(vec2 uv, vec4 weights) {
    vec2 width = fwidth(uv);
    float across = bars(uv.x, width.x), up = bars(uv.y, width.y);
    float stripes = uv.x == 0.0 ? up : across;
    float checks = across + up - 2.0 * across * up;
    vec2 cell = abs(fract(uv) - 0.5);
    float w = max(width.x, width.y);
    float dots = clamp((0.1 - dot(cell, cell)) / max(w, 1e-3) + 0.5, 0.0, 1.0) * clamp(1.5 - w, 0.0, 1.0);
    vec2 p = uv * 3.1;
    float marble = sin(p.x + 1.7 * sin(p.y * 0.9 + 0.6 * sin(p.x * 1.3))) * sin(p.y * 1.2 + 1.3 * sin(p.x * 0.7));
    marble = 0.5 + 0.5 * marble * clamp(2.0 - 2.0 * w, 0.0, 1.0);
    return dot(vec4(stripes, checks, dots, marble), weights);
}

// The share of sunlight that arrives: four filtered looks round the place.
float sunlight(vec3 place) {
    vec2 at = place.xy * 0.5 + 0.5;
    const float step = 0.9 / 1024.0;
    float lit = texture(shadow_map, vec3(at + vec2(-step, -0.4 * step), place.z)) +
                texture(shadow_map, vec3(at + vec2(0.4 * step, -step), place.z)) +
                texture(shadow_map, vec3(at + vec2(step, 0.4 * step), place.z)) +
                texture(shadow_map, vec3(at + vec2(-0.4 * step, step), place.z));
    return lit * 0.25;
}

vec3 ambient(float up) { return mix(frame.ground.xyz, frame.sky.xyz, up * 0.5 + 0.5); }

#ifdef BACKDROP
layout(location = 0) in vec3 ray;

void main() {
    float along = dot(ray, frame.wall_plane.xyz);
    float to_wall = along < -1e-4 ? -(dot(frame.eye.xyz, frame.wall_plane.xyz) + frame.wall_plane.w) / along : 1e4;
    float to_floor = ray.y < -1e-4 ? -frame.eye.y / ray.y : 1e5;
    bool on_floor = to_floor < to_wall;
    vec3 place = frame.eye.xyz + ray * min(to_floor, to_wall);

    // Patterns of both, since the width of a pixel is taken from the neighbours.
    vec3 floor_place = frame.eye.xyz + ray * min(to_floor, 200.0);
    vec3 ground_color = mix(frame.floor_a.xyz, frame.floor_b.xyz, pattern(floor_place.xz * frame.floor_scale.xy, frame.floor_weights));
    vec3 wall_place = frame.eye.xyz + ray * min(to_wall, 200.0);
    vec2 wall_uv = vec2(wall_place.x * frame.wall_plane.z - wall_place.z * frame.wall_plane.x, wall_place.y);
    vec3 wall_color = mix(frame.wall_a.xyz, frame.wall_b.xyz, pattern(wall_uv * frame.wall_scale.xy, frame.wall_weights));
    float high = clamp(wall_place.y / frame.wall_top.w, 0.0, 1.0);
    wall_color = mix(wall_color, frame.wall_top.xyz, high * (2.0 - high));

    // Far from the shadows' ball all is lit.
    vec4 shadow = frame.sun_projection * vec4(place, 1.0);
    float inside = float(max(max(abs(shadow.x), abs(shadow.y)), abs(shadow.z * 2.0 - 1.0)) < 0.99 && on_floor);
    float lit = mix(1.0, sunlight(vec3(shadow.xy, shadow.z - 0.001)), inside);
    float steep = max(dot(frame.wall_plane.xyz, frame.to_sun.xyz), 0.0);
    vec3 floor_light = frame.sun.xyz * (frame.to_sun.y * lit) + ambient(1.0);
    vec3 wall_light = frame.sun.xyz * mix(0.35 + 0.4 * steep, frame.to_sun.y, frame.wall_scale.z) + ambient(mix(0.0, 1.0, frame.wall_scale.z));
    float to_seam = dot(place, frame.wall_plane.xyz) + frame.wall_plane.w;
    float merged = on_floor ? 1.0 - clamp(to_seam / max(frame.floor_scale.z, 0.01), 0.0, 1.0) : 1.0;
    merged = merged * merged * (3.0 - 2.0 * merged);
    vec3 linear = mix(ground_color * floor_light, wall_color * wall_light, merged);
    color = vec4(sqrt(linear), 1.0);
}
#else
layout(location = 0) in vec3 world;
layout(location = 1) in vec3 normal;
layout(location = 2) in vec2 uv;
layout(location = 3) in vec3 shadow_place;
layout(location = 4) flat in vec4 a;
layout(location = 5) flat in vec3 b;
layout(location = 6) flat in vec4 weights;

void main() {
    vec3 n = normalize(normal);
    float facing = dot(n, frame.to_sun.xyz);
    float lit = clamp(facing * 4.0, 0.0, 1.0) * sunlight(vec3(shadow_place.xy, shadow_place.z - 0.001));
    vec3 albedo = mix(a.xyz, b, pattern(uv, weights));
    // Less of the sky near the floor.
    float open = clamp(world.y * 2.5 + 0.45, 0.45, 1.0);
    vec3 light = frame.sun.xyz * (max(facing, 0.0) * lit) + ambient(n.y) * mix(open, 1.0, max(n.y, 0.0));
    vec3 middle = normalize(normalize(frame.eye.xyz - world) + frame.to_sun.xyz);
    float shine = max(dot(n, middle), 0.0);
    shine *= shine;
    shine *= shine;
    shine *= shine;
    shine *= shine;
    shine *= shine;  // to the 32nd
    color = vec4(sqrt(albedo * light + frame.sun.xyz * (shine * a.w * lit)), 1.0);
}
#endif
