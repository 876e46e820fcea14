#version 450
#pragma kernel overlay_shapes_vert
// One quad an instance: a rectangle or a glyph, in pixels of the target.

layout(push_constant) uniform Target {
    vec2 target;    // size in pixels
    float opacity;  // of all that is drawn
    uint linear;    // 1: the attachment blends linear light, 0: sRGB-coded values
};

layout(location = 0) in vec4 in_rect;   // x1, y1, x2, y2 in pixels
layout(location = 1) in vec4 in_form;   // glyph: origin x, baseline y, pixels a unit, half the stroke; else radius of the corners
layout(location = 2) in vec4 in_color;  // not premultiplied
layout(location = 3) in uvec2 in_strokes;  // first stroke and how many; none for a rectangle

layout(location = 0) flat out vec4 rect;
layout(location = 1) flat out vec4 form;
layout(location = 2) flat out vec4 color;
layout(location = 3) flat out uvec2 strokes;

void main() {
    const vec2 corners[6] = vec2[](vec2(0, 0), vec2(1, 0), vec2(0, 1), vec2(0, 1), vec2(1, 0), vec2(1, 1));
    rect = in_rect;
    form = in_form;
    color = in_color;
    strokes = in_strokes;
    // Whole pixels round the shape: those it touches in part are shaded by how much of them it covers.
    const vec2 at = mix(floor(in_rect.xy), ceil(in_rect.zw), corners[gl_VertexIndex]);
    gl_Position = vec4(at / target * 2.0 - 1.0, 0.0, 1.0);
}
