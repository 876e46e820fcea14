#version 450
#pragma kernel overlay_picture_vert
// A quad of whole pixels that shows the picture: two triangles from six vertex indices.

layout(push_constant) uniform Picture {
    vec4 rect;        // x, y, width, height in pixels of the target
    vec2 target;      // size of the target in pixels
    int format;       // 0 RGBA, 1 NV12, 2 I420
    int taps;         // samples per axis and pixel: above 1 where the picture is made smaller
    vec4 yuv_to_rgb;  // red from V, green from U, green from V, blue from U
    vec4 yuv_range;   // offset and scale of luma, then of chroma
    vec4 turn;        // where uv goes as the upright picture's x, then y, go from 0 to 1
} p;

layout(location = 0) out vec2 uv;

void main() {
    const vec2 corners[6] = vec2[](vec2(0, 0), vec2(1, 0), vec2(0, 1), vec2(0, 1), vec2(1, 0), vec2(1, 1));
    const vec2 corner = corners[gl_VertexIndex];
    uv = 0.5 + mat2(p.turn.xy, p.turn.zw) * (corner - 0.5);
    gl_Position = vec4((p.rect.xy + corner * p.rect.zw) / p.target * 2.0 - 1.0, 0.0, 1.0);
}
