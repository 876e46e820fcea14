#version 450
#pragma kernel overlay_shapes_frag
// Coverage of the pixel by a rectangle (exact), a rounded rectangle or a glyph (distance to its strokes). No texture
// is involved, so that everything is sharp at any size.

struct Stroke {
    vec4 ends;    // first and last point, in font units, y up
    vec4 circle;  // centre and radius of an arc that runs against the clock; radius 0: a straight line
};
layout(push_constant) uniform Target {
    vec2 target;
    float opacity;
    uint linear;
};
layout(std430, set = 0, binding = 0) readonly buffer Font { Stroke font[]; };

layout(location = 0) flat in vec4 rect;
layout(location = 1) flat in vec4 form;
layout(location = 2) flat in vec4 color;
layout(location = 3) flat in uvec2 strokes;
layout(location = 0) out vec4 result;

float cross2(vec2 a, vec2 b) { return a.x * b.y - a.y * b.x; }

float distance_to(Stroke s, vec2 at) {
    if (s.circle.z > 0.0) {
        const vec2 d = at - s.circle.xy;
        const bool beside = cross2(s.ends.xy - s.circle.xy, d) >= 0.0 && cross2(d, s.ends.zw - s.circle.xy) >= 0.0;
        if (beside) return abs(length(d) - s.circle.z);
        return min(distance(at, s.ends.xy), distance(at, s.ends.zw));
    }
    const vec2 along = s.ends.zw - s.ends.xy, d = at - s.ends.xy;
    const float t = clamp(dot(d, along) / max(dot(along, along), 1e-12), 0.0, 1.0);
    return length(d - t * along);
}

// The color's light, and the alpha that looks in linear light as `alpha` does between sRGB-coded values. Which that is
// depends on what lies below: it is taken to be as dark as the color is bright, and light to be the square of its code.
vec4 in_linear_light(float alpha) {
    const float luma = dot(color.rgb, vec3(0.299, 0.587, 0.114));
    const vec3 light = mix(color.rgb / 12.92, pow((color.rgb + 0.055) / 1.055, vec3(2.4)), greaterThan(color.rgb, vec3(0.04045)));
    return vec4(light, alpha * mix(2.0 - alpha, alpha, luma));
}

void main() {
    const vec2 at = gl_FragCoord.xy;
    float coverage;
    if (strokes.y > 0u) {
        const vec2 unit = vec2(at.x - form.x, form.y - at.y) / form.z;
        float nearest = 1e9;
        for (uint i = 0u; i < strokes.y; ++i) nearest = min(nearest, distance_to(font[strokes.x + i], unit));
        coverage = clamp(form.w - nearest * form.z + 0.5, 0.0, 1.0);
    } else if (form.x > 0.0) {
        const vec2 middle = 0.5 * (rect.xy + rect.zw), half_size = 0.5 * (rect.zw - rect.xy);
        const vec2 q = abs(at - middle) - half_size + form.x;
        coverage = clamp(0.5 - (length(max(q, 0.0)) + min(max(q.x, q.y), 0.0) - form.x), 0.0, 1.0);
    } else {
        const vec2 covered = clamp(min(at + 0.5, rect.zw) - max(at - 0.5, rect.xy), 0.0, 1.0);
        coverage = covered.x * covered.y;
    }
    const float alpha = color.a * opacity * coverage;
    result = linear == 0u ? vec4(color.rgb, alpha) : in_linear_light(alpha);
}
