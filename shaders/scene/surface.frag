#version 450
#pragma kernel scene_mesh_frag
#pragma kernel scene_backdrop_frag BACKDROP
#extension GL_GOOGLE_include_directive : require
#include "scene.glsl"
// The light on a mesh, or on floor and wall.

layout(set = 0, binding = 1) uniform sampler2DShadow shadow_map;
layout(location = 0) out vec4 color;

// 1 in every second half turn of t, with edges as wide as a pixel (`sharp`: half of one over its width in turns); grey
// where turns are smaller than pixels.
float bars(float t, float sharp) { return clamp((abs(fract(t) * 2.0 - 1.0) - 0.5) * sharp + 0.5, 0.0, 1.0); }

// Nearly a sine of t turns, from parabolas: a tenth of its cost on a CPU.
float wave(float t) {
    float x = fract(t) * 2.0 - 1.0;
    return 4.0 * x * (abs(x) - 1.0);
}

// How much of the second color there is at uv. All patterns are evaluated: branches between pixels would cost more.
float pattern(vec2 uv, vec4 weights) {
    vec2 width = fwidth(uv);
    vec2 sharp = 0.5 / max(width, vec2(1e-4));
    float w = max(width.x, width.y);
    float across = bars(uv.x, sharp.x), up = bars(uv.y, sharp.y);
    float stripes = uv.x == 0.0 ? up : across;
    float checks = across + up - 2.0 * across * up;
    vec2 cell = abs(fract(uv) - 0.5);
    float dots = clamp((0.1 - dot(cell, cell)) * 2.0 * min(sharp.x, sharp.y) + 0.5, 0.0, 1.0);
    dots *= clamp(1.5 - w, 0.0, 1.0);
    vec2 p = uv * 0.5;
    float marble = wave(p.x + 0.27 * wave(p.y * 0.9 + 0.1 * wave(p.x * 1.3))) * wave(p.y * 1.2 + 0.2 * wave(p.x * 0.7));
    marble = 0.5 + 0.5 * marble * clamp(2.0 - 2.0 * w, 0.0, 1.0);
    return dot(vec4(stripes, checks, dots, marble), weights);
}

// The share of sunlight that arrives: two filtered looks round the place.
float sunlight(vec3 place) {
    vec2 at = place.xy * 0.5 + 0.5;
    const vec2 step = vec2(0.6, -0.4) / 1024.0;
    return 0.5 * (texture(shadow_map, vec3(at + step, place.z)) + texture(shadow_map, vec3(at - step, place.z)));
}

vec3 ambient(float up) { return mix(frame.ground.xyz, frame.sky.xyz, up * 0.5 + 0.5); }

#ifdef BACKDROP
layout(location = 0) in vec4 ray;              // w: towards the wall
layout(location = 1) in vec3 ray_in_shadow;    // the same in the shadow map's space
layout(location = 2) flat in vec4 eye_in_shadow;  // w: the eye's distance from the wall

void main() {
    float to_wall = ray.w < -1e-4 ? -eye_in_shadow.w / ray.w : 1e4;
    float to_floor = ray.y < -1e-4 ? -frame.eye.y / ray.y : 1e5;
    bool on_floor = to_floor < to_wall;
    float reach = min(to_floor, to_wall);
    vec3 place = frame.eye.xyz + ray.xyz * reach;

    // One of both is looked at: where they meet, a pixel's width comes out too large, and its pattern grey.
    vec2 wall_uv = vec2(place.x * frame.wall_plane.z - place.z * frame.wall_plane.x, place.y);
    vec2 uv = on_floor ? place.xz * frame.floor_scale.xy : wall_uv * frame.wall_scale.xy;
    float second = pattern(uv, on_floor ? frame.floor_weights : frame.wall_weights);
    vec3 ground_color = mix(frame.floor_a.xyz, frame.floor_b.xyz, second);
    vec3 wall_color = mix(frame.wall_a.xyz, frame.wall_b.xyz, on_floor ? 0.0 : second);
    float high = clamp(place.y / frame.wall_top.w, 0.0, 1.0);
    wall_color = mix(wall_color, frame.wall_top.xyz, high * (2.0 - high));

    // Far from the shadows' ball all is lit.
    vec3 shadow = eye_in_shadow.xyz + ray_in_shadow * reach;
    float inside = float(max(max(abs(shadow.x), abs(shadow.y)), abs(shadow.z * 2.0 - 1.0)) < 0.99 && on_floor);
    float lit = mix(1.0, sunlight(vec3(shadow.xy, shadow.z - 0.001)), inside);
    float steep = max(dot(frame.wall_plane.xyz, frame.to_sun.xyz), 0.0);
    vec3 floor_light = frame.sun.xyz * (frame.to_sun.y * lit) + ambient(1.0);
    float fades = frame.wall_scale.z;
    vec3 wall_light = frame.sun.xyz * mix(0.35 + 0.4 * steep, frame.to_sun.y, fades) + ambient(fades);
    float to_seam = eye_in_shadow.w + ray.w * reach;
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
